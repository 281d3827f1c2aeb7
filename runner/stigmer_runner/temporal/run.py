"""A run that a cluster drives. This process holds its lease: it does the activities, brings the commands, and writes what is shown."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import Activation, Job, JournalRecord, Start
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import Abandoned, Cancelled, Chronicle, Completed, Failed, RunEnd, RunOutcome
from stigmer_runner.engine.errors import LeaseLost
from stigmer_runner.engine.instance import name_of
from stigmer_runner.engine.journal import JournalSink
from stigmer_runner.engine.plan import ChildKinds, ChildParts, RunPlan
from stigmer_runner.errors import RunnerError
from stigmer_runner.temporal.attempts import Attempts, Results
from stigmer_runner.temporal.commands import ChildOfRun, Commands, Handle
from stigmer_runner.temporal.interceptors import asked_once
from stigmer_runner.temporal.library import (
    ApplicationError,
    CancelledError,
    Client,
    FailureError,
    RawValue,
    RPCError,
    RPCStatusCode,
    TerminatedError,
    TypedSearchAttributes,
    Worker,
    WorkflowAlreadyStartedError,
    WorkflowFailureError,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
    activity,
)
from stigmer_runner.temporal.naming import CLUSTER, run_queue_of, work_queue_of, workflow_id_of
from stigmer_runner.temporal.patience import Patience
from stigmer_runner.temporal.reasons import why_refused

_LEAVING_WITHIN = 5.0
_TASK_TIMEOUT = timedelta(seconds=60)
"""How long a runner may take over a step of a definition before the cluster asks another."""

_logger = logging.getLogger(__name__)


class Cluster(Protocol):
    """What runs share."""

    async def client(self) -> Client:
        """A client that is connected. Raises `ClusterAway`."""
        ...

    def attributes(self, execution_id: str) -> TypedSearchAttributes | None:
        """What a run can be found by there."""
        ...

    def worker(self, client: Client, queue: str, perform: Callable[..., Awaitable[object]]) -> Worker:
        """A worker that does the activities of one execution."""
        ...


class TemporalRun:
    """One run. See `engine.port.Run` for what its methods promise."""

    def __init__(
        self,
        cluster: Cluster,
        plan: RunPlan,
        activities: Activities,
        journal: JournalSink,
        chronicle: Chronicle,
        child_kinds: ChildKinds,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self._cluster = cluster
        self._plan = plan
        self._journal = journal
        self._chronicle = chronicle
        self._child_kinds = child_kinds
        self._clock = clock or _now_micros
        self._own = ChildParts(plan.definition, activities, chronicle)
        self._families: dict[str, ChildParts | None] = {}
        self._results = Results()
        self._patience = Patience(plan.workflow_id, self._tell, self._clock)
        self._commands = Commands(plan.workflow_id, chronicle, self._tell, self._patience, cluster.client)
        self._attempts = Attempts(self._append, self._clock, lambda: self._commands.reason, self._results)
        self._when_live: Callable[[], None] | None = None
        self._abandoned: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    # What persons want

    def signal(self, name: str, *arguments: object, command_id: str = "") -> None:
        """Send the workflow a signal."""
        self._commands.signal("", name, arguments, command_id)

    def update(self, name: str, *arguments: object, command_id: str = "") -> "asyncio.Future[object]":
        """Send the workflow an update."""
        return self._commands.update("", name, arguments, command_id)

    def cancel(self, reason: str, *, command_id: str = "") -> None:
        """Ask the workflow to end."""
        self._commands.cancel(reason, command_id)

    def abandon(self, reason: str) -> None:
        """The lease is lost: stop at once."""
        if not self._abandoned.done():
            self._abandoned.set_result(reason)

    def when_live(self, call: Callable[[], None]) -> None:
        """Call once the run is under way."""
        self._when_live = call

    def child(self, workflow_id: str) -> ChildOfRun:
        """The child workflow of that id; what it is sent is refused where it does not live."""
        return ChildOfRun(self._commands, workflow_id)

    # Its life

    async def execute(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """Run to the end: begin it in the cluster, or go on with what was begun there."""
        self._results.read(history)
        living: asyncio.Task[RunEnd] | None = None
        try:
            if not history:
                await self._append((self._start_record(),), self._chronicle.begun(), True)
            living = asyncio.create_task(self._live())
            await asyncio.wait((living, self._abandoned), return_when=asyncio.FIRST_COMPLETED)
            if not living.done():
                living.cancel()
                await asyncio.wait((living,))
                return Abandoned(self._abandoned.result())
            end = living.result()
            events = (*self._commands.cancelled, *self._patience.cleared(), *self._chronicle.ended(end))
            await self._journal.append((), events, urgent=True, final=True)
        except LeaseLost as error:
            return Abandoned(str(error))
        finally:
            if living is not None:
                living.cancel()
            self._commands.close()
        return end

    async def _live(self) -> RunEnd:
        client = await self._patience.wait_for(self._cluster.client)
        try:
            handle = await self._patience.wait_for(lambda: self._begin(client))
        except RPCError as error:
            raise RunnerError(
                f"Temporal does not take this run: {why_refused(error)}. Look at `backend.local.temporal`: stigmer config list"
            ) from error
        worker = self._cluster.worker(client, work_queue_of(self._plan.workflow_id), self._perform)
        serving = asyncio.create_task(worker.run())
        commanding = asyncio.create_task(self._commands.bring(handle))
        ending = asyncio.create_task(self._patience.wait_for(lambda: self._end(handle)))
        try:
            if self._when_live is not None:
                self._when_live()
            done, _ = await asyncio.wait((ending, serving), return_when=asyncio.FIRST_COMPLETED)
            if ending not in done:
                return Failed(f"the worker of this run ended: {serving.exception()}")
            return ending.result()
        finally:
            commanding.cancel()
            ending.cancel()
            await _left(worker, serving)

    async def _begin(self, client: Client) -> Handle:
        plan = self._plan
        workflow_id = workflow_id_of(plan.workflow_id)
        try:
            return await client.start_workflow(
                name_of(plan.definition),
                args=list(plan.arguments),
                id=workflow_id,
                task_queue=run_queue_of(plan.workflow_id),
                task_timeout=_TASK_TIMEOUT,
                search_attributes=self._cluster.attributes(plan.workflow_id),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
        except WorkflowAlreadyStartedError:
            return client.get_workflow_handle(workflow_id)

    async def _end(self, handle: Handle) -> RunEnd:
        try:
            return Completed(await handle.result())
        except WorkflowFailureError as error:
            return self._why(error.cause)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return Failed("Temporal does not know this run any more: its history was removed there.", "RunVanished")

    def _why(self, cause: BaseException) -> RunEnd:
        match cause:
            case CancelledError():
                return Cancelled(self._commands.reason)
            case ApplicationError():
                return Failed(cause.message, cause.type or "")
            case TerminatedError():
                return Failed(f"It was terminated in Temporal: {cause.message}", "Terminated")
            case _:
                innermost: BaseException = cause
                while innermost.__cause__ is not None:
                    innermost = innermost.__cause__
                words = innermost.message if isinstance(innermost, FailureError) else str(innermost)
                kind = innermost.type if isinstance(innermost, ApplicationError) else type(innermost).__name__
                return Failed(words, kind or "")

    async def _perform(self, raw: Sequence[RawValue]) -> object:
        """An activity that the cluster asks for."""
        info = activity.info()
        parts = self._own
        if info.workflow_id != workflow_id_of(self._plan.workflow_id):
            parts = self._family(info.workflow_type or "", info.workflow_id or "")
        found = None if parts is None else parts.activities.get(info.activity_type)
        mark = self._own.mark if parts is None else parts.mark
        return await self._attempts.perform(found, raw, mark, once=asked_once.get())

    def _family(self, workflow_type: str, workflow_id: str) -> ChildParts | None:
        if workflow_id not in self._families:
            self._families[workflow_id] = self._child_kinds(workflow_type, workflow_id)
        return self._families[workflow_id]

    # The log

    def _append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], urgent: bool
    ) -> "asyncio.Future[None]":
        if not (records or events):
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        return self._journal.append(records, events, urgent=urgent)

    async def _tell(self, events: Sequence[Event]) -> None:
        await self._append((), events, True)

    def _start_record(self) -> JournalRecord:
        """Says that a cluster drives this run. The arguments stand there."""
        start = Start(workflow_type=name_of(self._plan.definition), workflow_id=workflow_id_of(self._plan.workflow_id))
        return JournalRecord(
            time_unix_micros=self._clock(), activation=Activation(jobs=[Job(start=start)]), child_run_id=CLUSTER
        )


async def _left(worker: Worker, serving: "asyncio.Task[None]") -> None:
    """Let the worker end, or leave it behind where it does not."""
    try:
        async with asyncio.timeout(_LEAVING_WITHIN):
            await worker.shutdown()
            await asyncio.wait((serving,))
    except TimeoutError:
        serving.cancel()
        _logger.warning("a worker did not end in %g s", _LEAVING_WITHIN)


def _now_micros() -> int:
    return time.time_ns() // 1000
