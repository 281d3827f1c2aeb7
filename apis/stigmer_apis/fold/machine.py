"""Which event does what to the state."""

from collections.abc import Iterable
from typing import cast

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    SubAgentStatus,
    ToolCallStatus,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionStatus
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecutionStatus,
)
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary, FoldState
from stigmer_apis.errors import SequenceGap
from stigmer_apis.fold.bounds import (
    MAX_ASKED_BYTES,
    MAX_ATTENTION_BYTES,
    MAX_ATTENTIONS,
    Ledger,
    cut_sub_agent,
    cut_texts,
    is_light,
    set_todos,
)
from stigmer_apis.fold.lines import LastLine, visible
from stigmer_apis.fold.messages import Messages, message_at
from stigmer_apis.fold.published import published_status
from stigmer_apis.fold.texts import MAX_NOTE_BYTES, cut
from stigmer_apis.fold.times import micros_of, rfc3339
from stigmer_apis.fold.tool_calls import ToolCalls, result_terminal
from stigmer_apis.fold.workflow import Tasks

_TERMINAL = frozenset(
    {ExecutionPhase.EXECUTION_COMPLETED, ExecutionPhase.EXECUTION_FAILED, ExecutionPhase.EXECUTION_CANCELLED}
)
_UNWEIGHED = 4
_OF_ITS_OWN = frozenset({"message_started", "text_delta", "reasoning_delta", "message_completed", "todo_list_changed"})
"""Events of a sub-agent that are told of itself: the conversation of the execution is its agent's."""
_BUFFERED = frozenset({"text_delta", "terminal_output", "reasoning_delta"})
"""Events of which nothing is written to the state before `flush`."""
COPY_BYTES = 1 << 20
_EVENT_BYTES = 512
"""What an event may take in the state beside its own bytes."""
_SUBJECT_CHARACTERS = 80
_SUMMARY_ERROR_CHARACTERS = 120


def empty_fold(execution_id: str) -> FoldState:
    """The state of an execution before its first event."""
    return FoldState(status=AgentExecutionStatus(), summary=ExecutionSummary(execution_id=execution_id))


def is_terminal(phase: "ExecutionPhase.ValueType") -> bool:
    """Whether an execution in `phase` has ended: nothing changes any more."""
    return phase in _TERMINAL


