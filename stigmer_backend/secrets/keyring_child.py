"""`python -m stigmer_backend.secrets.keyring_child`: one request to the OS keyring, in a process that can be killed when the keyring hangs.

The request is one line of JSON on standard input, the answer one line on standard output; a value passes through these pipes alone.
Backends are taken from an allow-list and made directly: no plugin, no configuration file of the library has a say.
"""

import importlib
import json
import logging
import secrets
import sys
from collections.abc import Callable
from typing import Protocol, cast

from stigmer_backend.daemon.hardening import harden

BACKENDS: dict[str, tuple[tuple[str, str], ...]] = {
    "linux": (
        ("keyring.backends.SecretService", "Keyring"),
        ("keyring.backends.kwallet", "DBusKeyring"),
        ("keyring.backends.kwallet", "DBusKeyringKWallet4"),
    ),
    "darwin": (("keyring.backends.macOS", "Keyring"),),
    "win32": (("keyring.backends.Windows", "WinVaultKeyring"),),
}
"""Module and class of the keyrings that are trusted, by platform, the first that is there is used."""

NAMES = {
    "keyring.backends.SecretService": "Secret Service",
    "keyring.backends.kwallet": "KWallet",
    "keyring.backends.macOS": "macOS Keychain",
    "keyring.backends.Windows": "Windows Credential Locker",
}


class Backend(Protocol):
    """What every keyring of the library does."""

    priority: float

    def get_password(self, service: str, username: str) -> str | None:
        """The value, or None."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a value."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Forget a value."""
        ...


class NoKeyring(Exception):
    """None of the trusted keyrings is there."""


def main() -> int:
    """Answer one request."""
    harden()
    logging.disable(logging.CRITICAL)
    request = cast("dict[str, str]", json.loads(sys.stdin.readline()))
    try:
        answer = _answer(request)
    except Exception as error:  # noqa: BLE001  Whatever a keyring raises, the daemon is told which kind of thing it was, and no value.
        answer = {"error": type(error).__name__, "detail": str(error) if isinstance(error, NoKeyring) else ""}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _answer(request: dict[str, str]) -> dict[str, str | None]:
    name, backend = _choose()
    service, username = request["service"], request["username"]
    does: dict[str, Callable[[], str | None]] = {
        "get": lambda: backend.get_password(service, username),
        "set": lambda: backend.set_password(service, username, request["value"]),
        "delete": lambda: _delete(backend, service, username),
        "probe": lambda: _probe(backend, service, username),
    }
    return {"keyring": name, "value": does[request["do"]]()}


def _delete(backend: Backend, service: str, username: str) -> None:
    if backend.get_password(service, username) is not None:
        backend.delete_password(service, username)


def _probe(backend: Backend, service: str, username: str) -> str:
    """Keep, read and forget a value that means nothing; `true` where the keyring did as it was told."""
    value = secrets.token_hex(16)
    backend.set_password(service, username, value)
    found = backend.get_password(service, username)
    _delete(backend, service, username)
    return "true" if found == value and backend.get_password(service, username) is None else "false"


def _choose() -> tuple[str, Backend]:
    """The first trusted keyring that is there. Raises `NoKeyring`."""
    reasons: list[str] = []
    for module, name in BACKENDS.get(sys.platform, ()):
        try:
            made = cast("type[Backend]", getattr(importlib.import_module(module), name))
            usable = made.priority
        except Exception:  # noqa: BLE001  A keyring that is not there says so with errors of many kinds.
            reasons.append(f"{NAMES[module]} is not there")
            continue
        if usable > 0:
            return NAMES[module], made()
    raise NoKeyring("; ".join(dict.fromkeys(reasons)) or f"none is known for {sys.platform}")


if __name__ == "__main__":
    sys.exit(main())
