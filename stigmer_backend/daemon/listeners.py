"""The daemon's two sockets: one for people and their programs, one for runners."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stigmer_apis.errors import HomeError
from stigmer_apis.home import Home
from stigmer_apis.protocol import MAX_MESSAGE_BYTES, TRANSPORT_MESSAGE_BYTES
from stigmer_apis.transport import Options, aio, server_options, unix_target
from stigmer_backend.access import AccessInterceptor, Role, Tokens
from stigmer_backend.access.failures import Translation
from stigmer_backend.access.principal import Authenticator
from stigmer_backend.daemon.sockets import SocketTaken, make_private, make_way, still_there

MOST_STREAMS: Final = 1024
"""Calls at once on one connection; further ones wait for their turn."""

METADATA_BYTES: Final = 8 * 1024
"""What a call's metadata may have; larger ones are refused by the transport, from twice this on always."""

LOOK_SECONDS: Final = 2.0
"""How often it is looked whether the sockets are still there."""

_log = logging.getLogger(__name__)

Register = Callable[[aio.Server], None]
"""Adds services to a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One socket: where it is, who may come in, and what they find."""

    path: Path
    """The socket."""
    admits: frozenset[Role]
    """The roles that may call here at all."""
    registers: Sequence[Register]
    """The services."""
    largest_request: int
    """In bytes. One that carries an archive may be as large as that."""
    guard: Authenticator | None = None
    """Who knows the callers; None: the home's tokens."""


def operator_door(home: Home, registers: Sequence[Register]) -> Door:
    """For people and their programs."""
    return Door(
        path=home.operator_socket,
        admits=frozenset({Role.VIEWER, Role.OPERATOR}),
        registers=registers,
        largest_request=MAX_MESSAGE_BYTES,
    )


def runner_door(home: Home, registers: Sequence[Register]) -> Door:
    """For runners. An append repeats a person's message with something around it, so more is let through."""
    return Door(
        path=home.runner_socket,
        admits=frozenset({Role.RUNNER}),
        registers=registers,
        largest_request=TRANSPORT_MESSAGE_BYTES,
    )


def peer_door(home: Home, registers: Sequence[Register], guard: Authenticator) -> Door:
    """For the other daemons of this machine that have the same database, with the rights of those for whom they call."""
    return Door(
        path=home.peer_socket,
        admits=frozenset({Role.VIEWER, Role.OPERATOR, Role.RUNNER}),
        registers=registers,
        largest_request=TRANSPORT_MESSAGE_BYTES,
        guard=guard,
    )


@dataclass(slots=True)
class _Open:
    door: Door
    server: aio.Server
    interceptor: AccessInterceptor
    file: tuple[int, int]


class Listeners:
    """The servers behind the doors. Open them with the home's lock held and a private umask."""

    def __init__(
        self,
        home: Home,
        tokens: Tokens,
        doors: Sequence[Door],
        translations: Sequence[Translation],
        behind: Sequence[aio.ServerInterceptor] = (),
        before: Sequence[aio.ServerInterceptor] = (),
    ) -> None:
        """`before` stand before the one that admits, `behind` between it and the services."""
        self._home = home
        self._tokens = tokens
        self._doors = tuple(doors)
        self._translations = tuple(translations)
        self._behind = tuple(behind)
        self._before = tuple(before)
        self._open: list[_Open] = []

    @property
    def open_streams(self) -> int:
        """Calls under way that answer with a stream, on all sockets."""
        return sum(one.interceptor.open_streams for one in self._open)

    async def open(self) -> None:
        """Listen. Raises `SocketTaken` where somebody else does, `OSError` where the socket cannot be made."""
        for door in self._doors:
            self._open.append(await self._listen(door))

    async def keep(self) -> None:
        """Make sockets again that were taken away, as at logout, when the session's runtime directory goes.

        Who is connected notices nothing: an open connection needs no file. Returns when the data directory itself was taken away: then
        there is nothing left to serve, and nothing may be made again in its place.
        """
        lost = False
        data = _identity(self._home.data)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if _identity(self._home.data) != data:
                return
            if all(still_there(one.door.path, one.file) for one in self._newest()):
                lost = False
                continue
            if _identity(self._home.data) != data:
                return
            try:
                await asyncio.to_thread(self._home.prepare)
                await asyncio.to_thread(self._tokens.restore_files)
                for one in self._newest():
                    if not still_there(one.door.path, one.file):
                        self._open.append(await self._listen(one.door))
            except (HomeError, SocketTaken, OSError) as error:
                if not lost:
                    _log.warning("the sockets were taken away, and cannot be made again yet: %s", error)
                lost = True
            else:
                _log.warning("the sockets were taken away, and were made again")

    async def close(self, grace: float) -> None:
        """Take no new call, end those that answer with a stream, give the others `grace` seconds, and remove the sockets."""
        async with asyncio.TaskGroup() as group:
            for one in self._open:
                group.create_task(one.server.stop(grace))
                one.interceptor.end_streams()
        for one in self._open:
            if still_there(one.door.path, one.file):
                one.door.path.unlink(missing_ok=True)
        self._open.clear()

    def _newest(self) -> list[_Open]:
        return list({one.door.path: one for one in self._open}.values())

    async def _listen(self, door: Door) -> _Open:
        await asyncio.to_thread(make_way, door.path)
        interceptor = AccessInterceptor(
            door.guard or self._tokens,
            admits=door.admits,
            largest_request=door.largest_request,
            where_tokens_are=f"; it stands in {self._home.operator_token}" if Role.OPERATOR in door.admits else "",
            translations=self._translations,
        )
        server = aio.server(interceptors=[*self._before, interceptor, *self._behind], options=listener_options())
        for register in door.registers:
            register(server)
        try:
            server.add_insecure_port(unix_target(door.path))
        except RuntimeError as error:
            raise OSError(f"the socket {door.path} cannot be made: {error}") from error
        await server.start()
        return _Open(door, server, interceptor, make_private(door.path))


def _identity(directory: Path) -> tuple[int, int] | None:
    """Tells a directory from another one in its place; None where there is none."""
    try:
        found = directory.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def listener_options() -> Options:
    """What every server of the daemon is made with."""
    ours: Options = [
        ("grpc.max_concurrent_streams", MOST_STREAMS),
        ("grpc.max_metadata_size", METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", 2 * METADATA_BYTES),
    ]
    names = {name for name, _ in ours}
    return [*((name, value) for name, value in server_options() if name not in names), *ours]
