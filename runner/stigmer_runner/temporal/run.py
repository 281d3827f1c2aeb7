"""A run that a cluster drives. This process holds its lease: it does the activities, brings the commands, and writes what is shown."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar, cast

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import Activation, Job, JournalRecord, Start
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import AttentionCleared, AttentionRaised, Event
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import Abandoned, Cancelled, Chronicle, Completed, Failed, RunEnd, RunOutcome
from stigmer_runner.engine.errors import LeaseLost, UpdateRefused
from stigmer_runner.engine.instance import name_of
from stigmer_runner.engine.journal import JournalSink
from stigmer_runner.engine.plan import ChildKinds, ChildParts, RunPlan
from stigmer_runner.errors import RunnerError
from stigmer_runner.temporal.attempts import Attempts, Results
from stigmer_runner.temporal.interceptors import asked_once, signalling_command
from stigmer_runner.temporal.library import (
    ApplicationError,
    CancelledError,
    Client,
    FailureError,
    RawValue,
    RPCError,
    RPCStatusCode,
    TerminatedError,
    Worker,
    WorkflowAlreadyStartedError,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
    activity,
)
from stigmer_runner.temporal.naming import CLUSTER, run_queue_of, work_queue_of, workflow_id_of

AWAY = "engine-away"
"""The attention that is raised while the cluster cannot be reached."""
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0
_TOLD_AFTER = 1.0
"""Seconds that a cluster may be away before the person is told."""
_REFUSED_WITHIN = 0.05
"""Seconds after its acceptance in which an update that was refused is known to be."""
_LEAVING_WITHIN = 5.0
_TASK_TIMEOUT = timedelta(seconds=60)
"""How long a runner may take over a step of a definition before the cluster asks another."""

_logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_GONE = frozenset(
    {
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.UNKNOWN,
    }
)
"""What a cluster answers that may answer otherwise in a moment."""


class ClusterAway(Exception):
    """The cluster cannot be reached now; the message says where it was looked for, and what happened."""


class _UpdateSent(Protocol):
    async def result(self) -> object: ...


class _Updated(Protocol):
    """The form of `WorkflowHandle.start_update` that is used: the library's own is typed for decorated methods."""

    async def start_update(
        self, update: str, *, args: Sequence[object], id: str | None, wait_for_stage: WorkflowUpdateStage
    ) -> _UpdateSent: ...


