"""Events out loud, line by line, in the order in which things were said and done."""

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.plain.event_lines import EventLines


def test_what_is_said_before_a_call_comes_before_it_and_once() -> None:
    """Also where its last line has no end: the message is complete only behind the call."""
    lines = EventLines(agent="reviewer", thoughts=True)
    events = (
        ev.Event(message_started=ev.MessageStarted(message_id="m", type=enums.MESSAGE_AI)),
        ev.Event(reasoning_delta=ev.ReasoningDelta(message_id="m", text="What is there?")),
        ev.Event(text_delta=ev.TextDelta(message_id="m", text="First I look:\nthen I ")),
        ev.Event(text_delta=ev.TextDelta(message_id="m", text="mend it.")),
        ev.Event(tool_call_requested=ev.ToolCallRequested(call_id="c", name="list")),
        ev.Event(message_completed=ev.MessageCompleted(message_id="m", content="First I look:\nthen I mend it.")),
    )
    said = [line for event in events for line in lines.take(event)]
    assert said[0] == "reviewer: First I look:"
    assert said[1:3] == ["reviewer thinks: What is there?", "reviewer: then I mend it."]
    assert said[3] == "reviewer calls list"
    assert said[4:] == []
    assert lines.finish() == []
