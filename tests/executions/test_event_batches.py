"""Encoded events, cut without being decoded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionStatus
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis.errors import InvalidArgument
from stigmer_backend.executions.event_batches import (
    decode_events,
    encode_events,
    is_delta,
    pieces,
    terminal_phase,
    without_first,
)

outputs = st.lists(st.binary(max_size=300), max_size=20)


@given(outputs, st.data())
def test_events_are_taken_from_the_front_wherever_it_is_cut(bodies: list[bytes], data: st.DataObject) -> None:
    events = [ev.Event(terminal_output=ev.TerminalOutput(terminal_id="t", data=body)) for body in bodies]
    count = data.draw(st.integers(0, len(events)))
    assert decode_events(without_first(encode_events(events), count)) == events[count:]


@given(outputs, st.integers(1, 700))
def test_pieces_are_the_whole_again_and_no_larger_than_they_may_be(bodies: list[bytes], limit: int) -> None:
    events = [ev.Event(terminal_output=ev.TerminalOutput(terminal_id="t", data=body)) for body in bodies]
    cut = list(pieces(encode_events(events), limit))
    assert b"".join(piece for _, piece in cut) == encode_events(events)
    assert [count for count, _ in cut] == [len(decode_events(piece)) for _, piece in cut]
    assert all(len(piece) <= limit or count == 1 for count, piece in cut)


@given(outputs, outputs)
def test_encoded_batches_concatenate(first: list[bytes], second: list[bytes]) -> None:
    def events(bodies: list[bytes]) -> list[ev.Event]:
        return [ev.Event(text_delta=ev.TextDelta(message_id="m", text=body.hex())) for body in bodies]

    joined = encode_events(events(first)) + encode_events(events(second))
    assert decode_events(joined) == events(first) + events(second)


def test_what_is_no_batch_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        decode_events(b"\xff\xff\xff")
    with pytest.raises(ValueError, match="no batch"):
        without_first(b"\x12\x00", 1)
    with pytest.raises(ValueError, match="no batch"):
        without_first(b"\n\x00", 2)


def test_the_end_is_seen_in_a_phase_and_in_a_replaced_status() -> None:
    failed = ExecutionPhase.EXECUTION_FAILED
    progress = ExecutionPhase.EXECUTION_IN_PROGRESS
    assert terminal_phase(ev.Event(phase_changed=ev.PhaseChanged(phase=failed))) == failed
    assert terminal_phase(ev.Event(phase_changed=ev.PhaseChanged(phase=progress))) is None
    replaced = ev.StatusReplaced(status=AgentExecutionStatus(phase=failed))
    assert terminal_phase(ev.Event(status_replaced=replaced)) == failed
    assert terminal_phase(ev.Event(log_line=ev.LogLine(text="failed"))) is None


def test_only_what_grows_may_wait_for_the_next_batch() -> None:
    assert is_delta(ev.Event(terminal_output=ev.TerminalOutput(data=b"x")))
    assert is_delta(ev.Event(text_delta=ev.TextDelta(text="x")))
    assert not is_delta(ev.Event(tool_call_finished=ev.ToolCallFinished(call_id="c")))
    assert not is_delta(ev.Event())
