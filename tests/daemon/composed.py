"""A daemon with other options than the installed one, as a program for tests: its command line is the daemon's."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Never

from stigmer_apis.config import Log
from stigmer_apis.home import Home
from stigmer_apis.logs import set_up_logging
from stigmer_backend.daemon.hardening import harden
from stigmer_backend.daemon.options import ServeOptions
from stigmer_backend.daemon.serving import serve


def main(options: Callable[[Home], ServeOptions]) -> int:
    """Be the daemon with `options` of its home."""
    harden()
    home = Home.at(Path(sys.argv[sys.argv.index("--home") + 1]))
    set_up_logging(Log(), home.server_log)
    return asyncio.run(serve(home, options(home), _abandon))


def _abandon(code: int) -> Never:
    os._exit(code)
