"""What the fold makes of an execution's events."""

import psutil
import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
    SubAgentStatus,
    ToolCallStatus,
)
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.errors import SequenceGap
from stigmer_apis.fold import Fold, apply_events, empty_fold, published_status
from stigmer_apis.protocol import MAX_MESSAGE_BYTES, MAX_STATUS_BYTES
from tests.support.scripted_backend import line_events

BEGIN = 1_760_000_000_000_000


def stamped(*events: ev.Event) -> list[ev.Event]:
    """The events a second apart."""
    for place, event in enumerate(events):
        event.time_unix_micros = BEGIN + place * 1_000_000
    return list(events)


def created(message: str = "true") -> ev.Event:
    return ev.Event(
        execution_created=ev.ExecutionCreated(
            agent_name="shell", session_id="ses-1", message=message, author="local-user"
        )
    )


def phase(to: "ExecutionPhase.ValueType", reason: str = "") -> ev.Event:
    return ev.Event(phase_changed=ev.PhaseChanged(phase=to, reason=reason))


def folded(*events: ev.Event) -> FoldState:
    state = empty_fold("aex-1")
    apply_events(state, 1, stamped(*events))
    return state


def said(message_id: str, kind: "MessageType.ValueType", text: str) -> list[ev.Event]:
    return [
        ev.Event(message_started=ev.MessageStarted(message_id=message_id, type=kind)),
        ev.Event(text_delta=ev.TextDelta(message_id=message_id, text=text)),
        ev.Event(message_completed=ev.MessageCompleted(message_id=message_id)),
    ]


def test_a_line_of_the_shell_is_a_message_and_a_tool_call() -> None:
    state = folded(
        created("echo hi\necho there"),
        phase(ExecutionPhase.EXECUTION_PENDING),
        phase(ExecutionPhase.EXECUTION_IN_PROGRESS),
        *line_events("echo hi", output=b"\x1b[32mhi\x1b[0m\r\n", exit_code=3),
        phase(ExecutionPhase.EXECUTION_COMPLETED),
    )
    status = published_status(state)
    [message], [call] = status.messages, status.tool_calls
    assert (message.type, message.content) == (MessageType.MESSAGE_HUMAN, "echo hi")
    assert message.timestamp == "2025-10-09T08:53:23.000000Z"
    assert (call.name, call.args.fields["command"].string_value) == ("shell", "echo hi")
    assert call.result == "\x1b[32mhi\x1b[0m\r\n"
    assert (call.status, call.error) == (ToolCallStatus.TOOL_CALL_FAILED, "exit code 3")
    assert status.phase == ExecutionPhase.EXECUTION_COMPLETED
    assert (status.started_at, status.completed_at) == ("2025-10-09T08:53:22.000000Z", "2025-10-09T08:53:30.000000Z")
    assert (status.last_exit_code.value, status.head_seq) == (3, 11)
    summary = state.summary
    assert (summary.execution_id, summary.agent_name, summary.session_id) == ("aex-1", "shell", "ses-1")
    assert (summary.subject, summary.last_line, summary.last_exit_code) == ("echo hi", "hi", 3)
    assert (summary.created_unix_micros, summary.head_seq) == (BEGIN, 11)
    for growing in (state.outputs, state.terminals, state.open_messages, state.partial_lines, state.call_messages):
        assert not growing


def test_what_runs_shows_its_output_so_far() -> None:
    state = folded(*line_events("cat", output=b"one\ntw", finished=False))
    [call] = published_status(state).tool_calls
    assert (call.status, call.result) == (ToolCallStatus.TOOL_CALL_RUNNING, "one\ntw")
    assert state.summary.last_line == "tw"


@pytest.mark.parametrize(
    ("outcome", "error", "signal", "shown"),
    [
        (ev.ToolOutcome.TOOL_OUTCOME_CANCELLED, "", 0, "cancelled"),
        (ev.ToolOutcome.TOOL_OUTCOME_TIMED_OUT, "", 0, "it took longer than allowed"),
        (ev.ToolOutcome.TOOL_OUTCOME_UNKNOWN, "", 0, "its runner ended while it ran: how far it came is not known"),
        (ev.ToolOutcome.TOOL_OUTCOME_NOT_STARTED, "no such program", 0, "no such program"),
        (ev.ToolOutcome.TOOL_OUTCOME_ENDED, "", 9, "ended by SIGKILL"),
    ],
)
def test_a_tool_call_that_did_not_succeed_says_why(
    outcome: "ev.ToolOutcome.ValueType", error: str, signal: int, shown: str
) -> None:
    finished = ev.ToolCallFinished(call_id="call-1", outcome=outcome, error=error, signal=signal)
    state = folded(*line_events("sleep 9", finished=False), ev.Event(tool_call_finished=finished))
    [call] = state.status.tool_calls
    assert (call.status, call.error) == (ToolCallStatus.TOOL_CALL_FAILED, shown)
    assert state.summary.last_exit_code == (137 if signal else 0)


