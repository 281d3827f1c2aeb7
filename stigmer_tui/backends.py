"""Which server this machine's commands and the app speak to: the daemon here, or one on another machine, and the key to that.

Keys are kept by the address that they are for, as `stigmer backend login` keeps them: in the keyring of the person's session where there is one, else in
`logins.json` of the home (0600), which also says which are in the keyring. `STIGMER_API_KEY` wins.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from stigmer_apis.config import BackendType, load
from stigmer_apis.errors import ConfigError, Unauthenticated
from stigmer_apis.home import Home
from stigmer_tui import login_keyring
from stigmer_tui.widgets.composer.private_file import replace_private

if TYPE_CHECKING:
    from stigmer_apis.client.remote import Remote

KEY_VARIABLE = "STIGMER_API_KEY"
IN_KEYRING = "keyring"
"""Stands in `logins.json` for a key that the keyring keeps; no key looks so."""
REMOTE_VARIABLE = "STIGMER_REMOTE"
"""An address that one command is about, in place of what is configured: how the app hands `--remote` on to commands that it runs."""


class Logins:
    """Keys by the address of their server."""

    def __init__(self, home: Home) -> None:
        self.path: Path = home.root / "logins.json"

    def has(self, endpoint: str) -> bool:
        """Whether a key is kept for an address."""
        return bool(self._read().get(endpoint, ""))

    def get(self, endpoint: str) -> str:
        """The key for an address; empty where there is none. Raises `Unauthenticated` where it is in a keyring that cannot be asked."""
        kept = self._read().get(endpoint, "")
        if kept != IN_KEYRING:
            return kept
        try:
            return login_keyring.find(endpoint)
        except login_keyring.KeyringUnusable as error:
            raise Unauthenticated(
                f"the API key for {endpoint} is in the keyring, which cannot be asked: {error}",
                remedy=f"unlock the keyring, set {KEY_VARIABLE}, or give the key anew: `stigmer backend login --endpoint {endpoint}`",
            ) from error

    def put(self, endpoint: str, key: str) -> str:
        """Keep a key; where that is, in words. Raises `OSError`."""
        try:
            where = f"the {login_keyring.keep(endpoint, key)}"
            self._write({**self._read(), endpoint: IN_KEYRING})
        except login_keyring.KeyringUnusable:
            where = f"{self.path}, for you alone"
            self._write({**self._read(), endpoint: key})
        return where

    def remove(self, endpoint: str) -> bool:
        """Forget a key; False where there was none. Raises `OSError`."""
        known = self._read()
        if endpoint not in known:
            return False
        if known[endpoint] == IN_KEYRING:
            with suppress(login_keyring.KeyringUnusable):
                login_keyring.forget(endpoint)
        del known[endpoint]
        self._write(known)
        return True

    def _read(self) -> dict[str, str]:
        with suppress(OSError, ValueError):
            stored: object = json.loads(self.path.read_bytes())
            if isinstance(stored, dict):
                return {str(endpoint): str(key) for endpoint, key in cast("dict[object, object]", stored).items()}
        return {}

    def _write(self, known: Mapping[str, str]) -> None:
        replace_private(self.path, json.dumps(known, indent=1).encode())


def chosen_remote(home: Home, environ: Mapping[str, str] = os.environ) -> "Remote | None":
    """The server on another machine that is configured; None for the daemon here. Blocking: small files.

    Raises `ConfigError` for settings that mean nothing, `Unauthenticated` where no key is known for the address.
    """
    if environ.get(REMOTE_VARIABLE):
        return remote_at(home, environ[REMOTE_VARIABLE], environ)
    backend = load(home, environ).settings.backend
    if backend.type is not BackendType.CLOUD:
        return None
    endpoint = backend.cloud.endpoint or backend.local.endpoint
    if not endpoint or endpoint.startswith("unix:"):
        named = [] if environ.get(KEY_VARIABLE) or backend.cloud.token else [KEY_VARIABLE]
        missing = ", ".join(["STIGMER_BACKEND_ENDPOINT", *named])
        raise ConfigError(
            f"the backend is a remote one; missing: {missing}",
            remedy="`stigmer backend switch cloud --endpoint HOST:PORT` sets it, `stigmer backend switch local` takes the daemon here",
        )
    return remote_at(home, endpoint, environ, backend.cloud.token)


def remote_at(home: Home, endpoint: str, environ: Mapping[str, str] = os.environ, token: str = "") -> "Remote":
    """The server at an address, with the key that is known for it. Raises `ConfigError` and `Unauthenticated` as `chosen_remote` does."""
    from stigmer_apis.client.remote import Endpoint, Remote

    where = str(Endpoint.parse(endpoint))
    key = environ.get(KEY_VARIABLE, "") or Logins(home).get(where) or token
    if not key:
        raise Unauthenticated(
            f"no API key is known for {where}",
            remedy=f"`stigmer apikey create NAME` on its machine makes one; give it to `stigmer backend login --endpoint {where}`",
        )
    return Remote(where, key)