class Fold:
    """A state that many batches are folded into. What grows is kept in buffers, and is in `state` after `flush`.

    A protobuf message gives back nothing of what was overwritten in it before all of it goes. So the state is copied now and then, when as much
    was written to it as it holds, and at least `copy_bytes`: what a fold takes stays in proportion to its state, however long it goes on.
    """

    def __init__(self, state: FoldState, copy_bytes: int = COPY_BYTES) -> None:
        """Go on from `state`, which is changed in place, until it is copied, and must not be changed by others meanwhile."""
        self._copy_bytes = copy_bytes
        self._ledger = Ledger()
        self._unweighed = 0
        self._size = 0
        self._written = 0
        self._use(state)

    def _use(self, state: FoldState) -> None:
        """Go on in `state`: nothing is in buffers."""
        self._state = state
        self._lines = LastLine(state)
        self._messages = Messages(state, self._lines, self._ledger)
        self._calls = ToolCalls(state, self._lines, self._ledger, self._messages)
        self._tasks = Tasks(state)

    @property
    def seq(self) -> int:
        """Number of the last event folded in."""
        return self._state.seq

    @property
    def phase(self) -> "ExecutionPhase.ValueType":
        """The execution's phase."""
        return self._state.summary.phase

    @property
    def glance(self) -> ExecutionSummary:
        """The execution's row as it was when the state was last asked for, or written out. Not to be kept or changed; may be asked from any thread."""
        return self._state.summary

    def state(self) -> FoldState:
        """The state, up to date. It may or may not be changed by what is applied later."""
        self.flush()
        if self._written > max(self._copy_bytes, self._size):
            data = self._state.SerializeToString()
            self._size, self._written = len(data), 0
            self._use(FoldState.FromString(data))
        return self._state

    def published(self) -> AgentExecutionStatus:
        """See `published_status`."""
        return published_status(self.state())

    def apply(self, first_seq: int, events: Iterable[ev.Event]) -> None:
        """Fold in `events`, of which the first has number `first_seq`. Raises `SequenceGap` where that is not the next; then nothing is changed."""
        state = self._state
        if first_seq != state.seq + 1:
            raise SequenceGap(
                f"events of {state.summary.execution_id} from number {first_seq} do not follow on number {state.seq}",
                expected=state.seq + 1,
                got=first_seq,
            )
        seq = state.seq
        ended = is_terminal(state.summary.phase)
        changed = 0
        for event in events:
            seq += 1
            if ended:
                self._apply_late(event)
            else:
                self._apply(event, seq)
                if event.WhichOneof("body") not in _BUFFERED:
                    self._written += _EVENT_BYTES + event.ByteSize()
                changed = event.time_unix_micros or changed
                ended = is_terminal(state.summary.phase)
        state.seq = seq
        state.summary.changed_unix_micros = changed or state.summary.changed_unix_micros

    def flush(self) -> None:
        """Write what is in buffers to the state, which stays the same."""
        self._written += self._messages.flush() + self._calls.flush() + self._lines.flush()
        self._state.summary.head_seq = self._state.seq
        self._state.status.head_seq = self._state.seq

    def _apply(self, event: ev.Event, seq: int) -> None:
        micros = event.time_unix_micros
        if event.sub_agent_id and event.WhichOneof("body") in _OF_ITS_OWN:
            return
        match event.WhichOneof("body"):
            case "terminal_output":
                self._calls.output(event.terminal_output)
                self._state.summary.output_bytes += len(event.terminal_output.data)
            case "text_delta":
                self._messages.delta(event.text_delta)
                self._state.summary.output_bytes += len(event.text_delta.text)
            case "message_started":
                self._messages.started(event.message_started, micros)
                self._make_room()
            case "message_completed":
                self._messages.completed(event.message_completed)
                self._make_room()
            case "tool_call_requested":
                self._calls.requested(event.tool_call_requested)
                self._make_room()
            case "tool_call_started":
                self._calls.started(event.tool_call_started, micros)
            case "tool_call_finished":
                self._state.approvals.pop(event.tool_call_finished.call_id, None)
                self._calls.finished(event.tool_call_finished, micros)
                self._make_room()
            case "execution_created":
                self._created(event.execution_created, micros)
            case "phase_changed":
                self._move_to(event.phase_changed.phase, event.phase_changed.reason, micros)
            case "status_replaced":
                if event.status_replaced.HasField("workflow_status"):
                    self._replace_workflow(event.status_replaced.workflow_status, micros)
                else:
                    self._replace(event.status_replaced.status, micros)
            case "command_issued":
                self._issued(event.command_issued)
            case "command_applied":
                self._answered(event.command_applied.command_id)
            case "command_rejected":
                self._answered(event.command_rejected.command_id)
            case "approval_requested":
                self._ask_approval(event.approval_requested)
            case "approval_resolved":
                self._state.approvals.pop(event.approval_resolved.call_id, None)
                if event.approval_resolved.HasField("edited_args"):
                    self._calls.edited(event.approval_resolved.call_id, event.approval_resolved.edited_args)
                    self._make_room()
            case "question_asked":
                self._ask_question(event.question_asked)
            case "attention_raised":
                self._raise_attention(event.attention_raised, seq, micros)
            case "attention_cleared":
                self._clear_attention(event.attention_cleared.attention_id)
            case "todo_list_changed":
                set_todos(self._state.status, dict(event.todo_list_changed.todos))
            case "sub_agent_started":
                self._sub_agent_started(event.sub_agent_started, micros)
                self._make_room()
            case "sub_agent_finished":
                self._sub_agent_finished(event.sub_agent_finished, micros)
                self._make_room()
            case "workflow_task_started":
                self._tasks.started(event.workflow_task_started, micros)
            case "workflow_task_finished":
                self._tasks.finished(event.workflow_task_finished, micros)
            case "workflow_task_waiting":
                self._tasks.waiting(event.workflow_task_waiting)
            case "workflow_task_progress":
                self._tasks.progressed(event.workflow_task_progress)
            case "workflow_output":
                self._tasks.answered(event.workflow_output.output)
            case "usage_reported":
                self._state.summary.tokens += event.usage_reported.input_tokens + event.usage_reported.output_tokens
                self._state.summary.cost_micro_usd += event.usage_reported.cost_micro_usd
            case (
                "reasoning_delta"
                | "terminal_resized"
                | "terminal_attached"
                | "terminal_detached"
                | "workflow_signalled"
                | "note_added"
                | "log_line"
                | "tool_call_progress"
                | "limit_neared"
                | "model_call_started"
                | "model_call_failed"
                | "model_changed"
                | "context_compacted"
                | "file_changed"
                | "artifact_added"
                | "turn_undone"
                | None
            ):
                return

    def _apply_late(self, event: ev.Event) -> None:
        """An event after the end: it changes nothing but which commands are unanswered."""
        match event.WhichOneof("body"):
            case "command_issued":
                self._state.pending_commands.append(event.command_issued.command_id)
            case "command_applied":
                self._answered(event.command_applied.command_id)
            case "command_rejected":
                self._answered(event.command_rejected.command_id)
            case _:
                return

    def _make_room(self) -> None:
        """Leave out the oldest where the status has become too large.

        Weighing each entry pays for whoever adds many; for the first few, the size of the whole shows as well that nothing needs to go.
        """
        if not self._ledger.is_weighed():
            self._written += self._messages.flush()
            self._unweighed += 1
            if self._unweighed <= _UNWEIGHED and is_light(self._state.status):
                return
            self._ledger.weigh(self._state.status)
        if self._ledger.cut(self._state.status):
            self._messages.forget_omitted()
            self._calls.forget_omitted()

    def _created(self, created: ev.ExecutionCreated, micros: int) -> None:
        summary = self._state.summary
        summary.agent_name = created.agent_name
        summary.session_id = created.session_id
        summary.subject = _subject(created.message)
        summary.created_unix_micros = micros
        summary.engine, summary.engine_page = created.engine, created.engine_page
        self._tasks.created(created)
        self._move_to(ExecutionPhase.EXECUTION_PENDING, "", micros)

    def _move_to(self, phase: "ExecutionPhase.ValueType", reason: str, micros: int) -> None:
        status, summary = self._state.status, self._state.summary
        if phase <= summary.phase or phase > ExecutionPhase.EXECUTION_CANCELLED:
            return
        status.phase = summary.phase = phase
        if phase == ExecutionPhase.EXECUTION_IN_PROGRESS:
            status.started_at = rfc3339(micros)
            summary.started_unix_micros = micros
        if phase == ExecutionPhase.EXECUTION_FAILED:
            self._set_error(reason)
        if is_terminal(phase):
            status.completed_at = rfc3339(micros)
            summary.completed_unix_micros = micros
            self._end(micros)

    def _end(self, micros: int) -> None:
        """Nothing grows, runs or waits any more."""
        state = self._state
        self._calls.close_all(micros)
        self._tasks.end(micros)
        self._messages.close_all()
        self._lines.flush()
        self._lines.close_all()
        state.terminals.clear()
        state.approvals.clear()
        state.questions.clear()
        state.status.ClearField("attention")
        state.summary.attention_count = 0
        state.summary.cancel_requested = False
        self._make_room()

    def _set_error(self, error: str) -> None:
        self._state.status.error = cut(error, MAX_NOTE_BYTES)
        words = " ".join(error[:1024].split())
        self._state.summary.error = visible(words.encode(), finished=True)[:_SUMMARY_ERROR_CHARACTERS]

    def _replace(self, given: AgentExecutionStatus, micros: int) -> None:
        """A status came whole. What Stigmer counts itself stays; the phase moves only forward."""
        state, summary = self._state, self._state.summary
        exit_code = state.status.last_exit_code.value if state.status.HasField("last_exit_code") else None
        for growing in (state.outputs, state.terminals, state.open_messages, state.call_messages):
            growing.clear()
        self._calls.forget_all()
        self._messages.flush()
        self._lines.flush()
        self._lines.close_all()
        status = state.status
        status.CopyFrom(given)
        cut_texts(status)
        status.phase = summary.phase
        status.ClearField("last_exit_code")
        if exit_code is not None:
            status.last_exit_code.value = exit_code
        self._reopen()
        self._ledger.weigh(status)
        self._make_room()
        summary.attention_count = len(status.attention)
        if status.messages:
            self._lines.say(status.messages[-1].content)
        started, completed, error = given.started_at, given.completed_at, given.error
        self._move_to(given.phase, error, micros)
        if started:
            status.started_at, summary.started_unix_micros = started, micros_of(started) or micros
        if completed and is_terminal(summary.phase):
            status.completed_at, summary.completed_unix_micros = completed, micros_of(completed) or micros
        if error:
            self._set_error(error)

    def _replace_workflow(self, given: WorkflowExecutionStatus, micros: int) -> None:
        """The same for a workflow execution."""
        status, summary = self._state.status, self._state.summary
        self._tasks.replace(given)
        self._move_to(cast("ExecutionPhase.ValueType", given.phase), given.error, micros)
        if given.started_at:
            status.started_at = given.started_at
            summary.started_unix_micros = micros_of(given.started_at) or micros
        if given.completed_at and is_terminal(summary.phase):
            status.completed_at = given.completed_at
            summary.completed_unix_micros = micros_of(given.completed_at) or micros
        if given.error:
            self._set_error(given.error)

    def _reopen(self) -> None:
        """In a status that came whole, the last message and what runs may go on: under names of their place (see `status_update`)."""
        state, status = self._state, self._state.status
        if status.messages:
            place = status.omitted_messages + len(status.messages) - 1
            state.open_messages[message_at(place)] = place
        for call in status.tool_calls:
            if call.status not in (ToolCallStatus.TOOL_CALL_COMPLETED, ToolCallStatus.TOOL_CALL_FAILED):
                state.call_messages[call.id] = ""
            if call.status == ToolCallStatus.TOOL_CALL_RUNNING:
                terminal_id = result_terminal(call.id)
                state.terminals[terminal_id] = call.id
                self._calls.output(ev.TerminalOutput(terminal_id=terminal_id, data=call.result.encode()))
                call.ClearField("result")
        self._calls.flush()

    def _issued(self, command: ev.CommandIssued) -> None:
        self._state.pending_commands.append(command.command_id)
        if command.WhichOneof("command") == "cancel":
            self._state.summary.cancel_requested = True

    def _answered(self, command_id: str) -> None:
        if command_id in self._state.pending_commands:
            self._state.pending_commands.remove(command_id)

    def _raise_attention(self, raised: ev.AttentionRaised, seq: int, micros: int) -> None:
        self._remove_attention(raised.attention_id)
        status = self._state.status
        status.attention.add(
            attention_id=raised.attention_id,
            kind=raised.kind,
            text=cut(raised.text, MAX_ATTENTION_BYTES),
            call_id=raised.call_id,
            raised_seq=seq,
            raised_unix_micros=micros,
        )
        del status.attention[:-MAX_ATTENTIONS]
        self._state.summary.attention_count = len(status.attention)

    def _ask_approval(self, asked: ev.ApprovalRequested) -> None:
        kept = ev.ApprovalRequested()
        kept.CopyFrom(asked)
        kept.summary = cut(asked.summary, MAX_ASKED_BYTES)
        self._state.approvals[asked.call_id] = kept.SerializeToString(deterministic=True)
        if len(self._state.approvals) > MAX_ATTENTIONS:
            del self._state.approvals[min(self._state.approvals)]

    def _ask_question(self, asked: ev.QuestionAsked) -> None:
        kept = ev.QuestionAsked()
        kept.CopyFrom(asked)
        kept.text = cut(asked.text, MAX_ASKED_BYTES)
        self._state.questions[asked.attention_id] = kept.SerializeToString(deterministic=True)
        if len(self._state.questions) > MAX_ATTENTIONS:
            del self._state.questions[min(self._state.questions)]

    def _clear_attention(self, attention_id: str) -> None:
        self._state.questions.pop(attention_id, None)
        self._remove_attention(attention_id)

    def _remove_attention(self, attention_id: str) -> None:
        attention = self._state.status.attention
        for index in range(len(attention) - 1, -1, -1):
            if attention[index].attention_id == attention_id:
                del attention[index]
        self._state.summary.attention_count = len(attention)

    def _sub_agent_started(self, started: ev.SubAgentStarted, micros: int) -> None:
        agents = self._state.status.sub_agent_executions
        agent = agents.add(
            id=started.sub_agent_id,
            name=started.name,
            input=started.input,
            status=SubAgentStatus.SUB_AGENT_IN_PROGRESS,
            started_at=rfc3339(micros),
        )
        cut_sub_agent(agent)
        self._ledger.set_sub_agent(len(agents) - 1, agent)

    def _sub_agent_finished(self, finished: ev.SubAgentFinished, micros: int) -> None:
        agents = self._state.status.sub_agent_executions
        for index in range(len(agents) - 1, -1, -1):
            agent = agents[index]
            if agent.id == finished.sub_agent_id:
                agent.output, agent.error = finished.output, finished.error
                failed = bool(finished.error)
                agent.status = SubAgentStatus.SUB_AGENT_FAILED if failed else SubAgentStatus.SUB_AGENT_COMPLETED
                agent.completed_at = rfc3339(micros)
                cut_sub_agent(agent)
                self._ledger.set_sub_agent(index, agent)
                return


def _subject(message: str) -> str:
    """The first line that says something, at most 80 characters."""
    for line in message[:4096].splitlines():
        if text := visible(line.encode(), finished=True):
            return text[:_SUBJECT_CHARACTERS]
    return ""
