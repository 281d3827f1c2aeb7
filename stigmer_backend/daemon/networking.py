"""What the daemon has on the network: its API keys, its certificates, its doors there."""

import datetime as dt
import logging
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_apis.config import Server
from stigmer_apis.home import Home
from stigmer_apis.transport import aio
from stigmer_backend.access import Role
from stigmer_backend.access.api_keys import API_KEYS_FILE, ApiKeys
from stigmer_backend.access.failures import Translation
from stigmer_backend.access.principal import Authenticator
from stigmer_backend.daemon.api_key_service import ApiKeyService
from stigmer_backend.daemon.listeners import Register
from stigmer_backend.daemon.network import (
    COMPAT_ADDRESS,
    Address,
    Anybody,
    Limits,
    NetworkDoor,
    NetworkListener,
    tls_files,
)

if TYPE_CHECKING:
    from stigmer_backend.access.authority import Credentials

_log = logging.getLogger(__name__)


class Network:
    """Made by `prepare`; given its doors by `add_doors` before it is opened."""

    def __init__(
        self, keys: ApiKeys, settings: Server, credentials: "Callable[[], Credentials]", shown: "Credentials | None"
    ) -> None:
        self._keys = keys
        self._settings = settings
        self._shown = shown
        self._listeners: list[NetworkListener] = []
        self.service = ApiKeyService(keys, lambda: credentials().fingerprint)
        """For the operators' doors."""

    @classmethod
    def prepare(cls, home: Home, settings: Server) -> "Network":
        """Read the keys, and have the certificates. Blocking.

        Raises `ConfigError` for settings that mean nothing, `AuthorityUnusable`, `TokensUnreadable`, `OSError`.
        """
        keys = ApiKeys(home.data / API_KEYS_FILE)
        host = Address.parse(settings.listen).host if settings.listen else ""
        files = tls_files(_below(home, settings.tls_cert), _below(home, settings.tls_key))

        def credentials() -> "Credentials":
            # A daemon that nobody reaches from elsewhere goes without what makes certificates: 2 MiB.
            from stigmer_backend.access.authority import given_credentials, own_credentials

            if files is not None:
                return given_credentials(*files)
            return own_credentials(home.data, host, dt.datetime.now(dt.UTC))

        return cls(keys, settings, credentials, credentials() if settings.listen else None)

    def add_doors(
        self,
        for_people: Sequence[Register],
        for_runners: Sequence[Register],
        translations: Sequence[Translation],
        behind: Sequence[aio.ServerInterceptor],
        before: Sequence[aio.ServerInterceptor] = (),
        guarded: Callable[[Authenticator], Authenticator] = lambda keys: keys,
    ) -> None:
        """Say what people and runners find behind the doors. `guarded` says who else than the keys' holders comes in.

        Raises `ConfigError` for a door that nothing guards.
        """
        limits = Limits(self._settings.max_connections, self._settings.max_calls)
        if self._settings.listen:
            door = NetworkDoor(
                Address.parse(self._settings.listen),
                frozenset({Role.VIEWER, Role.OPERATOR, Role.RUNNER}),
                [*for_people, *for_runners],
                self._shown,
                limits,
            )
            keys = guarded(self._keys)
            self._listeners.append(NetworkListener(door, keys, translations, behind, before=before))
        if self._settings.compat_listener:
            door = NetworkDoor(Address(*COMPAT_ADDRESS), frozenset({Role.OPERATOR}), for_people, None, limits)
            self._listeners.append(
                NetworkListener(door, Anybody(), translations, behind, before=before, needs_token=False)
            )

    @property
    def addresses(self) -> Sequence[str]:
        """Where it listens; behind a space, what keeps clients away from there."""
        return [f"{listener.address}{self._outdated if listener.has_tls else ''}" for listener in self._listeners]

    @property
    def _outdated(self) -> str:
        until = None if self._shown is None else self._shown.until
        if until is None or until > dt.datetime.now(dt.UTC):
            return ""
        return f" (its certificate ran out on {until:%Y-%m-%d}: no client trusts it)"

    @property
    def advertised(self) -> tuple[str, bytes | None]:
        """Where other daemons find it, empty for nowhere, and the fingerprint of whose certificate is shown there."""
        if self._shown is None:
            return "", None
        if self._settings.advertise:
            return self._settings.advertise, self._shown.fingerprint
        at = self._listeners[0].address
        host = socket.gethostname() if at.host in ("0.0.0.0", "::") else at.host
        return str(Address(host, at.port)), self._shown.fingerprint

    @property
    def open_streams(self) -> int:
        """Calls under way that answer with a stream."""
        return sum(listener.open_streams for listener in self._listeners)

    async def open(self) -> None:
        """Listen. Raises `OSError` where an address cannot be had."""
        for listener in self._listeners:
            await listener.open()
        if self._outdated:
            _log.warning(
                "%s: put a new one there and restart the server",
                self._outdated.strip(" ()"),
            )
        if self._settings.compat_listener:
            _log.warning(
                "%s takes calls without a token: every program of every user of this machine acts as you there; "
                "`stigmer config unset server.compat_listener` closes it",
                Address(*COMPAT_ADDRESS),
            )

    async def close(self, grace: float) -> None:
        """Take no new call, and give those under way `grace` seconds."""
        for listener in self._listeners:
            await listener.close(grace)


def _below(home: Home, path: Path | None) -> Path | None:
    return home.root / path if path is not None else None
