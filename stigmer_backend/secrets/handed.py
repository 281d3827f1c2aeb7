"""What the daemon's start was handed in its environment: a passphrase, keys of model providers. Read once, then taken out of it.

What stood there at the start stays readable in `/proc/PID/environ` for who may read it: nobody, once the process is not dumpable.
"""

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stigmer_backend.secrets.rungs import CREDENTIAL

PROVIDER_VARIABLES: Final[Mapping[str, str]] = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "daytona": "DAYTONA_API_KEY",
}
"""The variable with the key of each provider that has one of its own."""
GENERAL_VARIABLE: Final = "STIGMER_LLM_API_KEY"
"""The key of whatever provider the configuration names."""
GENERAL: Final = "*"
"""That provider, as long as its name is not known."""

_PASSPHRASE = "STIGMER_PASSPHRASE"
_PASSPHRASE_FILE = "STIGMER_PASSPHRASE_FILE"
_CREDENTIALS = "CREDENTIALS_DIRECTORY"


@dataclass(frozen=True, slots=True)
class Handed:
    """Secrets from the environment. Its text shows none of them."""

    passphrase: bytes = field(default=b"", repr=False)
    credential: bytes = field(default=b"", repr=False)
    """What the systemd credential holds."""
    provider_keys: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """By provider; `GENERAL` for the one that the configuration names."""
    problem: str = ""
    """Why a passphrase that was named could not be read."""

    @classmethod
    def take(cls, environ: MutableMapping[str, str] = os.environ) -> "Handed":
        """Read what is there, and take the values out of `environ`, so that no child inherits them."""
        named = environ.get(_PASSPHRASE_FILE, "")
        passphrase = environ.pop(_PASSPHRASE, "").encode("utf-8", "surrogateescape")
        problem = ""
        if not passphrase and named:
            try:
                passphrase = Path(named).read_bytes().removesuffix(b"\n").removesuffix(b"\r")
            except OSError as error:
                problem = f"{_PASSPHRASE_FILE} names {named}, which cannot be read: {error.strerror}"
        keys = {
            provider: value
            for provider, variable in (*PROVIDER_VARIABLES.items(), (GENERAL, GENERAL_VARIABLE))
            if (value := environ.pop(variable, "").strip())
        }
        return cls(passphrase, _credential(environ), keys, problem)


def _credential(environ: Mapping[str, str]) -> bytes:
    directory = environ.get(_CREDENTIALS, "")
    if not directory:
        return b""
    try:
        return (Path(directory) / CREDENTIAL).read_bytes().strip()
    except OSError:
        # A service may have credentials without ours among them.
        return b""
