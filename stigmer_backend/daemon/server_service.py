"""The daemon about itself: who it is, how its parts do, and its end."""

from collections.abc import Awaitable, Callable

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.server.v1 import server_pb2, server_pb2_grpc
from stigmer_apis.protocol import PROTOCOL
from stigmer_apis.transport import aio
from stigmer_backend.access import principal
from stigmer_backend.daemon.ending import Ending, Runners


class ServerService(server_pb2_grpc.ServerServiceServicer):
    """`stigmer.server.v1.ServerService`."""

    def __init__(
        self,
        *,
        pid: int,
        home: str,
        incarnation: str,
        status: Callable[[], Awaitable[server_pb2.GetStatusResponse]],
        ending: Ending,
    ) -> None:
        self._pid = pid
        self._home = home
        self._incarnation = incarnation
        self._status = status
        self._ending = ending

    async def GetServerInfo(
        self,
        request: server_pb2.GetServerInfoRequest,
        context: aio.ServicerContext[server_pb2.GetServerInfoRequest, server_pb2.GetServerInfoResponse],
    ) -> server_pb2.GetServerInfoResponse:
        """Who answers, and as whom the caller is known."""
        return server_pb2.GetServerInfoResponse(
            version=__version__,
            protocol=PROTOCOL,
            pid=self._pid,
            home=self._home,
            incarnation=self._incarnation,
            role=principal().role.value,
        )

    async def GetStatus(
        self,
        request: server_pb2.GetStatusRequest,
        context: aio.ServicerContext[server_pb2.GetStatusRequest, server_pb2.GetStatusResponse],
    ) -> server_pb2.GetStatusResponse:
        """How every part does."""
        return await self._status()

    async def Shutdown(
        self,
        request: server_pb2.ShutdownRequest,
        context: aio.ServicerContext[server_pb2.ShutdownRequest, server_pb2.ShutdownResponse],
    ) -> server_pb2.ShutdownResponse:
        """Ask for the end; the answer leaves before it comes."""
        runners = Runners.KEPT if request.keep_runners else Runners.ASKED
        self._ending.ask(f"the {principal().name} asked for it", runners)
        return server_pb2.ShutdownResponse(pid=self._pid)