def test_an_execution_that_ends_leaves_nothing_running() -> None:
    state = folded(
        created(),
        *line_events("sleep 9", output=b"so far", finished=False),
        ev.Event(attention_raised=ev.AttentionRaised(attention_id="att-1", text="waits for a line")),
        ev.Event(command_issued=ev.CommandIssued(command_id="cmd-1", cancel=ev.CommandIssued.Cancel())),
        phase(ExecutionPhase.EXECUTION_FAILED, "the runner died\nbadly"),
    )
    [call] = state.status.tool_calls
    assert (call.status, call.result) == (ToolCallStatus.TOOL_CALL_FAILED, "so far")
    assert call.error == "the execution ended before it did"
    assert state.status.error == "the runner died\nbadly"
    assert state.summary.error == "the runner died badly"
    assert (state.summary.attention_count, len(state.status.attention)) == (0, 0)
    assert not state.summary.cancel_requested
    assert list(state.pending_commands) == ["cmd-1"]


def test_a_cancel_is_pending_until_it_is_answered() -> None:
    issued = ev.Event(command_issued=ev.CommandIssued(command_id="cmd-1", cancel=ev.CommandIssued.Cancel()))
    state = folded(created(), issued)
    assert state.summary.cancel_requested
    assert list(state.pending_commands) == ["cmd-1"]
    apply_events(state, 3, [ev.Event(command_applied=ev.CommandApplied(command_id="cmd-1"))])
    assert not state.pending_commands


def test_attention_is_raised_and_cleared() -> None:
    raised = ev.AttentionRaised(
        attention_id="att-1", kind=AttentionKind.ATTENTION_KIND_INPUT, text="waits", call_id="call-1"
    )
    state = folded(created(), ev.Event(attention_raised=raised))
    [attention] = state.status.attention
    assert (attention.text, attention.raised_seq, attention.call_id) == ("waits", 2, "call-1")
    assert state.summary.attention_count == 1
    apply_events(state, 3, [ev.Event(attention_cleared=ev.AttentionCleared(attention_id="att-1"))])
    assert (state.summary.attention_count, len(state.status.attention)) == (0, 0)


def test_plans_sub_agents_and_usage() -> None:
    todos = ev.TodoListChanged()
    todos.todos["1"].content = "think"
    state = folded(
        ev.Event(todo_list_changed=todos),
        ev.Event(sub_agent_started=ev.SubAgentStarted(sub_agent_id="s1", name="reader", input="read")),
        ev.Event(sub_agent_started=ev.SubAgentStarted(sub_agent_id="s2", name="writer", input="write")),
        ev.Event(sub_agent_finished=ev.SubAgentFinished(sub_agent_id="s1", output="done")),
        ev.Event(usage_reported=ev.UsageReported(input_tokens=100, output_tokens=20)),
        ev.Event(usage_reported=ev.UsageReported(input_tokens=1)),
    )
    assert state.status.todos["1"].content == "think"
    first, second = state.status.sub_agent_executions
    assert (first.status, first.output) == (SubAgentStatus.SUB_AGENT_COMPLETED, "done")
    assert second.status == SubAgentStatus.SUB_AGENT_IN_PROGRESS
    assert state.summary.tokens == 121


def test_a_message_that_came_whole_replaces_its_deltas() -> None:
    state = folded(
        ev.Event(message_started=ev.MessageStarted(message_id="m", type=MessageType.MESSAGE_AI)),
        ev.Event(text_delta=ev.TextDelta(message_id="m", text="draft")),
        ev.Event(message_completed=ev.MessageCompleted(message_id="m", content="final\n", interrupted="cancelled")),
        ev.Event(text_delta=ev.TextDelta(message_id="m", text="late")),
    )
    [message] = state.status.messages
    assert message.content == "final\n"
    assert message.metadata.fields["interrupted"].string_value == "cancelled"
    assert state.summary.last_line == "final"


def test_a_call_that_a_growing_answer_asks_for_stands_in_it() -> None:
    state = folded(
        ev.Event(message_started=ev.MessageStarted(message_id="m", type=MessageType.MESSAGE_AI)),
        ev.Event(tool_call_requested=ev.ToolCallRequested(call_id="c", message_id="m", name="read")),
        ev.Event(message_completed=ev.MessageCompleted(message_id="m")),
        ev.Event(tool_call_started=ev.ToolCallStarted(call_id="c")),
        ev.Event(
            tool_call_finished=ev.ToolCallFinished(
                call_id="c", outcome=ev.ToolOutcome.TOOL_OUTCOME_ENDED, result="text"
            )
        ),
    )
    status = published_status(state)
    [stub], [call] = status.messages[0].tool_calls, status.tool_calls
    assert (stub.id, stub.name, stub.status) == ("c", "read", ToolCallStatus.TOOL_CALL_COMPLETED)
    assert (call.result, call.status) == ("text", ToolCallStatus.TOOL_CALL_COMPLETED)


