"""What people ask of an execution: stored first, then delivered to whoever holds it, answered when it took effect."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    ToolCallStatus,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import ToolCall
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    CommandApplied,
    CommandIssued,
    Event,
    PhaseChanged,
    ToolCallFinished,
    ToolOutcome,
    WorkflowTaskFinished,
)
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    CancelResponse,
    SendMessageRequest,
    SendMessageResponse,
)
from stigmer_apis.errors import FailedPrecondition, InvalidArgument, StigmerError, Unavailable
from stigmer_apis.ids import Prefix
from stigmer_backend.executions.appending import ENDED, Appender, has_ended
from stigmer_backend.executions.ledger import Command, CommandState, Ledger
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.pauses import Pauses
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.runs import phase_of, run_kind
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.resources.catalogue import NewId
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.removal import COMMANDS
from stigmer_backend.store import StateRead, Store, StoreFull

_CLOSING_SECONDS = 5.0
_WORDS = {
    "send_message": "the message",
    "pause": "the pause",
    "resume": "the order to go on",
    "resolve_approval": "the decision",
    "answer": "the answer",
    "interrupt": "the interrupt",
    "change_model": "the other model",
    "change_policy": "the other policy",
    "undo_turn": "the undoing",
    "withdraw_message": "the withdrawal of a message",
    "signal": "the signal",
}
_log = logging.getLogger(__name__)


class _StillPending(Exception):
    """A command is stored, and nothing became of it in time."""

    def __init__(self, live: LiveExecution, command_id: str) -> None:
        super().__init__(command_id)
        self.live = live
        self.command_id = command_id


class Commands:
    """Issues commands and waits for what becomes of them."""

    def __init__(
        self,
        store: Store,
        tasks: Tasks,
        registry: Registry,
        appender: Appender,
        new_id: NewId,
        options: ExecutionOptions,
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._registry = registry
        self._appender = appender
        self._new_id = new_id
        self._options = options
        self._issuing: dict[str, asyncio.Task[None]] = {}
        self._loop = asyncio.get_running_loop()

    async def cancel(self, execution_id: str, reason: str, wait: float, author: str, key: str) -> CancelResponse:
        """Stop an execution; wait up to `wait` seconds for its end. One cancel is enough: a second one joins the first.

        Raises `NotFound`, and what the store raises.
        """
        live = self._registry.get(execution_id)
        if live is None or live.ended or (live.closing and await live.wait_ended(_CLOSING_SECONDS)):
            phase = live.phase if live is not None else await self._final_phase(execution_id)
            return CancelResponse(phase=phase, already_ended=True)
        known = live.ledger.pending_cancel()
        command_id = known.command_id if known is not None else self._command_id(execution_id, key)
        issued = CommandIssued(command_id=command_id, author=author, cancel=CommandIssued.Cancel(reason=reason))
        if live.ledger.get(command_id) is None:
            if live.lease is None:
                await self._cancel_now(live, issued, [Event(command_issued=issued)])
            else:
                await self._issue(live, issued)
        if wait > 0:
            await live.wait_ended(min(wait, self._options.cancel_wait_seconds))
        return CancelResponse(command_id=command_id, phase=live.phase)

    async def send_message(self, request: SendMessageRequest, author: str, key: str) -> SendMessageResponse:
        """Hand the agent a message; return when the execution has taken it.

        Raises `NotFound`; `FailedPrecondition` where the execution has ended; `Unavailable` where nobody took it in time: it stays queued.
        """
        given = CommandIssued.SendMessage(text=request.text, now=request.now, attachments=request.attachments)
        order = CommandIssued(send_message=given)
        return SendMessageResponse(command_id=await self.order(request.execution_id, order, author, key))

    async def order(self, execution_id: str, order: CommandIssued, author: str, key: str) -> str:
        """Issue a command, of which `order` has what is wanted, and wait until it took effect; its id. The same `key` again is the same command.

        Raises `NotFound`; `FailedPrecondition` where the execution has ended or does not take it; `Unavailable` where nobody took it in time:
        it stays queued; `InvalidArgument` for a key that was used for something else.
        """
        try:
            return await self._order(execution_id, order, author, key, self._options.command_wait_seconds)
        except _StillPending as pending:
            raise _queued(pending.live, order) from None

    async def _order(self, execution_id: str, order: CommandIssued, author: str, key: str, wait: float) -> str:
        command_id = self._command_id(execution_id, key)
        live = self._registry.get(execution_id)
        if live is None:
            ledger = await self._final_ledger(execution_id)
            return _answer(execution_id, ledger.get(command_id), order)
        issued = CommandIssued(command_id=command_id, author=author)
        issued.MergeFrom(order)
        known = live.ledger.get(command_id)
        if known is None:
            if live.closing or live.ended:
                raise has_ended(live)
            await self._issue(live, issued)
        elif not _is_same(known, issued):
            raise InvalidArgument(
                "the idempotency key was used for another command", remedy="make a new key for each new request"
            )
        command = await self._settled(live, command_id, wait)
        if command.state is CommandState.PENDING:
            raise _StillPending(live, command_id)
        return _answer(execution_id, command, order)

    async def leave(self, execution_id: str, order: CommandIssued, author: str, key: str, wait: float) -> str:
        """Issue a command and answer once it is stored; where it is settled within `wait` seconds, with what became of it.

        Raises as `order`, but for what nobody took yet.
        """
        try:
            return await self._order(execution_id, order, author, key, wait)
        except _StillPending as pending:
            return pending.command_id

    def is_known(self, live: LiveExecution, key: str) -> bool:
        """Whether the call with this idempotency key was made before."""
        return bool(key) and live.ledger.get(self._command_id(live.id, key)) is not None

    def abandoned(self, live: LiveExecution) -> bool:
        """Whether an execution that nobody holds any more is to be cancelled; then that is done here."""
        cancel = live.ledger.pending_cancel()
        if cancel is None or live.ended or live.closing:
            return False
        self._tasks.start(self._cancel_abandoned(live, cancel), f"cancel {live.id}")
        return True

    # -- inner -----------------------------------------------------------------------------------------------------------

    async def _issue(self, live: LiveExecution, issued: CommandIssued) -> None:
        """Store a command, once, and deliver it."""
        under_way = self._issuing.get(issued.command_id)
        if under_way is None:
            under_way = self._tasks.result(self._store_and_deliver(live, issued), f"command {issued.command_id}")
            self._issuing[issued.command_id] = under_way
            under_way.add_done_callback(lambda _: self._issuing.pop(issued.command_id, None))
        await asyncio.shield(under_way)

    async def _store_and_deliver(self, live: LiveExecution, issued: CommandIssued) -> None:
        await self._appender.append(live, [Event(command_issued=issued)])
        lease = live.lease
        if lease is not None and lease.session is not None:
            lease.session.deliver(live.id, issued)
        elif lease is None:
            self.abandoned(live)

    async def _cancel_now(self, live: LiveExecution, cancel: CommandIssued, before: Sequence[Event]) -> None:
        """Cancel an execution that nobody holds."""
        events = [
            *before,
            *(Event(tool_call_finished=_left_open(call)) for call in live.state.status.tool_calls if _is_open(call)),
            *(_stopped(task_id) for task_id in sorted(live.state.open_tasks)),
            Event(command_applied=CommandApplied(command_id=cancel.command_id)),
            Event(phase_changed=PhaseChanged(phase=ExecutionPhase.EXECUTION_CANCELLED, reason=cancel.cancel.reason)),
        ]
        await self._appender.end(live, events)

    async def _cancel_abandoned(self, live: LiveExecution, cancel: CommandIssued) -> None:
        pauses = Pauses(self._options)
        while not live.ended and not live.closing:
            try:
                await self._cancel_now(live, cancel, ())
            except StoreFull as full:
                _log.warning("the cancel of %s waits for space: %s", live.id, full)
                await pauses.next()
            except StigmerError as refused:
                _log.info("%s is not cancelled: %s", live.id, refused)

    async def _settled(self, live: LiveExecution, command_id: str, wait: float) -> Command:
        """The command, when something became of it, or as it stands after `wait` seconds."""
        deadline = self._loop.time() + wait
        while True:
            command = live.ledger.get(command_id)
            if command is None:
                raise has_ended(live)
            left = deadline - self._loop.time()
            if command.state is not CommandState.PENDING or left <= 0:
                return command
            await live.changed.wait(left)

    async def _final_phase(self, execution_id: str) -> ExecutionPhase.ValueType:
        execution = await self._store.read_state(lambda state: find(state, run_kind(execution_id), execution_id))
        return phase_of(execution)

    async def _final_ledger(self, execution_id: str) -> Ledger:
        def look(state: StateRead) -> bytes:
            find(state, run_kind(execution_id), execution_id)
            record = state.get(COMMANDS, execution_id)
            return b"" if record is None else record.data

        return Ledger.decode(await self._store.read_state(look))

    def _command_id(self, execution_id: str, key: str) -> str:
        """Made of the idempotency key where there is one, so that a repeat is the same command."""
        if not key:
            return self._new_id(Prefix.COMMAND)
        digest = hashlib.sha256(f"{execution_id}\0{key}".encode("utf-8", "surrogateescape")).hexdigest()
        return f"{Prefix.COMMAND}-{digest[:26]}"


def _is_same(known: Command, issued: CommandIssued) -> bool:
    """Whether a command is the one that is known; of what is settled only its kind is."""
    if known.issued.WhichOneof("command") != issued.WhichOneof("command"):
        return False
    return known.state is not CommandState.PENDING or known.issued == issued


def _answer(execution_id: str, command: Command | None, order: CommandIssued) -> str:
    """What the caller of a command is told."""
    if command is None or command.state is not CommandState.APPLIED:
        reason = "it had ended" if command is None or not command.reason else command.reason
        over = command is None or not command.reason or command.reason == ENDED
        raise FailedPrecondition(
            f"the execution {execution_id} did not take {_in_words(order)}: {reason}",
            remedy=_begin_again(execution_id) if over else "see how it stands: `stigmer attention`",
        )
    return command.issued.command_id


def _begin_again(execution_id: str) -> str:
    """What is left where a run has ended."""
    if run_kind(execution_id) is WORKFLOW_EXECUTIONS:
        return f"begin a new one: `stigmer retry {execution_id}`"
    return "start a new execution in the same session"


def _queued(live: LiveExecution, order: CommandIssued) -> Unavailable:
    who = "its runner has not taken it yet" if live.lease is not None else "no runner has it at the moment"
    return Unavailable(
        f"{_in_words(order)} to {live.id} is stored and queued: {who}",
        remedy="it will be delivered; `stigmer server status` tells of the runner",
    )


def _in_words(order: CommandIssued) -> str:
    return _WORDS.get(order.WhichOneof("command") or "", "the command")


def _stopped(task_id: str) -> Event:
    """How a workflow's task ends that nobody ended."""
    return Event(workflow_task_finished=WorkflowTaskFinished(task_id=task_id, cancelled=True))


def _is_open(call: ToolCall) -> bool:
    return call.status in (ToolCallStatus.TOOL_CALL_PENDING, ToolCallStatus.TOOL_CALL_RUNNING)


def _left_open(call: ToolCall) -> ToolCallFinished:
    """How a call ends that nobody ended: one that had started may have done anything."""
    if call.status == ToolCallStatus.TOOL_CALL_RUNNING:
        return ToolCallFinished(
            call_id=call.id,
            outcome=ToolOutcome.TOOL_OUTCOME_UNKNOWN,
            error="its runner was gone when the execution was cancelled: how far it came is not known",
        )
    return ToolCallFinished(
        call_id=call.id,
        outcome=ToolOutcome.TOOL_OUTCOME_NOT_STARTED,
        error="the execution was cancelled before it started",
    )
