"""Who runs which execution: one runner at a time, under an epoch that only grows.

An epoch is made durable before it is given: the store then refuses what a runner of an earlier one still sends, even if this daemon dies.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, PhaseChanged
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest, LinkResponse
from stigmer_apis.errors import StigmerError
from stigmer_backend.executions.appending import Appender
from stigmer_backend.executions.granting import Granting
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.pauses import Pauses
from stigmer_backend.executions.pipe import FENCE_STEPS, Pipe
from stigmer_backend.executions.placing import Placing, why_waiting
from stigmer_backend.executions.registry import RUNNER, Registry
from stigmer_backend.executions.sessions import RunnerSession
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.store import Append, AppendRefused, Lane, Store, StoreFull

_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Lease:
    """A runner's right to run an execution."""

    live: LiveExecution
    epoch: int
    runner_id: str
    """Who has it; empty after the daemon's start, until its runner comes back."""
    session: RunnerSession | None
    """Its connection, None while there is none."""
    deadline: float
    """Time of the loop when it is taken away, while there is no connection."""
    pipe: Pipe


class Leases:
    """Gives leases to runners that have room, the oldest execution first, and takes them away."""

    def __init__(
        self,
        store: Store,
        tasks: Tasks,
        registry: Registry,
        appender: Appender,
        granting: Granting,
        options: ExecutionOptions,
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._registry = registry
        self._appender = appender
        self._grants = granting
        self._options = options
        self._placing = Placing(store)
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, LiveExecution] = {}
        self._granting: set[str] = set()
        self._ready: list[RunnerSession] = []
        self._abandoned: Callable[[LiveExecution], bool] = lambda live: False
        registry.on_end(self._ended)

    def on_abandoned(self, take: Callable[[LiveExecution], bool]) -> None:
        """Ask `take` before an execution that lost its runner waits for the next: True if it sees to it itself."""
        self._abandoned = take

    # -- what waits ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """After the start: what was run before is kept for its runner for a while, what was not is offered."""
        await self._placing.open()
        deadline = self._loop.time() + self._options.lease_seconds
        for live in self._registry.all():
            if live.ended:
                continue
            if live.runner_epoch:
                await self._hold(live, deadline)
            else:
                self._offer(live)
        self._tasks.start(self._expire(), "leases")

    def offer(self, live: LiveExecution) -> None:
        """An execution wants a runner."""
        if not self._abandoned(live):
            self._offer(live)

    def runner_ready(self, session: RunnerSession) -> None:
        """A runner connected, and its leases are known."""
        self._ready.append(session)
        self._assign()

    def runner_gone(self, session: RunnerSession) -> None:
        """A connection ended. Its leases stay for a while: the runner may come back."""
        if session in self._ready:
            self._ready.remove(session)
        for lease in session.leases.values():
            lease.session = None
            lease.deadline = session.heard_at + self._options.lease_seconds
            lease.live.changed.ring()
        session.let_go_of_all()

    # -- leases ----------------------------------------------------------------------------------------------------------

    def resume(self, session: RunnerSession, held: LinkRequest.HeldLease) -> Lease | None:
        """The lease that a runner says it holds, if it does; from now on over this connection."""
        live = self._registry.get(held.execution_id)
        lease = None if live is None else live.lease
        if lease is None or lease.live.ended or lease.epoch != held.epoch:
            return None
        if lease.runner_id not in ("", session.report.runner_id):
            return None
        lease.runner_id, lease.session = session.report.runner_id, session
        session.hold(lease.live.id, lease)
        return lease

    def drop_unknown(self, session: RunnerSession) -> None:
        """Take away what was given to the runner of `session` and what it does not know of: it was never told."""
        for live in self._registry.all():
            lease = live.lease
            if lease is not None and lease.runner_id == session.report.runner_id and lease.session is not session:
                self._take(lease, "its runner does not know of it")

    def append(self, session: RunnerSession, append: LinkRequest.Append) -> Pipe | None:
        """Take a runner's append; one without the lease is told so. Returns where it waits. Raises what `Pipe.push` raises."""
        lease = session.leases.get(append.execution_id)
        if lease is None or lease.epoch != append.epoch:
            session.send(
                _revoked(append.execution_id, append.epoch, "somebody else has the lease, or the execution ended")
            )
            return None
        lease.pipe.push(append)
        return lease.pipe

    def give_back(self, session: RunnerSession, returned: LinkRequest.LeaseReturned) -> None:
        """A runner does not want to go on with an execution."""
        lease = session.leases.get(returned.execution_id)
        if lease is not None and lease.epoch == returned.epoch:
            _log.info("runner %s gave %s back: %s", lease.runner_id, lease.live.id, returned.reason)
            self._take(lease, "")

    def revoke_runner(self, runner_id: str, reason: str) -> None:
        """Take away all that a runner holds: it is known to be dead, or shall be."""
        for live in self._registry.all():
            if live.lease is not None and live.lease.runner_id == runner_id:
                self._take(live.lease, reason)

    def release_unclaimed(self, reason: str) -> None:
        """Take away all that no runner has claimed since the daemon's start: none of those before is alive."""
        for live in self._registry.all():
            if live.lease is not None and not live.lease.runner_id:
                self._take(live.lease, reason)

    # -- inner -----------------------------------------------------------------------------------------------------------

    def _offer(self, live: LiveExecution) -> None:
        if live.ended or live.closing or live.lease is not None or live.id in self._granting:
            return
        self._waiting[live.id] = live
        self._assign()

    def _assign(self) -> None:
        """Give what waits to who has room."""
        speaking = [one for one in self._ready if self._loop.time() < one.heard_at + self._options.lease_seconds]
        for live in sorted(self._waiting.values(), key=lambda one: (one.created_ns, one.id)):
            if not any(one.room_for(live.id) for one in speaking):
                continue
            session = self._placing.choose(live, speaking)
            if session is None:
                live.problem = why_waiting(live, speaking)
                continue
            self._placing.placed(live, session)
            del self._waiting[live.id]
            self._granting.add(live.id)
            session.granting += 1
            self._tasks.start(self._grant(session, live), f"grant {live.id}")

    async def _grant(self, session: RunnerSession, live: LiveExecution) -> None:
        lease: Lease | None = None
        try:
            lease = await self._fence(live, session)
            if lease is not None:
                await self._placing.keep(live, session)
                grant = await self._grants.describe(lease.live, lease.epoch)
                if self._is_good(lease, session):
                    session.send(LinkResponse(lease_granted=grant))
        except StigmerError as error:
            await self._fail(live, lease, error)
        except (StoreFull, OSError) as error:
            _log.warning("%s waits to be given to a runner: %s", live.id, error)
            live.problem = str(error)
            await Pauses(self._options).next()
            if lease is not None:
                self._take(lease, "")
        finally:
            session.granting -= 1
            self._granting.discard(live.id)
        if live.lease is None:
            self.offer(live)
        self._assign()

    async def _fail(self, live: LiveExecution, lease: Lease | None, error: StigmerError) -> None:
        """End an execution that cannot be run: its directory is gone."""
        if lease is not None:
            self._take(lease, "")
        failed = PhaseChanged(phase=ExecutionPhase.EXECUTION_FAILED, reason=error.message)
        try:
            await self._appender.end(live, [Event(phase_changed=failed)])
        except (StigmerError, StoreFull) as later:
            _log.warning("%s could not be ended: %s", live.id, later)
            await Pauses(self._options).next()

    async def _fence(self, live: LiveExecution, session: RunnerSession) -> Lease | None:
        """Make the next epoch durable, and the lease. None where the execution ended meanwhile."""
        epoch = live.runner_epoch + 1
        try:
            await self._store.append([Append(live.id, Lane.ENGINE, b"", 0, RUNNER, epoch, FENCE_STEPS)])
        except AppendRefused as refused:
            _log.info("%s is not run any more: %s", live.id, refused)
            return None
        live.runner_epoch = epoch
        live.problem = ""
        if live.ended or live.closing or session.closed:
            return None
        return self._make(live, epoch, 0, session)

    def _make(
        self, live: LiveExecution, epoch: int, durable: int, session: RunnerSession | None, deadline: float = 0.0
    ) -> Lease:
        def acknowledge(step: int) -> None:
            if lease.session is not None:
                lease.session.acknowledge(live.id, epoch, step)

        def lost(reason: str) -> None:
            self._lost(lease, reason)

        pipe = Pipe(
            live,
            epoch,
            durable,
            self._appender,
            self._options,
            acknowledge,
            lost,
        )
        lease = Lease(live, epoch, session.report.runner_id if session else "", session, deadline, pipe)
        live.lease = lease
        if session is not None:
            session.hold(live.id, lease)
        self._tasks.start(pipe.run(), f"pipe {live.id}")
        return lease

    async def _hold(self, live: LiveExecution, deadline: float) -> None:
        """Keep an execution for the runner that may still run it."""
        mark = await self._store.mark(live.id, RUNNER)
        durable = 0 if mark is None else max(0, mark.producer_seq - FENCE_STEPS)
        if live.lease is None and not live.ended:
            self._make(live, live.runner_epoch, durable, None, deadline)

    def _is_good(self, lease: Lease, session: RunnerSession) -> bool:
        return lease.live.lease is lease and lease.session is session and not session.closed

    def _lost(self, lease: Lease, reason: str) -> None:
        """A lease's appends cannot be written, ever."""
        if lease.live.lease is lease:
            self._take(lease, reason)
        else:
            self.offer(lease.live)

    def _take(self, lease: Lease, reason: str) -> None:
        """End a lease; a runner that is connected is told, if there is a reason. The execution waits for the next runner."""
        if lease.live.lease is not lease:
            return
        self._end(lease)
        if lease.session is not None and reason:
            lease.session.send(_revoked(lease.live.id, lease.epoch, reason))
        self.offer(lease.live)
        self._assign()

    def _end(self, lease: Lease) -> None:
        lease.live.lease = None
        lease.pipe.shut()
        if lease.session is not None:
            lease.session.let_go(lease.live.id)
        lease.live.changed.ring()

    def _ended(self, live: LiveExecution) -> None:
        self._waiting.pop(live.id, None)
        lease = live.lease
        if lease is None:
            return
        if not lease.pipe.ending and lease.session is not None:
            lease.session.send(_revoked(live.id, lease.epoch, "the execution ended"))
        self._end(lease)
        self._assign()

    async def _expire(self) -> None:
        """Take away leases of runners that say nothing; one that speaks again is given some again."""
        while True:
            await asyncio.sleep(self._options.lease_seconds / 10)
            self._assign()
            now = self._loop.time()
            for live in self._registry.all():
                lease = live.lease
                if lease is None:
                    continue
                heard = lease.session.heard_at + self._options.lease_seconds if lease.session else lease.deadline
                if heard <= now:
                    _log.warning("runner %s of %s says nothing: its lease is over", lease.runner_id or "?", live.id)
                    self._take(lease, f"nothing was heard for {self._options.lease_seconds:g} seconds")


def _revoked(execution_id: str, epoch: int, reason: str) -> LinkResponse:
    return LinkResponse(lease_revoked=LinkResponse.LeaseRevoked(execution_id=execution_id, epoch=epoch, reason=reason))