@pytest.mark.parametrize("first", [0, 1, 3])
def test_events_that_do_not_follow_are_refused_whole(first: int) -> None:
    state = folded(created())
    before = state.SerializeToString(deterministic=True)
    with pytest.raises(SequenceGap) as caught:
        apply_events(state, first, [phase(ExecutionPhase.EXECUTION_FAILED)])
    assert (caught.value.expected, caught.value.got) == (2, first)
    assert state.SerializeToString(deterministic=True) == before


def test_many_messages_and_calls_leave_out_the_oldest_and_count_them() -> None:
    fold, seq = Fold(empty_fold("aex-1")), 0
    for number in range(120):
        events = [
            *said(f"text-{number}", MessageType.MESSAGE_AI, f"{number} " + "m" * 60_000),
            *line_events("yes", output=b"%d " % number + b"y" * 100_000, number=number),
        ]
        fold.apply(seq + 1, events)
        seq += len(events)
        assert fold.state().ByteSize() < MAX_STATUS_BYTES
    status = fold.published()
    assert status.ByteSize() < MAX_STATUS_BYTES
    assert status.omitted_messages + len(status.messages) == 240
    assert status.omitted_tool_calls + len(status.tool_calls) == 120
    assert status.omitted_messages > 0 < status.omitted_tool_calls
    assert status.messages[-2].content.startswith("119 ")
    assert status.tool_calls[-1].result.startswith("119 ")
    assert "bytes left out" in status.tool_calls[-1].result


def test_one_huge_line_fits() -> None:
    line = "echo " + "z" * (MAX_MESSAGE_BYTES - 100)
    state = folded(created(line), *line_events(line, output=line.encode()))
    status = published_status(state)
    assert state.ByteSize() < MAX_STATUS_BYTES
    assert "cut here" in status.messages[0].content
    assert "cut here" in status.tool_calls[0].args.fields["command"].string_value
    assert len(state.summary.subject) == 80


def test_many_that_run_at_once_fit_too() -> None:
    events = [
        event
        for number in range(100)
        for event in line_events("yes", output=b"y" * 70_000, number=number, finished=False)
    ]
    status = published_status(folded(*events))
    assert status.ByteSize() < MAX_STATUS_BYTES
    assert status.omitted_tool_calls + len(status.tool_calls) == 100


def test_hostile_lists_fit() -> None:
    todos = ev.TodoListChanged()
    for number in range(5000):
        todos.todos[f"{number:05}"].content = "t" * 1000
    attention = [
        ev.Event(attention_raised=ev.AttentionRaised(attention_id=str(n), text="a" * 100_000)) for n in range(500)
    ]
    agents = [
        ev.Event(sub_agent_started=ev.SubAgentStarted(sub_agent_id=str(n), input="s" * 100_000)) for n in range(500)
    ]
    state = folded(ev.Event(todo_list_changed=todos), *attention, *agents)
    assert state.ByteSize() < MAX_STATUS_BYTES
    assert "00000" in state.status.todos
    assert state.status.sub_agent_executions[-1].id == "499"


def test_times_that_no_calendar_holds_are_left_out() -> None:
    for micros in (0, 2**62, -(2**62)):
        state = empty_fold("aex-1")
        event = phase(ExecutionPhase.EXECUTION_IN_PROGRESS)
        event.time_unix_micros = micros
        apply_events(state, 1, [event])
        assert state.status.started_at == ""


def test_a_fold_that_is_looked_at_all_the_time_takes_no_more_than_its_state() -> None:
    fold = Fold(empty_fold("aex-1"))
    deltas = [ev.Event(text_delta=ev.TextDelta(message_id="m", text="x" * 1024)) for _ in range(800)]
    fold.apply(1, [ev.Event(message_started=ev.MessageStarted(message_id="m", type=MessageType.MESSAGE_AI))])
    before = psutil.Process().memory_info().rss
    for seq, delta in enumerate(deltas, 2):
        fold.apply(seq, [delta])
        assert fold.state().seq == seq
    grown = psutil.Process().memory_info().rss - before
    assert len(fold.state().status.messages[0].content) > 256 * 1024
    assert grown < 24 << 20, "the text alone was written with a sum of 170 MiB"
