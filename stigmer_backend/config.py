"""The daemon's settings: those of its home and its environment, as far as this version can follow them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from stigmer_apis.config import Configuration, check_mode, load
from stigmer_apis.home import Home


@dataclass(frozen=True, slots=True)
class DaemonConfig:
    """What a daemon goes by."""

    home: Home
    """With its databases where the settings want them."""
    configuration: Configuration


def configure(home: Home, environ: Mapping[str, str] = os.environ) -> DaemonConfig:
    """Read the settings. Blocking: a small file.

    Raises `ConfigError` for what means nothing and for a mode that this version does not have, `HomeError` for a file or folder that cannot be used.
    """
    configuration = load(home, environ)
    check_mode(configuration)
    return DaemonConfig(home.with_data(configuration.settings.backend.local.data_dir), configuration)
