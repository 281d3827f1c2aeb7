"""The daemon while another one leads the database: it admits whom it admits, and passes what they ask on."""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Never

import psutil

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.access.v1 import api_key_service_pb2_grpc
from stigmer_apis._generated.stigmer.server.v1 import server_pb2_grpc
from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetStatusRequest, GetStatusResponse
from stigmer_apis.errors import Unavailable
from stigmer_apis.home import Home
from stigmer_apis.transport import aio
from stigmer_backend.access import Tokens, principal
from stigmer_backend.access.principal import Authenticator
from stigmer_backend.daemon.ending import Ending, Runners
from stigmer_backend.daemon.exits import Exit
from stigmer_backend.daemon.health import Health, serve_health
from stigmer_backend.daemon.listeners import Listeners, operator_door, runner_door
from stigmer_backend.daemon.networking import Network
from stigmer_backend.daemon.options import ServeOptions
from stigmer_backend.daemon.presence import OwnPresence, daemons_of
from stigmer_backend.daemon.reflection import serve_reflection
from stigmer_backend.daemon.server_service import ServerService
from stigmer_backend.daemon.status import memory_of
from stigmer_backend.daemon.supervisor import Supervisor
from stigmer_backend.peers.credential import Peers
from stigmer_backend.peers.forwarding import Forwarding, every_method
from stigmer_backend.peers.way import Way

OWN = ("/grpc.", "/stigmer.access.v1.", "/stigmer.server.v1.")
"""What it answers itself."""
DRAIN = "/stigmer.server.v1.ServerService/DrainRunner"
"""But for this."""
STATUS_SECONDS = 3.0
"""How long the daemon that leads may take to say how it does."""
HANDING_OVER_SECONDS = 0.2
"""What calls under way are given when this daemon takes the lead: the one that they were passed on to is gone."""
_HEALTH_SECONDS = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _LinkedHere:
    """The supervised runner, whose link goes through here. Its leases are the other daemon's matter: without a link they end by themselves."""

    forwarding: Forwarding
    own: Callable[[], str]
    """Its id."""

    def is_connected(self, runner_id: str) -> bool:
        """Whether its link is open."""
        return self.forwarding.is_linked(runner_id)

    async def revoke(self, runner_id: str, reason: str) -> None:
        """Nothing to do."""

    async def nobody_left(self, reason: str) -> None:
        """Nothing to do."""

    async def shut_down(self, reason: str) -> None:
        """Tell it to leave."""
        self.forwarding.say_farewell(self.own(), reason)


