"""The daemon's doors on the network: for clients and runners of other machines, and a compatible one for published clients on this machine.

An address that others reach takes TLS and API keys, always.
"""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stigmer_apis.errors import ConfigError
from stigmer_apis.protocol import TRANSPORT_MESSAGE_BYTES
from stigmer_apis.transport import Options, aio, grpc
from stigmer_backend.access import AccessInterceptor, Role
from stigmer_backend.access.failures import Translation
from stigmer_backend.access.principal import Authenticator, Principal
from stigmer_backend.daemon.listeners import Register, listener_options

if TYPE_CHECKING:
    from stigmer_backend.access.authority import Credentials

SPARE_CALLS: Final = 200
"""Beyond the most calls these are still answered, with a refusal; past them gRPC itself refuses."""
IDLE_SECONDS: Final = 900
"""A connection without a call for so long is closed."""
COMPAT_ADDRESS: Final = ("127.0.0.1", 7234)
"""Where published clients look for a backend on their machine."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    """A name, or an IP address without brackets."""
    port: int
    """0 for any that is free."""

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`HOST:PORT`, `[::1]:PORT`, `:PORT` for every address of this machine. Raises `ConfigError`."""
        host, colon, port = text.strip().rpartition(":")
        if not colon or not port.isdecimal() or int(port) > 65535:
            raise ConfigError(
                f"{text!r} is no address to listen on",
                remedy="write it as HOST:PORT, such as 0.0.0.0:7443 or [::1]:7443",
            )
        return cls(host.removeprefix("[").removesuffix("]") or "0.0.0.0", int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a door takes at once."""

    connections: int = 1000
    """A further one is closed at once."""
    calls: int = 2000
    """A further one is refused; streams that stay open count."""
    handshake_seconds: int = 10
    """A connection that has not greeted with TLS and HTTP/2 by then is closed."""


@dataclass(frozen=True, slots=True)
class NetworkDoor:
    """One address, who may come in, and what they find."""

    address: Address
    admits: frozenset[Role]
    registers: Sequence[Register]
    credentials: "Credentials | None"
    """None: no TLS, which only a loopback address may have."""
    limits: Limits = Limits()


class Anybody:
    """Takes whoever comes for an operator: for the compatible listener, which only this machine's users reach, and which somebody asked for."""

    def authenticate(self, token: str) -> Principal | None:
        """The one whom everybody is taken for."""
        return Principal(Role.OPERATOR, "a client of the compatible listener")


class NetworkListener:
    """The server behind one door."""

    def __init__(
        self,
        door: NetworkDoor,
        authenticator: Authenticator,
        translations: Sequence[Translation],
        behind: Sequence[aio.ServerInterceptor],
        *,
        before: Sequence[aio.ServerInterceptor] = (),
        needs_token: bool = True,
    ) -> None:
        """`before` and `behind` stand before and behind the one that admits. Raises `ConfigError` for a door that everybody reaches and nothing guards."""
        if door.credentials is None and not door.address.is_loopback:
            raise ConfigError(
                f"{door.address} is reached by others, and takes TLS and API keys",
                remedy="listen on 127.0.0.1, or let the server have its certificates",
            )
        self._door = door
        self._interceptor = AccessInterceptor(
            authenticator,
            admits=door.admits,
            largest_request=TRANSPORT_MESSAGE_BYTES,
            where_tokens_are="; `stigmer apikey create` on the server's machine makes one" if needs_token else "",
            translations=translations,
            needs_token=needs_token,
            most_calls=door.limits.calls,
        )
        self._behind = behind
        self._before = before
        self._server: aio.Server | None = None
        self.port = 0
        """Where it listens, once it does."""

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(self._door.address.host, self.port or self._door.address.port)

    @property
    def has_tls(self) -> bool:
        """Whether it shows a certificate."""
        return self._door.credentials is not None

    @property
    def open_streams(self) -> int:
        """Calls under way that answer with a stream."""
        return self._interceptor.open_streams

    async def open(self) -> None:
        """Listen. Raises `OSError` where the address cannot be had."""
        await asyncio.to_thread(_check_free, self._door.address)
        server = aio.server(
            interceptors=[*self._before, self._interceptor, *self._behind],
            options=_network_options(self._door.limits),
            maximum_concurrent_rpcs=self._door.limits.calls + SPARE_CALLS,
        )
        for register in self._door.registers:
            register(server)
        target = str(self._door.address)
        try:
            if self._door.credentials is None:
                self.port = server.add_insecure_port(target)
            else:
                pair = (self._door.credentials.key, self._door.credentials.certificate)
                self.port = server.add_secure_port(target, grpc.ssl_server_credentials([pair]))
        except RuntimeError as error:
            raise OSError(f"the server cannot listen on {target}: {error}") from error
        await server.start()
        self._server = server
        _log.info("listens on %s (%s)", self.address, "TLS" if self._door.credentials else "no TLS")

    async def close(self, grace: float) -> None:
        """Take no new call, end those that answer with a stream, give the others `grace` seconds."""
        if self._server is not None:
            self._interceptor.end_streams()
            await self._server.stop(grace)
            self._server = None


def _check_free(address: Address) -> None:
    """Raises `OSError` in words: gRPC's own say only that no address was bound."""
    if address.port == 0:
        return
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(f"the server cannot listen on {address}: {error.strerror}") from error
    family, kind, _, _, where = found[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
        except OSError as error:
            raise OSError(f"the server cannot listen on {address}: {error.strerror}") from error


def _network_options(limits: Limits) -> Options:
    return [
        *listener_options(),
        ("grpc.max_connection_idle_ms", IDLE_SECONDS * 1000),
        ("grpc.max_allowed_incoming_connections", limits.connections),
        ("grpc.server_handshake_timeout_ms", limits.handshake_seconds * 1000),
    ]


def tls_files(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """The person's own files, where both are named. Raises `ConfigError` for one without the other."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = "server.tls_cert" if certificate is None else "server.tls_key"
        raise ConfigError(
            f"a certificate and its key belong together, and {missing} is not set", remedy="set both, or neither"
        )
    return certificate, key
