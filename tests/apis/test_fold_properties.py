"""Properties of the fold: it depends on the events alone, not on how they come."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionStatus
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.fold import Fold, apply_events, empty_fold, is_terminal, published_status
from stigmer_apis.fold.machine import COPY_BYTES
from tests.apis.event_streams import DATA, STREAMS
from tests.support.scale import scaled

EXAMPLES = settings(max_examples=scaled(150, 5000), deadline=None)


def encoded(state: FoldState) -> bytes:
    """The state as bytes that are equal for equal states."""
    return state.SerializeToString(deterministic=True)


def folded(events: list[ev.Event]) -> FoldState:
    """All events at once."""
    state = empty_fold("aex-1")
    apply_events(state, 1, events)
    return state


@EXAMPLES
@given(STREAMS, st.data())
def test_any_split_and_any_snapshot_give_the_same_bytes(events: list[ev.Event], data: st.DataObject) -> None:
    whole = folded(events)
    fold = Fold(empty_fold("aex-1"), data.draw(st.sampled_from([0, 300, COPY_BYTES]), label="copied after"))
    stored = empty_fold("aex-1")
    seq = 0
    while seq < len(events):
        size = data.draw(st.integers(1, len(events) - seq), label="batch")
        batch = events[seq : seq + size]
        fold.apply(seq + 1, batch)
        match data.draw(st.sampled_from(["", "flush", "state"]), label="look"):
            case "flush":
                fold.flush()
            case "state":
                fold.state()
            case _:
                pass
        stored = FoldState.FromString(encoded(stored))
        apply_events(stored, seq + 1, batch)
        seq += size
    assert encoded(fold.state()) == encoded(whole)
    assert encoded(stored) == encoded(whole)
    assert published_status(stored) == published_status(whole)
    assert fold.published() == published_status(whole)


@EXAMPLES
@given(STREAMS, STREAMS)
def test_after_the_end_only_unanswered_commands_change(before: list[ev.Event], after: list[ev.Event]) -> None:
    end = ev.Event(phase_changed=ev.PhaseChanged(phase=ExecutionPhase.EXECUTION_CANCELLED))
    state = folded([*before, end])
    assert is_terminal(state.summary.phase)
    expected = FoldState.FromString(encoded(state))
    apply_events(state, state.seq + 1, after)
    expected.seq = expected.summary.head_seq = expected.status.head_seq = state.seq
    del expected.pending_commands[:]
    expected.pending_commands.extend(state.pending_commands)
    assert encoded(state) == encoded(expected)


@EXAMPLES
@given(STREAMS)
def test_phases_move_only_forward(events: list[ev.Event]) -> None:
    fold = Fold(empty_fold("aex-1"))
    highest = 0
    for seq, event in enumerate(events, 1):
        fold.apply(seq, [event])
        assert fold.phase >= highest
        highest = fold.phase
    state = fold.state()
    assert state.status.phase == state.summary.phase
    assert bool(state.status.completed_at) >= is_terminal(state.summary.phase)
    assert state.summary.attention_count == len(state.status.attention)


@EXAMPLES
@given(st.lists(DATA, max_size=30), st.data())
def test_output_does_not_depend_on_where_it_is_cut(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8), label="cuts"))
    other = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    first, second = folded(_printed(pieces)), folded(_printed(other))
    assert first.summary.last_line == second.summary.last_line
    assert published_status(first).tool_calls[0].result == published_status(second).tool_calls[0].result
    assert dict(first.partial_lines) == dict(second.partial_lines)


def _printed(pieces: list[bytes]) -> list[ev.Event]:
    return [
        ev.Event(tool_call_requested=ev.ToolCallRequested(call_id="c", name="shell")),
        ev.Event(tool_call_started=ev.ToolCallStarted(call_id="c", terminal_id="t")),
        *(ev.Event(terminal_output=ev.TerminalOutput(terminal_id="t", data=piece)) for piece in pieces),
    ]


@pytest.mark.parametrize("seed", range(scaled(2, 30)))
def test_what_is_left_out_does_not_depend_on_the_split(seed: int) -> None:
    dice = random.Random(seed)
    events = [event for number in range(150) for event in _large(dice, number)]
    whole = folded(events)
    assert whole.status.omitted_messages + whole.status.omitted_tool_calls > 0
    fold = Fold(empty_fold("aex-1"))
    stored = empty_fold("aex-1")
    seq = 0
    while seq < len(events):
        batch = events[seq : seq + dice.choice([1, 1, 2, 7, 40])]
        fold.apply(seq + 1, batch)
        apply_events(stored, seq + 1, batch)
        if dice.random() < 0.1:
            stored = FoldState.FromString(encoded(stored))
            fold.flush()
        seq += len(batch)
    assert encoded(fold.state()) == encoded(whole)
    assert encoded(stored) == encoded(whole)


def _large(dice: random.Random, number: int) -> list[ev.Event]:
    """A few large events: an answer in pieces, a call that prints, and now and then a status that came whole."""
    size = dice.choice([10, 1000, 70_000])
    events = [
        ev.Event(message_started=ev.MessageStarted(message_id=f"m{number}", type=MessageType.MESSAGE_AI)),
        ev.Event(text_delta=ev.TextDelta(message_id=f"m{number}", text="é" * size)),
        ev.Event(tool_call_requested=ev.ToolCallRequested(call_id=f"c{number}", message_id=f"m{number}", name="shell")),
        ev.Event(text_delta=ev.TextDelta(message_id=f"m{number}", text="€" * dice.choice([1, 100_000]))),
        ev.Event(tool_call_started=ev.ToolCallStarted(call_id=f"c{number}", terminal_id=f"t{number}")),
        *(ev.Event(terminal_output=ev.TerminalOutput(terminal_id=f"t{number}", data=b"z" * size)) for _ in range(3)),
        ev.Event(message_completed=ev.MessageCompleted(message_id=f"m{number}")),
        ev.Event(
            tool_call_finished=ev.ToolCallFinished(call_id=f"c{number}", outcome=ev.ToolOutcome.TOOL_OUTCOME_ENDED)
        ),
    ]
    if dice.random() < 0.02:
        status = AgentExecutionStatus(omitted_messages=3)
        for place in range(40):
            status.messages.add(type=MessageType.MESSAGE_AI, content=str(place) * size)
        events.append(ev.Event(status_replaced=ev.StatusReplaced(status=status)))
    return [event for event in events if dice.random() < 0.95]
