"""To a server on another machine: TLS first, then the key.

A key that carries its server's fingerprint is shown to a server alone whose certificate that authority signed: whoever else answers at the address, or
is put in between, never sees it. Other keys go to servers whose certificate this machine's authorities signed, by name.
"""

import asyncio
import hashlib
import ssl
from dataclasses import dataclass
from operator import attrgetter, methodcaller
from typing import cast

from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetServerInfoRequest, GetServerInfoResponse
from stigmer_apis.api_keys import ApiKey, parse
from stigmer_apis.client.dial import check_protocol
from stigmer_apis.client.wire import Wire
from stigmer_apis.errors import (
    ConfigError,
    NotRunning,
    NotStigmer,
    NotTrusted,
    StigmerError,
    Unauthenticated,
    Unavailable,
)
from stigmer_apis.errors_grpc import error_from_rpc, is_from_stigmer
from stigmer_apis.protocol import TLS_NAME
from stigmer_apis.transport import Options, aio, client_options, grpc

_CONNECT_SECONDS = 5.0
_HTTP2 = "h2"
_OTHER_HTTP = "Failed parsing HTTP/2"
"""In gRPC's words, where a server agreed to HTTP/2 and then says something else."""
_OF_STRANGERS = ("self signed", "self-signed", "unable to get")
"""In OpenSSL's words, where a certificate leads to nobody who is trusted."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server is."""

    host: str
    """A name, or an IP address without brackets."""
    port: int

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """`HOST:PORT` or `[::1]:PORT`. Raises `ConfigError`."""
        host, colon, port = text.strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not colon or not host or "/" in host or not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise ConfigError(
                f"{text!r} is no address of a server", remedy="write it as HOST:PORT, such as box.example:7443"
            )
        return cls(host.lower(), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Greeting:
    """What a server says of itself before it is told anything."""

    certificates: list[bytes]
    """Those that it shows, DER."""
    speaks_http2: bool


class Remote:
    """A server on another machine and the key to it."""

    def __init__(self, endpoint: str, key: str) -> None:
        """Raises `ConfigError` for what is no address, `InvalidArgument` for what is no key."""
        self.endpoint = Endpoint.parse(endpoint)
        self._key: ApiKey = parse(key)
        self._authority: bytes | None = None

    def __repr__(self) -> str:
        return f"Remote({self.endpoint})"

    async def dial(self, timeout: float) -> tuple[Wire, GetServerInfoResponse]:
        """A wire to the server, which has said within `timeout` seconds who it is.

        Raises `NotRunning` where nobody listens, `NotTrusted` where somebody else's certificate is shown, `NotStigmer` where no server of ours
        answers, `Unauthenticated` where the key is not known, `DaemonMismatch` where another protocol is spoken.
        """
        wire = Wire.over(await self.channel(), self._key.text)
        try:
            with wire.used():
                info = await wire.server.GetServerInfo(
                    GetServerInfoRequest(), timeout=timeout, metadata=wire.metadata()
                )
            check_protocol(info)
        except aio.AioRpcError as error:
            await wire.channel.close()
            raise await self._explain(error) from error
        except BaseException:
            await wire.channel.close()
            raise
        return wire, info

    async def channel(self, options: Options | None = None) -> aio.Channel:
        """A channel to the server: to whoever shows the certificate that the key names, or one that this machine trusts, and to nobody else.

        With `options` in the place of `client_options()`.

        Raises `NotRunning`, `NotTrusted`, `NotStigmer`, `Unavailable`.
        """
        if self._key.fingerprint is not None and self._authority is None:
            self._authority = await self._find_authority(self._key.fingerprint)
        options = list(client_options() if options is None else options)
        if self._authority is not None:
            options.append(("grpc.ssl_target_name_override", TLS_NAME))
        credentials = grpc.ssl_channel_credentials(self._authority if self._authority is not None else _system_roots())
        return aio.secure_channel(f"dns:///{self.endpoint}", credentials, options=options)

    async def _find_authority(self, fingerprint: bytes) -> bytes:
        """The certificate, PEM, that the key names, out of those that the server shows. Nothing is sent but the greeting of TLS."""
        for der in (await self._greet()).certificates:
            if hashlib.sha256(der).digest() == fingerprint:
                return ssl.DER_cert_to_PEM_cert(der).encode("ascii")
        raise NotTrusted(
            f"the server at {self.endpoint} is not the one that the key was made on: its certificates are signed by somebody else",
            remedy="somebody may be in between, or the server was set up anew: have a new key made on its machine",
        )

    async def _greet(self) -> "_Greeting":
        """What the server says in the greeting of TLS; nothing is sent but that. Raises as `channel`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols([_HTTP2])
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _, writer = await asyncio.open_connection(
                    self.endpoint.host, self.endpoint.port, ssl=context, server_hostname=self.endpoint.host
                )
        except ssl.SSLError as error:
            raise self._no_tls() from error
        except TimeoutError as error:
            raise Unavailable(
                f"nobody answers at {self.endpoint}", remedy="look at the address, and at the network"
            ) from error
        except ConnectionResetError as error:
            raise Unavailable(
                f"the server at {self.endpoint} closes the connection before it greets",
                remedy="it may have as many as it takes (`server.max_connections` in its settings): look again in a moment",
            ) from error
        except OSError as error:
            raise self._nobody(error) from error
        try:
            tls = cast("ssl.SSLObject", writer.get_extra_info("ssl_object"))
            return _Greeting(_chain(tls), tls.selected_alpn_protocol() == _HTTP2)
        finally:
            writer.transport.abort()

    async def _explain(self, error: aio.AioRpcError) -> StigmerError:
        """What it means that the server's first answer was `error`."""
        told = error_from_rpc(error)
        if isinstance(told, Unauthenticated):
            return Unauthenticated(
                f"the server at {self.endpoint}: {told.message}", remedy="`stigmer backend login` takes another key"
            )
        if is_from_stigmer(error):
            return told
        details = error.details() or ""
        if "CERTIFICATE_VERIFY_FAILED" in details or "certificate" in details.lower():
            reason = _reason(details)
            if any(words in reason for words in _OF_STRANGERS):
                remedy = (
                    "let this machine trust who signed it (`SSL_CERT_FILE` may name that certificate), or let the server go without "
                    "`server.tls_cert`: keys that are made then say whom to trust"
                )
            elif self._authority is None:
                remedy = "look at the clocks of both machines; have a good certificate put where `server.tls_cert` of the server says"
            else:
                remedy = "look at the clocks of both machines; restart the server, which renews what ran out"
            return NotTrusted(f"the certificate of the server at {self.endpoint} is not good: {reason}", remedy=remedy)
        try:
            greeting = await self._greet()
        except StigmerError as found:
            return found
        if not greeting.speaks_http2 or _OTHER_HTTP in details:
            return NotStigmer(
                f"what answers at {self.endpoint} speaks TLS but not HTTP/2, so it got no key",
                remedy="look at the address and the port; a proxy in between has to pass HTTP/2 on",
            )
        if error.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL):
            return NotStigmer(
                f"what answers at {self.endpoint} is not a Stigmer server", remedy="look at the address and the port"
            )
        return Unavailable(
            f"the server at {self.endpoint} does not answer: {told.message}", remedy="look again in a moment"
        )

    def _no_tls(self) -> NotStigmer:
        return NotStigmer(
            f"what answers at {self.endpoint} speaks no TLS, so it got no key",
            remedy="look at the address and the port",
        )

    def _nobody(self, error: OSError) -> NotRunning:
        return NotRunning(
            f"no server is reached at {self.endpoint}: {error.strerror or error}",
            remedy="`stigmer server start --listen HOST:PORT` on its machine starts it; look at the address, and at firewalls",
        )


def _chain(tls: ssl.SSLObject) -> list[bytes]:
    """The certificates that the other side shows, DER. Public from Python 3.13 on."""
    if hasattr(tls, "get_unverified_chain"):
        return cast("list[bytes]", methodcaller("get_unverified_chain")(tls))
    shown = cast("list[object]", methodcaller("get_unverified_chain")(attrgetter("_sslobj")(tls)) or [])
    return [ssl.PEM_cert_to_DER_cert(cast("str", methodcaller("public_bytes")(each))) for each in shown]


def _system_roots() -> bytes | None:
    """The authorities of this machine, PEM; None for gRPC's own list where there is no file of them."""
    try:
        with open(ssl.get_default_verify_paths().cafile or "", "rb") as file:
            return file.read()
    except OSError:
        return None


def _reason(details: str) -> str:
    found = details.rpartition("CERTIFICATE_VERIFY_FAILED:")[2].strip(" ]\n") or details
    return found.split("\n")[0].removesuffix(": OK")[:200]