class Cluster(Protocol):
    """What runs share."""

    async def client(self) -> Client:
        """A client that is connected. Raises `ClusterAway`."""
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
        self._attempts = Attempts(self._append, self._clock, lambda: self._reason, self._results)
        self._reason = ""
        self._cancels: list[str] = []
        self._known: set[str] = set()
        self._commands: asyncio.Queue[Callable[[WorkflowHandle[object, object]], Awaitable[None]]] = asyncio.Queue()
        self._when_live: Callable[[], None] | None = None
        self._abandoned: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting: set[asyncio.Task[None]] = set()
        self._told_away = False

    # What persons want

    def signal(self, name: str, *arguments: object, command_id: str = "") -> None:
        """Send the workflow a signal."""
        self.signal_child("", name, arguments, command_id)

    def update(self, name: str, *arguments: object, command_id: str = "") -> "asyncio.Future[object]":
        """Send the workflow an update."""
        return self.update_child("", name, arguments, command_id)

    def cancel(self, reason: str, *, command_id: str = "") -> None:
        """Ask the workflow to end."""
        if not self._is_new(command_id):
            return
        self._reason = self._reason or reason
        if command_id:
            self._cancels.append(command_id)

        async def send(handle: WorkflowHandle[object, object]) -> None:
            await handle.cancel()

        self._commands.put_nowait(send)

    def abandon(self, reason: str) -> None:
        """The lease is lost: stop at once."""
        if not self._abandoned.done():
            self._abandoned.set_result(reason)

    def when_live(self, call: Callable[[], None]) -> None:
        """Call once the run is under way."""
        self._when_live = call

    def child(self, workflow_id: str) -> "ChildOfRun":
        """The child workflow of that id; what it is sent is refused where it does not live."""
        return ChildOfRun(self, workflow_id)

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
            applied = [each for command_id in self._cancels for each in self._chronicle.applied(command_id)]
            events = (*applied, *self._cleared(), *self._chronicle.ended(end))
            await self._journal.append((), events, urgent=True, final=True)
        except LeaseLost as error:
            return Abandoned(str(error))
        finally:
            if living is not None:
                living.cancel()
            for task in self._waiting:
                task.cancel()
        return end

    async def _live(self) -> RunEnd:
        client = await self._patiently(self._cluster.client)
        try:
            handle = await self._patiently(lambda: self._begin(client))
        except RPCError as error:
            raise RunnerError(
                f"Temporal does not take this run: {error.message}. Look at `backend.local.temporal`: stigmer config list"
            ) from error
        worker = self._cluster.worker(client, work_queue_of(self._plan.workflow_id), self._perform)
        serving = asyncio.create_task(worker.run())
        commanding = asyncio.create_task(self._bring(handle))
        ending = asyncio.create_task(self._patiently(lambda: self._end(handle)))
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

    async def _begin(self, client: Client) -> "WorkflowHandle[object, object]":
        plan = self._plan
        workflow_id = workflow_id_of(plan.workflow_id)
        try:
            return await client.start_workflow(
                name_of(plan.definition),
                args=list(plan.arguments),
                id=workflow_id,
                task_queue=run_queue_of(plan.workflow_id),
                task_timeout=_TASK_TIMEOUT,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
        except WorkflowAlreadyStartedError:
            return client.get_workflow_handle(workflow_id)

    async def _end(self, handle: "WorkflowHandle[object, object]") -> RunEnd:
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
                return Cancelled(self._reason)
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

    # Commands

    async def _bring(self, handle: "WorkflowHandle[object, object]") -> None:
        """Bring commands, one after the other."""
        while True:
            send = await self._commands.get()
            try:
                await self._patiently(lambda send=send: send(handle))
            except LeaseLost:
                return
            except Exception:
                _logger.exception("%s: a command could not be brought", self._plan.workflow_id)

    def signal_child(self, child_id: str, name: str, arguments: Sequence[object], command_id: str) -> None:
        """Send a signal to a child; to the run itself where `child_id` is empty."""
        if not self._is_new(command_id):
            return

        async def send(handle: WorkflowHandle[object, object]) -> None:
            signalling_command.set(command_id)
            try:
                await (await self._of(handle, child_id)).signal(name, args=arguments)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                await self._reject(command_id, "it has ended")
            else:
                await self._applied(command_id)

        self._commands.put_nowait(send)

    def update_child(
        self, child_id: str, name: str, arguments: Sequence[object], command_id: str
    ) -> "asyncio.Future[object]":
        """Send an update to a child; to the run itself where `child_id` is empty."""
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_seen)
        if not self._is_new(command_id):
            answer.set_result(None)
            return answer

        async def refuse(reason: str) -> None:
            await self._reject(command_id, reason)
            _refuse(answer, reason)

        async def send(handle: WorkflowHandle[object, object]) -> None:
            target = await self._of(handle, child_id)
            try:
                sent = await cast(_Updated, target).start_update(
                    name, args=arguments, id=command_id or None, wait_for_stage=WorkflowUpdateStage.ACCEPTED
                )
            except WorkflowUpdateFailedError as error:
                await refuse(_words(error.cause))
                return
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                await refuse("it has ended")
                return
            result = asyncio.create_task(sent.result())
            done, _ = await asyncio.wait((result,), timeout=_REFUSED_WITHIN)
            if result in done and isinstance(failed := result.exception(), WorkflowUpdateFailedError):
                await refuse(_words(failed.cause))
                return
            await self._applied(command_id)
            waiting = asyncio.create_task(_settle(result, answer))
            self._waiting.add(waiting)
            waiting.add_done_callback(self._waiting.discard)

        self._commands.put_nowait(send)
        return answer

    async def _of(self, handle: "WorkflowHandle[object, object]", child_id: str) -> "WorkflowHandle[object, object]":
        if not child_id:
            return handle
        client = await self._cluster.client()
        return client.get_workflow_handle(child_id)

    def _is_new(self, command_id: str) -> bool:
        if not command_id:
            return True
        new = command_id not in self._known
        self._known.add(command_id)
        return new

    async def _applied(self, command_id: str) -> None:
        if command_id:
            await self._append((), self._chronicle.applied(command_id), True)

    async def _reject(self, command_id: str, reason: str) -> None:
        if command_id:
            await self._append((), self._chronicle.rejected(command_id, reason), True)

    # Patience

    async def _patiently(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """What `call` gives, however long the cluster is away; the person is told while it is."""
        wait, since = _FIRST_WAIT, time.monotonic()
        while True:
            try:
                found = await call()
            except ClusterAway as error:
                await self._tell_away(str(error), since)
            except RPCError as error:
                if error.status not in _GONE:
                    raise
                await self._tell_away(f"Temporal does not answer: {error.message}", since)
            else:
                await self._tell_back()
                return found
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _tell_away(self, words: str, since: float) -> None:
        if self._told_away or time.monotonic() - since < _TOLD_AFTER:
            return
        self._told_away = True
        _logger.warning("%s: %s", self._plan.workflow_id, words)
        raised = AttentionRaised(
            attention_id=AWAY,
            kind=AttentionKind.ATTENTION_KIND_PROBLEM,
            text=f"{words}. The run goes on when it is back.",
        )
        await self._append((), (Event(time_unix_micros=self._clock(), attention_raised=raised),), True)

    async def _tell_back(self) -> None:
        if events := self._cleared():
            await self._append((), events, True)

    def _cleared(self) -> Sequence[Event]:
        if not self._told_away:
            return ()
        self._told_away = False
        return (Event(time_unix_micros=self._clock(), attention_cleared=AttentionCleared(attention_id=AWAY)),)

    # The log

    def _append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], urgent: bool
    ) -> "asyncio.Future[None]":
        if not (records or events):
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        return self._journal.append(records, events, urgent=urgent)

    def _start_record(self) -> JournalRecord:
        """Says that a cluster drives this run. The arguments stand there."""
        start = Start(workflow_type=name_of(self._plan.definition), workflow_id=workflow_id_of(self._plan.workflow_id))
        return JournalRecord(
            time_unix_micros=self._clock(), activation=Activation(jobs=[Job(start=start)]), child_run_id=CLUSTER
        )


