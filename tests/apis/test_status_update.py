"""A published runner's status reports become events: the difference where they extend what is known, one replacement where they do not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
    SubAgentStatus,
    ToolCallStatus,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionStatus
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.errors import FailedPrecondition
from stigmer_apis.fold import apply_events, empty_fold, events_for_status_update, published_status
from tests.apis.event_streams import STREAMS, statuses
from tests.support.scale import scaled

NOW = 1_760_000_000_000_000
AI, HUMAN = MessageType.MESSAGE_AI, MessageType.MESSAGE_HUMAN
RUNNING, COMPLETED = ToolCallStatus.TOOL_CALL_RUNNING, ToolCallStatus.TOOL_CALL_COMPLETED
FAILED = ToolCallStatus.TOOL_CALL_FAILED


def report(state: FoldState, status: AgentExecutionStatus) -> list[ev.Event]:
    """Apply a report; the events that it became."""
    events = events_for_status_update(state, status, micros=NOW)
    apply_events(state, state.seq + 1, events)
    return events


def kinds(events: list[ev.Event]) -> list[str]:
    return [event.WhichOneof("body") or "" for event in events]


def begun() -> FoldState:
    state = empty_fold("aex-1")
    apply_events(state, 1, [ev.Event(phase_changed=ev.PhaseChanged(phase=ExecutionPhase.EXECUTION_PENDING))])
    return state


def test_a_run_as_a_published_runner_reports_it() -> None:
    state, status = begun(), AgentExecutionStatus()
    status.phase, status.started_at = ExecutionPhase.EXECUTION_IN_PROGRESS, "2025-10-09T09:00:00Z"
    status.messages.add(type=HUMAN, content="count the files", timestamp="2025-10-09T09:00:01Z")
    assert kinds(report(state, status)) == ["phase_changed", "message_started", "text_delta"]
    assert report(state, status) == []

    answer = status.messages.add(type=AI, content="I will")
    assert kinds(report(state, status)) == ["message_completed", "message_started", "text_delta"]

    answer.content += " look."
    answer.tool_calls.add(id="c1", name="ls")
    call = status.tool_calls.add(id="c1", name="ls", status=RUNNING, result="a\n", started_at="2025-10-09T09:00:02Z")
    call.args.fields["path"].string_value = "/"
    assert kinds(report(state, status)) == ["text_delta", "tool_call_requested", "tool_call_started", "terminal_output"]

    call.result += "b\n"
    [event] = report(state, status)
    assert event.terminal_output.data == b"b\n"

    call.status, call.completed_at = COMPLETED, "2025-10-09T09:00:03Z"
    status.todos["1"].content = "answer"
    assert kinds(report(state, status)) == ["tool_call_finished", "todo_list_changed"]

    agent = status.sub_agent_executions.add(id="s1", name="reader", input="x", status=SubAgentStatus.SUB_AGENT_PENDING)
    assert kinds(report(state, status)) == ["sub_agent_started"]
    agent.status, agent.output = SubAgentStatus.SUB_AGENT_COMPLETED, "y"
    assert kinds(report(state, status)) == ["sub_agent_finished"]

    status.phase, status.completed_at = ExecutionPhase.EXECUTION_FAILED, "2025-10-09T09:00:04Z"
    status.error = "out of tokens"
    assert kinds(report(state, status)) == ["phase_changed"]

    told = published_status(state)
    assert told.messages[0].timestamp == "2025-10-09T09:00:01.000000Z"
    assert told.messages[1].content == "I will look."
    assert told.messages[1].tool_calls[0].status == COMPLETED
    assert (told.tool_calls[0].result, told.tool_calls[0].args.fields["path"].string_value) == ("a\nb\n", "/")
    assert (told.started_at, told.completed_at) == ("2025-10-09T09:00:00.000000Z", "2025-10-09T09:00:04.000000Z")
    assert (told.phase, told.error) == (ExecutionPhase.EXECUTION_FAILED, "out of tokens")

    with pytest.raises(FailedPrecondition, match="has ended as EXECUTION_FAILED"):
        events_for_status_update(state, status)


def test_what_a_report_leaves_out_stays() -> None:
    state = begun()
    status = AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_IN_PROGRESS)
    status.messages.add(type=HUMAN, content="hello")
    report(state, status)
    assert report(state, AgentExecutionStatus()) == []
    assert published_status(state).messages[0].content == "hello"


@pytest.mark.parametrize(
    "change", ["shorter", "other text", "other type", "metadata", "result", "fewer calls", "token"]
)
def test_a_contradiction_replaces_the_status_once(change: str) -> None:
    state = begun()
    status = AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_IN_PROGRESS)
    status.messages.add(type=HUMAN, content="hello")
    status.messages.add(type=AI, content="world")
    status.tool_calls.add(id="c1", name="ls", status=COMPLETED, result="files")
    status.tool_calls.add(id="c2", name="ls", status=RUNNING, result="more")
    report(state, status)
    match change:
        case "shorter":
            del status.messages[-1]
        case "other text":
            status.messages[0].content = "hallo"
        case "other type":
            status.messages[1].type = HUMAN
        case "metadata":
            status.messages[1].metadata.fields["model"].string_value = "m"
        case "result":
            status.tool_calls[0].result = "other files"
        case "fewer calls":
            del status.tool_calls[0]
        case _:
            status.callback_token = b"token"
    assert kinds(report(state, status)) == ["status_replaced"]
    assert comparable(published_status(state)) == comparable(status)
    assert report(state, status) == []
    status.messages[-1].content += "!"
    status.tool_calls[-1].result += " files"
    assert kinds(report(state, status)) == ["text_delta", "terminal_output"]
    assert comparable(published_status(state)) == comparable(status)


def test_five_thousand_growing_reports_cost_their_differences() -> None:
    state = begun()
    status = AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_IN_PROGRESS)
    told = 0
    for number in range(scaled(500, 5000)):
        if number % 10 == 0:
            status.messages.add(type=AI)
        status.messages[-1].content += f"word {number} "
        events = report(state, status)
        assert len(events) <= 4
        told += sum(event.ByteSize() for event in events)
    assert told < 20 * status.ByteSize()
    assert comparable(published_status(state)) == comparable(status)


def comparable(status: AgentExecutionStatus) -> object:
    """What a report says, without what Stigmer counts or times itself."""
    calls = [(c.id, c.name, c.status, c.result, dict(c.args.fields)) for c in status.tool_calls]
    agents = [(a.id, a.name, a.input, a.output, a.error) for a in status.sub_agent_executions]
    messages = [(m.type, m.content, m.metadata, [c.id for c in m.tool_calls]) for m in status.messages]
    todos = {key: todo.SerializeToString() for key, todo in status.todos.items()}
    return messages, calls, agents, todos, status.phase, status.error, status.callback_token


@settings(max_examples=scaled(200, 5000), deadline=None)
@given(STREAMS, st.lists(statuses(), max_size=5))
def test_any_reports_after_any_events_leave_what_they_say(
    events: list[ev.Event], reports: list[AgentExecutionStatus]
) -> None:
    state = empty_fold("aex-1")
    apply_events(state, 1, events)
    for status in reports:
        before = published_status(state)
        try:
            report(state, status)
        except FailedPrecondition:
            assert before == published_status(state)
            continue
        after = published_status(state)
        if status.messages:
            assert [(m.type, m.content) for m in after.messages] == [(m.type, m.content) for m in status.messages]
        else:
            assert len(after.messages) == len(before.messages)
        if status.tool_calls:
            assert [c.id for c in after.tool_calls] == [c.id for c in status.tool_calls]
        for told, known in zip(status.tool_calls, after.tool_calls, strict=bool(status.tool_calls)):
            ended = after.phase >= ExecutionPhase.EXECUTION_COMPLETED
            assert known.status == told.status or (ended and known.status == FAILED) or told.status == 0
            assert known.result == told.result or not told.result
        assert after.phase == max(before.phase, status.phase)
        assert status.error in ("", after.error)
