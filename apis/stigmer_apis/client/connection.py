"""One connection to the server, made again when it breaks."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetServerInfoResponse
from stigmer_apis.client.dial import Role, dial, version_notice
from stigmer_apis.client.launch import ensure_daemon
from stigmer_apis.client.options import ClientOptions
from stigmer_apis.client.wire import Wire
from stigmer_apis.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    NotRunning,
    NotStigmer,
    ServerStopped,
    StigmerError,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from stigmer_apis.errors_grpc import error_from_rpc, is_from_stigmer
from stigmer_apis.home import Home
from stigmer_apis.transport import aio, grpc

if TYPE_CHECKING:
    from stigmer_apis.client.remote import Remote


class ConnectionState(StrEnum):
    """How it stands."""

    CONNECTING = "connecting"
    """Not there yet: at the beginning, and while a server is started."""
    CONNECTED = "connected"
    LOST = "lost"
    """It broke, or nobody answers; it is tried again whenever somebody wants something."""
    STOPPED = "stopped"
    """Somebody stopped the server on purpose; it is connected to again once it runs."""
    CLOSED = "closed"


Listener = Callable[["Connection"], None]
"""Told of every change, on the event loop; must return soon and not raise."""


class _Entry:
    """A listener until it is forgotten."""

    def __init__(self, listener: Listener) -> None:
        self.listener: Listener | None = listener

    def forget(self) -> None:
        """Tell it nothing more. Any number of times."""
        self.listener = None


class Connection:
    """How a client stands with its server. `state` and, in words for a person, `reason`."""

    def __init__(
        self, home: Home, *, start_daemon: bool, role: Role, options: ClientOptions, remote: "Remote | None" = None
    ) -> None:
        """`remote`: a server on another machine, in place of the home's."""
        self.home = home
        self.remote = remote
        self.options = options
        self.state = ConnectionState.CONNECTING
        self.reason = ""
        self._start_daemon = start_daemon and remote is None
        self._role = role
        self._wire: Wire | None = None
        self._info: GetServerInfoResponse | None = None
        self._dialling = asyncio.Lock()
        self._listeners: list[_Entry] = []

    @property
    def server_info(self) -> GetServerInfoResponse:
        """Who answered last. Raises `Unavailable` where nobody has yet."""
        if self._info is None:
            raise Unavailable("not connected yet", remedy="use the client as `async with Client(...)`")
        return self._info

    @property
    def notice(self) -> str:
        """What a person should know of a working connection: a server of another version. Empty where there is nothing."""
        return version_notice(self._info) if self._info is not None else ""

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` told of every change of state, until the returned function is called."""
        entry = _Entry(listener)
        self._listeners.append(entry)
        return entry.forget

    @asynccontextmanager
    async def wire(self) -> AsyncGenerator[Wire]:
        """A wire to make one call on; dialled where there is none. Raises what `dial` raises, and what starting a daemon does."""
        async with self._dialling:
            if self.state is ConnectionState.CLOSED:
                raise FailedPrecondition("the client is closed", remedy="make another one")
            wire = self._wire
            if wire is None:
                wire = self._wire = await self._dial()
        try:
            with wire.used():
                yield wire
        finally:
            if wire is not self._wire and not wire.in_use:
                await wire.channel.close()

    async def close(self) -> None:
        """No more calls."""
        wire, self._wire = self._wire, None
        self._tell(ConnectionState.CLOSED, "")
        if wire is not None:
            await wire.channel.close()

    def broken(self, wire: Wire, error: aio.AioRpcError) -> StigmerError:
        """What `error`, met on `wire`, means. Where the transport failed or the token was refused, the next call dials again."""
        told = error_from_rpc(error)
        if is_from_stigmer(error):
            if isinstance(told, Unauthenticated):
                self.drop(wire, told.message)
            return told
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded(
                "the server did not answer in time; what was asked may have been done",
                remedy="`stigmer server status` tells how it does",
            )
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return Unimplemented(
                f"the server (version {self.server_info.version}) does not know this request",
                remedy="`stigmer server restart` starts the installed version",
            )
        if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED) or "RST_STREAM" in (
            error.details() or ""
        ):
            self.drop(wire, "the connection to the server is lost")
            return Unavailable(
                f"the connection to the server is lost: {told.message}", remedy="`stigmer server status` tells more"
            )
        return told

    def drop(self, wire: Wire, reason: str) -> None:
        """Use `wire` no more. The calls that run on it may end; the last one closes it."""
        if wire is self._wire:
            self._wire = None
            self._tell(ConnectionState.LOST, reason)

    async def _dial(self) -> Wire:
        try:
            wire, info = await self._dial_or_start()
        except ServerStopped as error:
            self._tell(ConnectionState.STOPPED, str(error))
            raise
        except StigmerError as error:
            self._tell(ConnectionState.LOST, error.message)
            raise
        self._info = info
        self._tell(ConnectionState.CONNECTED, "")
        return wire

    async def _dial_or_start(self) -> tuple[Wire, GetServerInfoResponse]:
        try:
            return await self._greet()
        except NotRunning:
            if not self._start_daemon:
                raise
        if self._info is not None and await asyncio.to_thread(self.home.stopped_note.exists):
            raise ServerStopped("the server was stopped on purpose", remedy="`stigmer server start` starts it again")
        self._tell(ConnectionState.CONNECTING, "the server is being started")
        command = self.options.daemon_command or None
        await ensure_daemon(self.home, timeout=self.options.start_timeout, command=command)
        return await self._greet()

    async def _greet(self) -> tuple[Wire, GetServerInfoResponse]:
        """Dial. Where a server answered before, whatever answers wrongly now is taken for one that is not up yet."""
        try:
            if self.remote is not None:
                return await self.remote.dial(self.options.greeting_timeout)
            return await dial(self.home, self._role, self.options.greeting_timeout)
        except NotStigmer as error:
            if self._info is None:
                raise
            raise Unavailable(error.message, remedy=error.remedy) from error

    def _tell(self, state: ConnectionState, reason: str) -> None:
        if (state, reason) == (self.state, self.reason) or self.state is ConnectionState.CLOSED:
            return
        self.state, self.reason = state, reason
        self._listeners = [entry for entry in self._listeners if entry.listener is not None]
        for entry in list(self._listeners):
            if entry.listener is not None:
                entry.listener(self)
