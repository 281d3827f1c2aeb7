"""The daemon put together, waited for, and taken apart."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Never

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.access.v1 import api_key_service_pb2_grpc
from stigmer_apis._generated.stigmer.server.v1 import server_pb2_grpc
from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetStatusResponse
from stigmer_apis.home import Home
from stigmer_apis.transport import aio
from stigmer_backend.access import Tokens
from stigmer_backend.daemon.connections import BackendConnections
from stigmer_backend.daemon.ending import Ending, Request, Runners, signals_ask
from stigmer_backend.daemon.exits import Exit
from stigmer_backend.daemon.failures import exit_of, store_failure
from stigmer_backend.daemon.health import Health, serve_health
from stigmer_backend.daemon.last_words import LivingNote
from stigmer_backend.daemon.listeners import Listeners, operator_door, peer_door, runner_door
from stigmer_backend.daemon.networking import Network
from stigmer_backend.daemon.opening import open_store
from stigmer_backend.daemon.options import ServeOptions
from stigmer_backend.daemon.presence import OwnPresence, daemons_of
from stigmer_backend.daemon.reflection import serve_reflection
from stigmer_backend.daemon.server_service import ServerService
from stigmer_backend.daemon.status import Parts, status_of
from stigmer_backend.daemon.supervisor import Supervisor
from stigmer_backend.daemon.temporal_server import TemporalServer
from stigmer_backend.executions.drives import drives_of
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.peers.credential import Peers
from stigmer_backend.secrets.keyring import OsKeyring
from stigmer_backend.services import Backend
from stigmer_backend.store import DatabaseInUse, Store, StoreError
from stigmer_backend.telemetry import Telling
from stigmer_backend.telemetry.trace_ids import trace_parent

_FAREWELL_SECONDS = 0.1
"""How long a daemon whose store stopped goes on, so that those who wait are told."""

_log = logging.getLogger(__name__)


async def serve(home: Home, options: ServeOptions, abandon: Callable[[Exit], Never]) -> Exit:
    """Be the daemon of `home` until somebody asks it to stop.

    When the store stops by itself, it is said why and `abandon` is called, which ends the process at once: after that nothing that the
    process does can be trusted. Raises what `failures.exit_of` knows when the daemon cannot start.
    """
    await asyncio.to_thread(home.prepare)
    ending = Ending()
    own = await asyncio.to_thread(OwnPresence, home)
    try:
        with signals_ask(ending):
            async with (
                _store_of(home, options, ending, own) as store,
                _noting(home, ending) as note,
                _abandoning(store, ending, note, abandon),
            ):
                tokens = await asyncio.to_thread(Tokens.open, home)
                network = await asyncio.to_thread(Network.prepare, home, options.network)
                keyring = OsKeyring(options.environ)
                driven = ExecutionOptions(drives=drives_of(options.temporal))
                backend = await Backend.open(
                    store, home, options=driven, handed=options.handed, keyring=keyring, retention=options.retention
                )
                try:
                    return await _Daemon(home, options, store, tokens, backend, ending, network, own).run()
                finally:
                    await backend.close()
    except DatabaseInUse:
        if not ending.is_asked:
            raise
        return ending.code


class _Daemon:
    """A daemon whose parts are there."""

    def __init__(
        self,
        home: Home,
        options: ServeOptions,
        store: Store,
        tokens: Tokens,
        backend: Backend,
        ending: Ending,
        network: Network,
        own: OwnPresence,
    ) -> None:
        self._options = options
        self._own = own
        shared = store.report.shared
        self._network = network
        self._backend = backend
        self._ending = ending
        self._health = Health()
        self._supervisor = Supervisor(
            home=home,
            tokens=tokens,
            connections=BackendConnections(backend.runners, options.silent, self._own_runner if shared else None),
            environ=options.environ,
            options=options.supervisor,
        )
        temporal = options.temporal
        self._temporal = (
            TemporalServer(home, temporal.program, temporal.namespace, temporal.pages)
            if temporal is not None and temporal.managed
            else None
        )
        registers = (self._register_own,)
        self._telling = Telling(options.telemetry, options.environ)
        before, behind = self._telling.interceptors, backend.interceptors
        for_people, for_runners = [backend.register_operator, *registers], [backend.register_runner]
        doors = [operator_door(home, for_people), runner_door(home, [*for_runners, *registers])]
        if shared:
            doors.append(peer_door(home, [*for_people, *for_runners], Peers(lambda: own.roll.lead, None)))
        network.add_doors(
            for_people,
            for_runners,
            [store_failure],
            behind,
            before,
            guarded=lambda keys: Peers(lambda: own.roll.lead, keys) if shared else keys,
        )
        self._listeners = Listeners(home, tokens, doors, [store_failure], behind, before)
        if self._telling.wanted:
            backend.on_end(self._telling.ended)
        if self._telling.traces:
            backend.trace_with(trace_parent)
        self._parts = parts = Parts(
            home=home,
            sockets=[door.path for door in doors],
            store=store,
            runners=backend.runners.describe,
            standing=self._supervisor.standing,
            executions=backend.counts,
            addresses=lambda: self._network.addresses,
            open_streams=lambda: self._listeners.open_streams + self._network.open_streams,
            telemetry=self._telling.component,
            engine=self._engine,
            daemons=lambda: daemons_of(own.roll) if shared else (),
        )
        self._service = ServerService(
            pid=os.getpid(),
            home=str(home.root),
            incarnation=store.incarnation,
            status=lambda: status_of(parts),
            ending=ending,
            stopped_note=home.stopped_note,
            drain=backend.runners.drain,
        )
        self._home = home

    async def run(self) -> Exit:
        """Serve until somebody asks for the end."""
        try:
            await asyncio.to_thread(self._home.stopped_note.unlink, missing_ok=True)
            await self._telling.open(lambda: status_of(self._parts))
            await self._listeners.open()
            await self._network.open()
            self._tell_others()
            self._health.tell(serving=True)
            _log.info("Stigmer %s serves %s (pid %d)", __version__, self._home.root, os.getpid())
            request = await self._until_asked()
            self._health.tell(serving=False)
            if request.runners is Runners.KEPT:
                self._supervisor.leave()
                if self._temporal is not None:
                    self._temporal.leave()
            else:
                await self._supervisor.end(request.reason, ask=request.runners is Runners.ASKED)
                if self._temporal is not None:
                    await self._temporal.end()
        finally:
            await self._telling.close()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._network.close(self._options.grace))
                group.create_task(self._listeners.close(self._options.grace))
        return request.code

    def _tell_others(self) -> None:
        """The other daemons on the database find this one from here on."""
        at, (address, fingerprint) = str(self._home.peer_socket), self._network.advertised
        alone = bool(self._options.network.advertise)
        self._own.answers(at=at, address=address, fingerprint=fingerprint, only_address=alone)

    def _own_runner(self) -> str:
        record = self._supervisor.standing().record
        return "" if record is None else record.runner_id

    async def _until_asked(self) -> Request:
        """Keep the runner and the sockets until somebody asks for the end."""
        async with asyncio.TaskGroup() as group:
            keepers = [
                group.create_task(self._supervisor.run()),
                group.create_task(self._keep_sockets()),
                group.create_task(self._end_when_the_backend_fails()),
            ]
            if self._temporal is not None:
                keepers.append(group.create_task(self._temporal.run()))
            request = await self._ending.asked()
            for keeper in keepers:
                keeper.cancel()
        return request

    async def _keep_sockets(self) -> None:
        """Keep the sockets as long as there is a home to serve."""
        await self._listeners.keep()
        self._ending.ask("the home was removed", Runners.ENDED, Exit.HOME_UNUSABLE)

    async def _end_when_the_backend_fails(self) -> None:
        """Something in the background failed that nobody foresaw; the log has it. What runs goes on, under the next daemon."""
        await self._backend.failed()
        self._ending.ask("something failed that nobody foresaw", Runners.KEPT, Exit.UNFORESEEN)

    def _engine(self) -> GetStatusResponse.Component | None:
        """What drives runs that begin, where that is a cluster."""
        settings = self._options.temporal
        if settings is None:
            return None
        if self._temporal is None:
            return GetStatusResponse.Component(name="temporal", healthy=True, detail=f"Temporal at {settings.address}")
        record = self._temporal.record
        words = (
            self._temporal.detail
            if record is None
            else f"Temporal at {record.address}, kept by the daemon (pid {record.pid})"
        )
        return GetStatusResponse.Component(name="temporal", healthy=record is not None, detail=words)

    def _register_own(self, server: aio.Server) -> None:
        server_pb2_grpc.add_ServerServiceServicer_to_server(self._service, server)
        serve_health(self._health, server)
        serve_reflection(server)
        api_key_service_pb2_grpc.add_ApiKeyServiceServicer_to_server(self._network.service, server)


@asynccontextmanager
async def _store_of(home: Home, options: ServeOptions, ending: Ending, own: OwnPresence) -> AsyncGenerator[Store]:
    """The open store; what its opening found is in the log. That it cannot be closed is only told when nothing worse is known."""
    store = await open_store(home, options, ending, own)
    try:
        for line in store.report.lines():
            _log.warning("%s", line)
        yield store
    finally:
        try:
            await store.close()
        except (StoreError, OSError) as error:
            if ending.code is Exit.STOPPED:
                raise
            _log.warning("the store could not be closed: %s", error)


@asynccontextmanager
async def _noting(home: Home, ending: Ending) -> AsyncGenerator[LivingNote]:
    """Inside the block a note says that this daemon lives, and the log has what became of the one before, where that could not say it."""
    note = await asyncio.to_thread(LivingNote, home.run)
    await asyncio.to_thread(note.begin)
    try:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(note.keep())
            yield note
            keeping.cancel()
    except BaseException as error:
        note.end(exit_of(error)[1] or f"a mistake in Stigmer ({type(error).__name__}); its log has more")
        raise
    note.end(ending.trouble)


@asynccontextmanager
async def _abandoning(
    store: Store, ending: Ending, note: LivingNote, abandon: Callable[[Exit], Never]
) -> AsyncGenerator[None]:
    """Inside the block: end the process when the store stops, unless it stops for a reason that is known already."""

    async def watch() -> None:
        reason = await store.failed()
        _log.critical("the store stopped, so the daemon ends: %s", reason)
        await asyncio.sleep(_FAREWELL_SECONDS)
        note.end(f"the store stopped: {reason}")
        abandon(ending.code or Exit.STORE_STOPPED)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        yield
        watching.cancel()