class ForwardingDaemon:
    """A daemon that does not lead. With the home's lock held."""

    def __init__(
        self, home: Home, options: ServeOptions, tokens: Tokens, network: Network, ending: Ending, own: OwnPresence
    ) -> None:
        self._home = home
        self._options = options
        self._network = network
        self._ending = ending
        self._own = own
        self._way = Way(lambda: own.roll.lead, own.now)
        self._forwarding = Forwarding(self._way, own.now.host)
        self._health = Health()
        self._supervisor = Supervisor(
            home=home,
            tokens=tokens,
            connections=_LinkedHere(self._forwarding, lambda: self._runner_id),
            environ=options.environ,
            options=options.supervisor,
        )
        self._service = ServerService(
            pid=os.getpid(),
            home=str(home.root),
            incarnation=lambda: own.roll.lead.incarnation if own.roll.lead is not None else "",
            status=self._status,
            ending=ending,
            stopped_note=home.stopped_note,
        )
        self._started = asyncio.get_running_loop().time()
        doors = [operator_door(home, [self._register]), runner_door(home, [self._register])]
        self._listeners = Listeners(home, tokens, doors, [])
        network.add_doors([self._register], [], [], [], guarded=_strangers)
        self._sockets = [str(door.path) for door in doors]

    @property
    def _runner_id(self) -> str:
        record = self._supervisor.standing().record
        return "" if record is None else record.runner_id

    async def run(self) -> None:
        """Serve until somebody asks for the end, or until cancelled: then this daemon takes the lead, and its runner lives on."""
        try:
            await asyncio.to_thread(self._home.stopped_note.unlink, missing_ok=True)
            await self._listeners.open()
            await self._network.open()
            address, fingerprint = self._network.advertised
            self._own.answers(at="", address=address, fingerprint=fingerprint, only_address=False)
            _log.info(
                "Stigmer %s serves %s by way of another daemon (pid %d)", __version__, self._home.root, os.getpid()
            )
            async with asyncio.TaskGroup() as group:
                keepers = [
                    group.create_task(self._way.keep()),
                    group.create_task(self._supervisor.run()),
                    group.create_task(self._keep_sockets()),
                    group.create_task(self._tell_health()),
                ]
                request = await self._ending.asked()
                keepers[1].cancel()
                if request.runners is Runners.KEPT:
                    self._supervisor.leave()
                else:
                    await self._supervisor.end(request.reason, ask=request.runners is Runners.ASKED)
                for keeper in keepers:
                    keeper.cancel()
        except asyncio.CancelledError:
            self._supervisor.leave()
            raise
        finally:
            self._own.answers(at="", address="", fingerprint=None, only_address=False)
            await self._network.close(HANDING_OVER_SECONDS)
            await self._listeners.close(HANDING_OVER_SECONDS)

    async def _keep_sockets(self) -> None:
        await self._listeners.keep()
        self._ending.ask("the home was removed", Runners.ENDED, Exit.HOME_UNUSABLE)

    async def _tell_health(self) -> Never:
        """It serves while there is a way to the daemon that leads."""
        serving = False
        while True:
            if (self._way.lead is not None) != serving:
                serving = not serving
                self._health.tell(serving=serving)
            await asyncio.sleep(_HEALTH_SECONDS)

    async def _status(self) -> GetStatusResponse:
        """That of the daemon that leads, with what is this one's own."""
        own = GetStatusResponse(
            version=__version__,
            pid=os.getpid(),
            home=str(self._home.root),
            uptime_seconds=asyncio.get_running_loop().time() - self._started,
            sockets=[*self._sockets, *self._network.addresses],
            memory_bytes=psutil.Process().memory_info().rss,
            open_streams=self._listeners.open_streams + self._network.open_streams,
            daemons=daemons_of(self._own.roll),
        )
        try:
            answer = await self._forwarding.ask(
                "/stigmer.server.v1.ServerService/GetStatus",
                GetStatusRequest().SerializeToString(),
                principal(),
                STATUS_SECONDS,
            )
        except (Unavailable, aio.AioRpcError) as error:
            why = self._way.why_not or (error.message if isinstance(error, Unavailable) else str(error.details()))
            own.store.CopyFrom(GetStatusResponse.Component(name="store", healthy=False, detail=f"{why}."))
            own.runners.extend(self._runner_of_own([]))
            return own
        told = GetStatusResponse.FromString(answer)
        own.store.CopyFrom(told.store)
        own.executions, own.live_executions = told.executions, told.live_executions
        for part in ("telemetry", "engine"):
            if told.HasField(part):
                getattr(own, part).CopyFrom(getattr(told, part))
        own.runners.extend([*told.runners, *self._runner_of_own([runner.runner_id for runner in told.runners])])
        return own

    def _runner_of_own(self, connected: Sequence[str]) -> list[GetStatusResponse.Runner]:
        """This machine's, where it is not among those that are connected."""
        standing = self._supervisor.standing()
        record = standing.record
        if record is not None and record.runner_id in connected:
            return []
        detail = standing.detail or "it is not connected"
        if record is None:
            return [GetStatusResponse.Runner(connected=False, detail=detail)]
        return [
            GetStatusResponse.Runner(
                runner_id=record.runner_id,
                pid=record.pid,
                connected=False,
                memory_bytes=memory_of(record.pid),
                detail=detail,
            )
        ]

    def _register(self, server: aio.Server) -> None:
        self._forwarding.register(server, every_method(but=OWN))
        server_pb2_grpc.add_ServerServiceServicer_to_server(self._service, server)
        self._forwarding.register(server, [DRAIN])
        serve_health(self._health, server)
        serve_reflection(server)
        api_key_service_pb2_grpc.add_ApiKeyServiceServicer_to_server(self._network.service, server)


def _strangers(keys: Authenticator) -> Authenticator:
    """Another daemon that takes this one for the one that leads is told so; nothing is passed on twice."""
    return Peers(lambda: None, keys)
