"""The runners that are connected, and what the daemon may ask of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest, LinkResponse
from stigmer_apis.errors import (
    Aborted,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    StigmerError,
    Unavailable,
)
from stigmer_apis.protocol import PROTOCOL
from stigmer_backend.executions.leases import Lease, Leases
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.sessions import RunnerReport, RunnerSession
from stigmer_backend.resources.text import check_names, quoted

_UNDO_SECONDS = 60.0
"""How long a runner may take to put files back."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunnerFacts:
    """A connected runner, for `status`."""

    runner_id: str
    pid: int
    version: str
    memory_bytes: int
    running: int
    connected_seconds: float
    silent_seconds: float
    """Since it last said something."""
    unacknowledged_bytes: int
    sandbox: str
    """Kind of its walls."""
    walls: bool
    sandbox_reason: str
    """Without walls: why."""
    labels: Sequence[str] = ()
    """What work may ask for."""
    host: str = ""
    """Its machine, where that is another one."""
    draining: bool = False
    """Whether it leaves once what it runs has ended."""


class Runners:
    """The open Links, one a runner."""

    def __init__(self, leases: Leases, incarnation: str, options: ExecutionOptions) -> None:
        self._leases = leases
        self._incarnation = incarnation
        self._options = options
        self._sessions: dict[str, RunnerSession] = {}
        self._loop = asyncio.get_running_loop()
        self._draining: set[tuple[str, int]] = set()
        """Runners that are to leave, by id and process: they may connect anew meanwhile."""
        self._undoing: dict[str, asyncio.Future[LinkRequest.EndedUndone]] = {}

    def describe(self) -> list[RunnerFacts]:
        """Every connected runner."""
        now = self._loop.time()
        return [
            RunnerFacts(
                runner_id=report.runner_id,
                pid=report.pid,
                version=report.version,
                memory_bytes=report.memory_bytes,
                running=len(session.leases),
                connected_seconds=now - session.connected_at,
                silent_seconds=now - session.heard_at,
                unacknowledged_bytes=report.unacknowledged_bytes,
                sandbox=report.sandbox.kind,
                walls=report.sandbox.walls,
                sandbox_reason=report.sandbox.reason,
                labels=report.labels,
                host=report.host or report.via,
                draining=session.draining,
            )
            for session in self._sessions.values()
            if (report := session.report)
        ]

    async def undo_ended(self, request: LinkResponse.UndoEnded) -> LinkRequest.EndedUndone:
        """Let a runner put files back. Raises `Unavailable` where there is none, or where it does not answer in time."""
        session = next((each for each in self._sessions.values() if each.taking and not each.closed), None)
        if session is None:
            raise Unavailable(
                "no runner is connected that could put the files back",
                remedy="see how it stands: `stigmer server status`",
            )
        answered: asyncio.Future[LinkRequest.EndedUndone] = self._loop.create_future()
        self._undoing[request.request_id] = answered
        session.send(LinkResponse(undo_ended=request))
        try:
            async with asyncio.timeout(_UNDO_SECONDS):
                return await answered
        except TimeoutError as error:
            raise Unavailable(
                "the runner did not say whether the files are put back",
                remedy="look at them, then try again: a second time changes nothing",
            ) from error
        finally:
            del self._undoing[request.request_id]

    async def revoke(self, runner_id: str, reason: str) -> None:
        """A runner's process is dead, or shall be taken for it: its Link ends and its leases go to the next at once."""
        session = self._sessions.get(runner_id)
        if session is not None:
            session.taking = False
        self._leases.revoke_runner(runner_id, reason)
        if session is not None:
            self._close(session, FailedPrecondition(f"this runner was shut out: {reason}"))

    def drain(self, wanted: str) -> tuple[str, int]:
        """Give the runner whose id begins with `wanted` nothing more, and let it leave once what it runs has ended: its id, and how much that is.

        Raises `NotFound` where none or several are connected.
        """
        found = [session for runner_id, session in self._sessions.items() if runner_id.startswith(wanted)]
        if len(found) != 1:
            raise NotFound(
                f"{'several runners are' if found else 'no runner is'} connected whose id begins with {quoted(wanted)}",
                remedy="`stigmer runner list` shows them",
            )
        (session,) = found
        self._draining.add((session.report.runner_id, session.report.pid))
        session.taking, session.draining = False, True
        self._let_go(session)
        return session.report.runner_id, len(session.leases)

    def _let_go(self, session: RunnerSession) -> None:
        """Tell a runner to leave that was to, and runs nothing any more."""
        if session.draining and not session.leases and not session.granting:
            self._draining.discard((session.report.runner_id, session.report.pid))
            session.send(LinkResponse(shut_down=LinkResponse.ShutDown(reason="it was drained")))

    async def release_unclaimed(self, reason: str) -> None:
        """No runner of an earlier daemon lives: what they held goes to the next at once."""
        self._leases.release_unclaimed(reason)

    async def shut_down(self, reason: str, but_for: Callable[[str], bool] = lambda runner_id: False) -> None:
        """Tell every connected runner to stop, `but_for` some by their ids; none is given more. Does not wait until they have."""
        for session in self._sessions.values():
            if but_for(session.report.runner_id):
                continue
            session.taking = False
            session.send(LinkResponse(shut_down=LinkResponse.ShutDown(reason=reason)))

    def close(self) -> None:
        """End every Link: the daemon goes."""
        for session in list(self._sessions.values()):
            self._close(session, None)

    # -- one Link --------------------------------------------------------------------------------------------------------

    def welcome(self, hello: LinkRequest.Hello, allowed_id: str, via: str = "") -> RunnerSession:
        """Take a runner in that said `hello`, with what it holds. `allowed_id` is the runner that its token stands for, `via` the machine of the
        daemon that it came by, if not by this one.

        Raises `FailedPrecondition` for another protocol, `PermissionDenied` for another runner's id, `InvalidArgument`.
        """
        if hello.protocol != PROTOCOL:
            raise FailedPrecondition(
                f"the runner speaks protocol {hello.protocol}, this daemon speaks {PROTOCOL}",
                remedy="restart both from the same version: `stigmer server restart`",
            )
        if hello.runner_id != allowed_id or not allowed_id:
            raise PermissionDenied(f"the token is not that of runner {quoted(hello.runner_id)}")
        if not hello.capacity:
            raise InvalidArgument("the runner has no capacity: it must take at least one execution")
        check_names([("hello.version", hello.version), ("hello.sandbox.kind", hello.sandbox.kind)])
        check_names([("hello.host", hello.host), *(("hello.labels", label) for label in hello.labels)])
        before = self._sessions.pop(hello.runner_id, None)
        if before is not None:
            self._close(before, Aborted("the runner opened another Link"))
        now = self._loop.time()
        report = RunnerReport(
            hello.runner_id,
            hello.pid,
            hello.version,
            hello.capacity,
            hello.sandbox,
            tuple(hello.labels),
            hello.host,
            hello.takes_groups,
            via=via,
        )
        session = RunnerSession(report, now, now)
        session.draining = (hello.runner_id, hello.pid) in self._draining
        session.taking = not session.draining
        self._sessions[hello.runner_id] = session
        kept = [lease for held in hello.held if (lease := self._leases.resume(session, held)) is not None]
        session.send(LinkResponse(welcome=self._welcome(kept)))
        for lease in kept:
            for command in lease.live.ledger.pending():
                session.deliver(lease.live.id, command)
        self._leases.drop_unknown(session)
        self._leases.runner_ready(session)
        _log.info("runner %s (pid %d) connected and keeps %d leases", hello.runner_id, hello.pid, len(kept))
        return session

    async def listen(self, session: RunnerSession, requests: AsyncIterator[LinkRequest]) -> None:
        """Take all that a runner sends, until its Link ends. Raises `StigmerError` for what it must not send."""
        async for request in requests:
            session.heard_at = self._loop.time()
            match request.WhichOneof("frame"):
                case "append":
                    await self._append(session, request.append)
                case "appends":
                    for append in request.appends.appends:
                        await self._append(session, append)
                case "heartbeat":
                    session.report.memory_bytes = request.heartbeat.memory_bytes
                    session.report.running = request.heartbeat.running
                    session.report.unacknowledged_bytes = request.heartbeat.unacknowledged_bytes
                    self._let_go(session)
                case "lease_returned":
                    self._leases.give_back(session, request.lease_returned)
                case "ended_undone":
                    undoing = self._undoing.get(request.ended_undone.request_id)
                    if undoing is not None and not undoing.done():
                        undoing.set_result(request.ended_undone)
                case "hello":
                    raise InvalidArgument("a second hello on one Link: open a new one")
                case None:
                    raise InvalidArgument("a frame that is empty, or of a newer protocol")

    async def _append(self, session: RunnerSession, append: LinkRequest.Append) -> None:
        pipe = self._leases.append(session, append)
        if pipe is not None:
            await pipe.wait_below(self._options.unacknowledged_bytes)

    def leave(self, session: RunnerSession, error: StigmerError | None = None) -> None:
        """A Link ended."""
        self._close(session, error)

    def _close(self, session: RunnerSession, error: StigmerError | None) -> None:
        session.close(error)
        if self._sessions.get(session.report.runner_id) is session:
            del self._sessions[session.report.runner_id]
        self._leases.runner_gone(session)

    def _welcome(self, kept: list[Lease]) -> LinkResponse.Welcome:
        return LinkResponse.Welcome(
            incarnation=self._incarnation,
            lease_milliseconds=int(self._options.lease_seconds * 1000),
            takes_groups=True,
            kept=[
                LinkResponse.KeptLease(execution_id=lease.live.id, epoch=lease.epoch, producer_seq=lease.pipe.durable)
                for lease in kept
            ],
        )
