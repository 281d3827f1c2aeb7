"""The daemon about itself: who it is, how its parts do, and its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.server.v1 import server_pb2, server_pb2_grpc
from stigmer_apis.errors import Unimplemented
from stigmer_apis.protocol import PROTOCOL
from stigmer_apis.transport import aio
from stigmer_backend.access import principal
from stigmer_backend.daemon.ending import Ending, Runners

_log = logging.getLogger(__name__)


class ServerService(server_pb2_grpc.ServerServiceServicer):
    """`stigmer.server.v1.ServerService`."""

    def __init__(
        self,
        *,
        pid: int,
        home: str,
        incarnation: str | Callable[[], str],
        status: Callable[[], Awaitable[server_pb2.GetStatusResponse]],
        ending: Ending,
        stopped_note: Path,
        drain: Callable[[str], tuple[str, int]] | None = None,
    ) -> None:
        """`stopped_note`: the file that tells clients that the stop was somebody's wish."""
        self._pid = pid
        self._home = home
        self._incarnation = incarnation if callable(incarnation) else lambda: incarnation
        self._status = status
        self._ending = ending
        self._stopped_note = stopped_note
        self._drain = drain

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
            incarnation=self._incarnation(),
            role=principal().role.value,
            runner_id=principal().runner_id,
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
        if not request.keep_runners:
            await asyncio.to_thread(self._note)
        self._ending.ask(f"the {principal().name} asked for it", runners)
        return server_pb2.ShutdownResponse(pid=self._pid)

    async def DrainRunner(
        self,
        request: server_pb2.DrainRunnerRequest,
        context: aio.ServicerContext[server_pb2.DrainRunnerRequest, server_pb2.DrainRunnerResponse],
    ) -> server_pb2.DrainRunnerResponse:
        """Let a runner leave once what it runs has ended."""
        if self._drain is None:
            raise Unimplemented("this server has no runners")
        runner_id, running = self._drain(request.runner_id)
        return server_pb2.DrainRunnerResponse(runner_id=runner_id, running=running)

    def _note(self) -> None:
        """Without the note a client starts the next daemon: no reason to refuse the stop."""
        try:
            self._stopped_note.touch(mode=0o600)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._stopped_note, error.strerror)