class ChildOfRun:
    """A child workflow, as far as persons tell it something."""

    def __init__(self, run: TemporalRun, workflow_id: str) -> None:
        self._run = run
        self._workflow_id = workflow_id

    def signal(self, name: str, *arguments: object, command_id: str = "") -> None:
        """Send it a signal."""
        self._run.signal_child(self._workflow_id, name, arguments, command_id)

    def update(self, name: str, *arguments: object, command_id: str = "") -> "asyncio.Future[object]":
        """Send it an update."""
        return self._run.update_child(self._workflow_id, name, arguments, command_id)

    def cancel(self, reason: str, *, command_id: str = "") -> None:
        """It ends with its parent alone."""
        self._run.cancel(reason, command_id=command_id)


async def _left(worker: Worker, serving: "asyncio.Task[None]") -> None:
    """Let the worker end, or leave it behind where it does not."""
    try:
        async with asyncio.timeout(_LEAVING_WITHIN):
            await worker.shutdown()
            await asyncio.wait((serving,))
    except TimeoutError:
        serving.cancel()
        _logger.warning("a worker did not end in %g s", _LEAVING_WITHIN)


async def _settle(result: "asyncio.Task[object]", answer: "asyncio.Future[object]") -> None:
    try:
        value = await result
    except (WorkflowUpdateFailedError, RPCError) as error:
        _refuse(answer, _words(error.__cause__ or error))
    else:
        if not answer.done():
            answer.set_result(value)


def _refuse(answer: "asyncio.Future[object]", reason: str) -> None:
    if not answer.done():
        answer.set_exception(UpdateRefused(reason))


def _seen(answer: "asyncio.Future[object]") -> None:
    """Nobody need await it."""
    if not answer.cancelled():
        answer.exception()


def _words(error: BaseException) -> str:
    return error.message if isinstance(error, FailureError) else str(error)


def _now_micros() -> int:
    return time.time_ns() // 1000
