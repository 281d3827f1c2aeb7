"""From events to blocks to rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.transcript.blocks import CallState, LineState, PersonLine, Remark, ToolCall
from stigmer_tui.transcript.layout import can_open, rows_of
from stigmer_tui.transcript.reading import SILENT, Transcript
from stigmer_tui.transcript.rows import Shape
from stigmer_tui.transcript.run_state import RunState, StopState
from tests.support.scripted_backend import line_events
from tests.tui.hostile import HOSTILE, is_harmless

BODIES = [field.name for field in ev.Event.DESCRIPTOR.oneofs_by_name["body"].fields]


def example(body: str) -> ev.Event:
    """An event of this kind, with the fields that it cannot do without."""
    event = ev.Event()
    getattr(event, body).SetInParent()
    match body:
        case "phase_changed":
            event.phase_changed.phase = enums.EXECUTION_COMPLETED
        case "command_issued":
            event.command_issued.send_message.text = "later"
        case "model_call_failed":
            # One that is not tried again is told by the end of its run.
            event.model_call_failed.retry_unix_micros = 1
        case _:
            pass
    return event


BEFORE = (
    ev.Event(message_started=ev.MessageStarted(type=enums.MESSAGE_AI)),
    ev.Event(tool_call_requested=ev.ToolCallRequested(name="read")),
    ev.Event(sub_agent_started=ev.SubAgentStarted(name="helper")),
    ev.Event(workflow_task_started=ev.WorkflowTaskStarted(name="task")),
)
"""What later events with empty ids are about."""


@pytest.mark.parametrize("body", BODIES)
def test_every_event_shows_or_is_meant_not_to(body: str) -> None:
    """An event that is added to the interface cannot be forgotten here."""
    transcript, state = Transcript(), RunState("aex")
    transcript.apply(BEFORE)
    transcript.take_changed()
    transcript.apply([example(body)])
    state.apply(example(body))
    assert (transcript.take_changed() is None) == (body in SILENT)


def shell_rows(transcript: Transcript, width: int = 60) -> list[str]:
    """All rows as text."""
    return ["".join(span.text for span in row) for block in transcript.blocks for row in rows_of(block, Shape(width))]


def test_a_command_line_and_how_it_ended() -> None:
    """The command is not repeated beneath the line that asked for it."""
    transcript = Transcript()
    transcript.apply(line_events("make test", exit_code=2))
    assert shell_rows(transcript) == ["", "› make test", "✗ exit 2 · 1 ms"]


def test_queued_lines_wait_until_they_begin() -> None:
    """That an agent has taken a line is not that it has begun it."""
    transcript, state = Transcript(), RunState("aex")

    def take(*events: ev.Event) -> None:
        transcript.apply(events)
        for event in events:
            state.apply(event)

    issued = ev.CommandIssued(command_id="c1")
    issued.send_message.text = "second"
    take(*line_events("first", finished=False), ev.Event(command_issued=issued))
    take(ev.Event(command_applied=ev.CommandApplied(command_id="c1")))
    line = transcript.blocks[-1]
    assert isinstance(line, PersonLine)
    assert (line.state, state.queued) == (LineState.QUEUED, {"c1": "second"})
    take(ev.Event(message_started=ev.MessageStarted(message_id="m2", type=enums.MESSAGE_HUMAN, command_id="c1")))
    take(ev.Event(text_delta=ev.TextDelta(message_id="m2", text="second")))
    begun = transcript.blocks[-1]
    assert isinstance(begun, PersonLine)
    assert (begun.text, begun.state, state.queued) == ("second", LineState.TAKEN, dict[str, str]())
    assert sum(isinstance(block, PersonLine) for block in transcript.blocks) == 2


def test_a_line_that_never_began_says_so() -> None:
    """Refused with its reason, or left over when the run ended."""
    for end, reason in (
        (ev.Event(command_rejected=ev.CommandRejected(command_id="c1", reason="it had ended")), "it had ended"),
        (ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_CANCELLED)), "the run ended before its turn"),
    ):
        transcript, state = Transcript(), RunState("aex")
        issued = ev.CommandIssued(command_id="c1")
        issued.send_message.text = "late"
        for event in (ev.Event(command_issued=issued), end):
            transcript.apply([event])
            state.apply(event)
        line = transcript.blocks[0]
        assert isinstance(line, PersonLine)
        assert (line.state, line.reason) == (LineState.REFUSED, reason)
        assert not state.queued


def test_stopping_in_its_states() -> None:
    """Requested here, stored, done; with what had to be ended."""
    state = RunState("aex")
    state.stop = StopState.REQUESTED
    issued = ev.CommandIssued(command_id="c1")
    issued.cancel.reason = ""
    state.apply(ev.Event(command_issued=issued))
    assert state.stop is StopState.STOPPING
    killed = ev.ToolCallFinished(call_id="c", outcome=ev.ToolOutcome.TOOL_OUTCOME_CANCELLED)
    killed.killed.add(pid=12, command="sleep 100")
    state.apply(ev.Event(tool_call_finished=killed))
    state.apply(ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_CANCELLED)))
    assert (state.stop, state.killed, state.live) == (StopState.STOPPED, [(12, "sleep 100")], False)


def test_a_run_that_ended_by_itself_was_not_stopped() -> None:
    """The stop came too late."""
    state = RunState("aex")
    issued = ev.CommandIssued(command_id="c1")
    issued.cancel.reason = ""
    state.apply(ev.Event(command_issued=issued))
    state.apply(ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_COMPLETED)))
    assert state.stop is StopState.NOT_ASKED


def test_no_walls_are_said() -> None:
    """With the reason."""
    transcript = Transcript()
    started = ev.ToolCallStarted(call_id="call-1", terminal_id="t")
    started.sandbox.kind, started.sandbox.reason = "none", "bubblewrap is not installed"
    transcript.apply([*line_events("id", finished=False)[:4], ev.Event(tool_call_started=started)])
    assert any("bubblewrap is not installed" in row for row in shell_rows(transcript))


@pytest.mark.parametrize("outcome", ev.ToolOutcome.values())
def test_every_outcome_has_words(outcome: int) -> None:
    """An unknown one is unknown, never a success."""
    transcript = Transcript()
    transcript.apply(line_events("x", finished=False))
    over = ev.ToolCallFinished(call_id="call-1")
    over.outcome = ev.ToolOutcome.ValueType(outcome)
    transcript.apply([ev.Event(tool_call_finished=over)])
    call = transcript.blocks[-1]
    assert isinstance(call, ToolCall)
    assert call.state is not CallState.RUNNING
    assert len(shell_rows(transcript)[-1]) > 3


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless_in_every_block(text: str) -> None:
    """Names, messages, arguments, results, errors, reasons, notes."""
    text = text.encode("utf-8", "replace").decode()
    transcript = Transcript()
    created = ev.ExecutionCreated(agent_name=text, workspace=text, message=text, author=text)
    over = ev.ToolCallFinished(call_id="call-1", error=text, result=text)
    over.killed.add(pid=1, command=text)
    issued = ev.CommandIssued(author=text)
    issued.cancel.reason = text
    transcript.apply(
        [
            ev.Event(execution_created=created),
            *line_events(text, finished=False),
            ev.Event(tool_call_finished=over),
            ev.Event(command_issued=issued),
            ev.Event(note_added=ev.NoteAdded(text=text, author=text)),
            ev.Event(log_line=ev.LogLine(component=text, text=text)),
            ev.Event(attention_raised=ev.AttentionRaised(text=text)),
            ev.Event(sub_agent_started=ev.SubAgentStarted(sub_agent_id="s", name=text, input=text)),
            ev.Event(sub_agent_finished=ev.SubAgentFinished(sub_agent_id="s", output=text, error=text)),
            ev.Event(message_started=ev.MessageStarted(message_id="ai", type=enums.MESSAGE_AI)),
            ev.Event(text_delta=ev.TextDelta(message_id="ai", text=text)),
            ev.Event(reasoning_delta=ev.ReasoningDelta(message_id="ai", text=text)),
            ev.Event(phase_changed=ev.PhaseChanged(phase=enums.EXECUTION_FAILED, reason=text)),
        ]
    )
    assert all(is_harmless(row) for row in shell_rows(transcript))


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=300), st.integers(4, 200))
def test_rows_fit_their_width(text: str, width: int) -> None:
    """Whatever is written."""
    blocks = (PersonLine(text), Remark(text), ToolCall("c", "read", text, error=text, result=text))
    for block in blocks:
        assert all(sum(cell_len(span.text) for span in row) <= width for row in rows_of(block, Shape(width)))


def test_a_long_result_is_shortened() -> None:
    """It says how much is left out."""
    call = ToolCall("c", "read", "file", result="\n".join(f"line {n}" for n in range(100)))
    rows = ["".join(span.text for span in row) for row in rows_of(call, Shape(40))]
    assert len(rows) < 20
    assert rows[-1].strip() == "… 88 more lines"


def test_what_an_agents_command_printed_stands_with_it() -> None:
    """Its last lines as they look, however they were cut on the way; how many there were before; all that is kept where it is unfolded."""
    transcript = Transcript()
    requested = ev.ToolCallRequested(call_id="call-1", name="shell")
    requested.args.fields["command"].string_value = "make"
    started = ev.ToolCallStarted(call_id="call-1", terminal_id="term-1")
    transcript.apply([ev.Event(tool_call_requested=requested), ev.Event(tool_call_started=started)])
    data = b"".join(b"\x1b[31mline %d\x1b[0m\r\n" % number for number in range(1000)) + b"10%\r20%"
    for start in range(0, len(data), 7):
        output = ev.TerminalOutput(terminal_id="term-1", data=data[start : start + 7])
        transcript.apply([ev.Event(terminal_output=output)])
    rows = shell_rows(transcript)
    assert rows[0] == "$ make"
    assert [row.strip() for row in rows[2:]] == [
        "… 995 more lines; f shows more, o all",
        *(f"line {number}" for number in range(995, 1000)),
        "20%",
    ]
    call = transcript.blocks[0]
    assert isinstance(call, ToolCall)
    assert can_open(call)
    call.opened = True
    assert 100 < len(shell_rows(transcript)) < 400


def test_a_persons_own_command_is_read_in_the_output() -> None:
    """The transcript does not repeat it."""
    transcript = Transcript()
    transcript.apply(line_events("make", output=b"printed\r\n"))
    assert not any("printed" in row for row in shell_rows(transcript))


def test_the_result_of_an_edit_does_not_repeat_its_diff() -> None:
    """It is folded to its first line: the diff stands below it."""
    call = ToolCall(
        "c", "edit", "x.py", state=CallState.ENDED, result="x.py was written.\n--- a/x.py\n+++ b/x.py\n+new"
    )
    rows = ["".join(span.text for span in row).strip() for row in rows_of(call, Shape(60))]
    assert rows[-2:] == ["x.py was written.", "… 3 more lines"]
    assert can_open(call)
