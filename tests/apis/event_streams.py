"""Streams of events for property tests: few ids, so that they meet; any order, so that events come late, twice, or for nothing."""

from hypothesis import strategies as st

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
    ToolCallStatus,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionStatus
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev

IDS = st.sampled_from(["a", "b", "c"])
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(["", "line\n", "x" * 5000, "\x1b[31mred\x1b[0m", "é€😀"]))
DATA = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"\r\n", b"\xe2\x82", b"\xac", b"\x1b", b"[31m", b"\x1b]0;title", b"\x07", b"word ", b"y" * 9000]),
)
TIMES = st.integers(min_value=1_700_000_000_000_000, max_value=1_900_000_000_000_000)
UNFINISHED = [ExecutionPhase.EXECUTION_PENDING, ExecutionPhase.EXECUTION_IN_PROGRESS]
PHASES = st.sampled_from(UNFINISHED * 8 + list(ExecutionPhase.values()))


@st.composite
def statuses(draw: st.DrawFn) -> AgentExecutionStatus:
    """A status as a published runner may report it."""
    status = AgentExecutionStatus(phase=draw(PHASES), error=draw(st.sampled_from(["", "boom"])))
    for _ in range(draw(st.integers(0, 3))):
        status.messages.add(type=draw(st.sampled_from(MessageType.values())), content=draw(TEXTS))
    for call_id in draw(st.lists(IDS, unique=True, max_size=3)):
        status.tool_calls.add(
            id=call_id, name="tool", result=draw(TEXTS), status=draw(st.sampled_from(ToolCallStatus.values()))
        )
    return status


@st.composite
def _bodies(draw: st.DrawFn) -> ev.Event:
    event = ev.Event(time_unix_micros=draw(TIMES), sub_agent_id=draw(st.sampled_from(["", "", "agent-1"])))
    kind = draw(st.sampled_from(_KINDS))
    match kind:
        case "execution_created":
            event.execution_created.agent_name = draw(TEXTS)
            event.execution_created.message = draw(TEXTS)
        case "phase_changed":
            event.phase_changed.phase = draw(PHASES)
            event.phase_changed.reason = draw(TEXTS)
        case "status_replaced":
            event.status_replaced.status.CopyFrom(draw(statuses()))
        case "message_started":
            event.message_started.message_id = draw(IDS)
            event.message_started.type = draw(st.sampled_from(MessageType.values()))
        case "text_delta":
            event.text_delta.message_id = draw(IDS)
            event.text_delta.text = draw(TEXTS)
        case "message_completed":
            event.message_completed.message_id = draw(IDS)
            if draw(st.booleans()):
                event.message_completed.content = draw(TEXTS)
            event.message_completed.interrupted = draw(st.sampled_from(["", "cancelled"]))
        case "tool_call_requested":
            event.tool_call_requested.call_id = draw(IDS)
            event.tool_call_requested.message_id = draw(IDS)
            event.tool_call_requested.name = "shell"
            event.tool_call_requested.args.fields["command"].string_value = draw(TEXTS)
        case "tool_call_started":
            event.tool_call_started.call_id = draw(IDS)
            event.tool_call_started.terminal_id = draw(IDS)
        case "terminal_output":
            event.terminal_output.terminal_id = draw(IDS)
            event.terminal_output.data = draw(DATA)
        case "tool_call_finished":
            event.tool_call_finished.call_id = draw(IDS)
            event.tool_call_finished.outcome = draw(st.sampled_from(ev.ToolOutcome.values()))
            event.tool_call_finished.result = draw(TEXTS)
            if draw(st.booleans()):
                event.tool_call_finished.exit_code = draw(st.integers(0, 255))
            event.tool_call_finished.signal = draw(st.sampled_from([0, 9, 15, 77]))
        case "command_issued":
            event.command_issued.command_id = draw(IDS)
            if draw(st.booleans()):
                event.command_issued.cancel.reason = "enough"
        case "command_applied":
            event.command_applied.command_id = draw(IDS)
        case "command_rejected":
            event.command_rejected.command_id = draw(IDS)
        case "approval_requested":
            event.approval_requested.call_id = draw(IDS)
            event.approval_requested.summary = draw(TEXTS)
        case "approval_resolved":
            event.approval_resolved.call_id = draw(IDS)
        case "question_asked":
            event.question_asked.attention_id = draw(IDS)
            event.question_asked.text = draw(TEXTS)
        case "attention_raised":
            event.attention_raised.attention_id = draw(IDS)
            event.attention_raised.text = draw(TEXTS)
        case "attention_cleared":
            event.attention_cleared.attention_id = draw(IDS)
        case "todo_list_changed":
            for key in draw(st.lists(IDS, max_size=3)):
                event.todo_list_changed.todos[key].content = draw(TEXTS)
        case "sub_agent_started":
            event.sub_agent_started.sub_agent_id = draw(IDS)
            event.sub_agent_started.input = draw(TEXTS)
        case "sub_agent_finished":
            event.sub_agent_finished.sub_agent_id = draw(IDS)
            event.sub_agent_finished.error = draw(TEXTS)
        case "usage_reported":
            event.usage_reported.input_tokens = draw(st.integers(0, 1000))
        case "reasoning_delta":
            event.reasoning_delta.text = draw(TEXTS)
        case _:
            event.log_line.text = draw(TEXTS)
    return event


_FREQUENT = ["text_delta", "terminal_output", "tool_call_requested", "tool_call_started", "message_started"]
_KINDS = [field.name for field in ev.Event.DESCRIPTOR.oneofs_by_name["body"].fields] + 3 * _FREQUENT

STREAMS = st.lists(_bodies(), max_size=60)
"""Any events in any order."""
