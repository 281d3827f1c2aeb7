"""To the server's socket, and what is wrong when nobody there speaks as the server does."""

import asyncio
from enum import StrEnum
from pathlib import Path

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetServerInfoRequest, GetServerInfoResponse
from stigmer_apis.client.wire import Wire
from stigmer_apis.errors import (
    DaemonMismatch,
    NotRunning,
    NotStigmer,
    PermissionDenied,
    StigmerError,
    Unauthenticated,
    Unavailable,
)
from stigmer_apis.errors_grpc import error_from_rpc, is_from_stigmer
from stigmer_apis.home import Home
from stigmer_apis.protocol import PROTOCOL
from stigmer_apis.transport import aio, grpc, unix_target

_TRANSPORT_CODES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
    }
)


_TRIES = 3
_TRY_SECONDS = 0.1
"""What answers wrongly is asked again before it is called wrong: a server that ends or comes up between two questions looks the same."""


class Role(StrEnum):
    """As whom a client speaks: the server decides what each may do."""

    OPERATOR = "operator"
    VIEWER = "viewer"


async def dial(home: Home, role: Role, timeout: float) -> tuple[Wire, GetServerInfoResponse]:
    """A wire to the server of `home`, which has said within `timeout` seconds who it is.

    Raises `NotRunning` where nobody listens, `Unavailable` where nobody answers, `NotStigmer` where somebody else does, `Unauthenticated` and `PermissionDenied` where the token is
    missing or refused, `DaemonMismatch` where the server speaks another protocol.
    """
    for _ in range(_TRIES - 1):
        try:
            return await _dial(home, role, timeout)
        except NotStigmer:
            await asyncio.sleep(_TRY_SECONDS)
    return await _dial(home, role, timeout)


async def _dial(home: Home, role: Role, timeout: float) -> tuple[Wire, GetServerInfoResponse]:
    token = await _token(home, role)
    wire = Wire(unix_target(home.operator_socket), token)
    try:
        with wire.used():
            info = await wire.server.GetServerInfo(GetServerInfoRequest(), timeout=timeout, metadata=wire.metadata())
        check_protocol(info)
    except aio.AioRpcError as error:
        await wire.channel.close()
        raise await _explain(error, home, role) from error
    except BaseException:
        await wire.channel.close()
        raise
    return wire, info


def check_protocol(info: GetServerInfoResponse) -> None:
    """Raise `DaemonMismatch` where the server does not speak our protocol."""
    if info.protocol == PROTOCOL:
        return
    said = f"the server (version {info.version}, pid {info.pid}) speaks protocol {info.protocol}, this program (version {__version__}) {PROTOCOL}"
    if info.protocol < PROTOCOL:
        remedy = "the server is the older one: `stigmer server restart` starts the installed version; what runs goes on"
    else:
        remedy = (
            "this program is the older one: install the server's version, or run the program that started the server"
        )
    raise DaemonMismatch(said, remedy=remedy)


def version_notice(info: GetServerInfoResponse) -> str:
    """What to tell a person where the server is of another version with the same protocol; else empty."""
    if info.version == __version__:
        return ""
    return f"the server is version {info.version}, this is {__version__}; `stigmer server restart` starts this one"


async def listens(socket: Path) -> bool:
    """Whether anybody listens at `socket`. Raises `PermissionDenied` where we may not know."""
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_unix_connection(socket)
    except PermissionError as error:
        raise PermissionDenied(
            f"no permission for the socket {socket}", remedy="run as the user whose server it is"
        ) from error
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _not_running(home: Home) -> NotRunning:
    return NotRunning(
        f"the Stigmer server is not running (nobody listens at {home.operator_socket})",
        remedy="`stigmer server start` starts it",
    )


async def _token(home: Home, role: Role) -> str:
    path = home.viewer_token if role is Role.VIEWER else home.operator_token
    try:
        return path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError) as error:
        if not await listens(home.operator_socket):
            raise _not_running(home) from error
        raise Unauthenticated(
            f"there is no token at {path}", remedy="`stigmer server restart` makes a new one"
        ) from error
    except PermissionError as error:
        raise PermissionDenied(
            f"no permission to read the token {path}", remedy="run as the user whose server it is"
        ) from error
    except (OSError, UnicodeError) as error:
        raise Unauthenticated(
            f"the token {path} cannot be read: {error}", remedy="`stigmer server restart` makes a new one"
        ) from error


async def _explain(error: aio.AioRpcError, home: Home, role: Role) -> StigmerError:
    """What it means that the server's first answer was `error`."""
    told = error_from_rpc(error)
    if isinstance(told, Unauthenticated):
        return Unauthenticated(
            f"the server at {home.operator_socket} does not know our {role} token",
            remedy="`stigmer server restart` makes new tokens; STIGMER_HOME must be the server's",
        )
    if is_from_stigmer(error):
        return told
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return _not_stigmer(home)
    if error.code() not in _TRANSPORT_CODES:
        return told
    if not await listens(home.operator_socket):
        return _not_running(home)
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Unavailable(
            f"the server at {home.operator_socket} does not answer",
            remedy="`stigmer server restart` ends it and starts another",
        )
    return _not_stigmer(home)


def _not_stigmer(home: Home) -> NotStigmer:
    return NotStigmer(
        f"what answers at {home.operator_socket} is not a Stigmer server",
        remedy="end the program that listens there, remove the file, then `stigmer server start`; or set STIGMER_HOME to another directory",
    )
