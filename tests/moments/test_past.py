"""A terminal at any moment is what it was then, from the nearest keyframe on; the transcript too; playing keeps the run's own time."""

import random
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis.client import Client
from stigmer_apis.home import Home
from stigmer_tui.emulator import Emulator
from stigmer_tui.moments import timeline as timelines
from stigmer_tui.moments.past import Past
from stigmer_tui.moments.playing import Player
from stigmer_tui.moments.timeline import MarkKind, Moment, Timeline
from stigmer_tui.transcript.reading import Transcript
from tests.emulator.test_like_tmux import RECORDINGS, cells_shown
from tests.support.scripted_backend import ScriptedBackend, line_events

COLUMNS, ROWS = 80, 24


def events_of_programs(chance: random.Random, count: int) -> list[ev.Event]:
    """Recorded programs one after the other, each in a terminal of its own, their output in pieces; what a model says in between."""
    events: list[ev.Event] = []
    for number in range(1, count + 1):
        begin = line_events(f"program {number}", number=number, finished=False)
        for event in begin:
            if event.HasField("tool_call_started"):
                event.tool_call_started.columns, event.tool_call_started.rows = COLUMNS, ROWS
        events += begin
        data = chance.choice(RECORDINGS).read_bytes()
        while data:
            taken = chance.choice((10, 500, 4000))
            output = ev.TerminalOutput(terminal_id=f"term-{number}", data=data[:taken])
            events.append(ev.Event(terminal_output=output))
            data = data[taken:]
            if chance.random() < 0.02:
                resized = ev.TerminalResized(
                    terminal_id=f"term-{number}", columns=chance.randint(20, 120), rows=chance.randint(5, 40)
                )
                events.append(ev.Event(terminal_resized=resized))
        if number % 2:
            finished = ev.ToolCallFinished(
                call_id=f"call-{number}", outcome=ev.TOOL_OUTCOME_ENDED, exit_code=number % 3
            )
            events.append(ev.Event(tool_call_finished=finished))
    return events


async def test_the_terminal_at_any_moment(short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forwards, backwards, with keyframes and without, it equals the terminal that was fed up to there and no further."""
    monkeypatch.setattr(timelines, "FRAME_COST", 3000)
    chance = random.Random(5)
    home = Home(root=short_tmp, run=short_tmp / "run")
    now = [1_795_229_000.0]

    def clock() -> float:
        now[0] += 0.05
        return now[0]

    async with ScriptedBackend(home, clock=clock) as backend, Client(home, start_daemon=False) as client:
        execution_id = backend.add_execution(
            message="programs", phase=enums.EXECUTION_IN_PROGRESS, events=tuple(events_of_programs(chance, 12))
        )
        events = backend.get(execution_id).events
        timeline = Timeline(short_tmp)
        timeline.begin(execution_id)
        timeline.take(1, events)
        assert len(timeline.frames) > 5, (len(events), timeline.terminal_ids)
        past = Past(timeline)
        seqs = [chance.randint(1, len(events)) for _ in range(40)]
        for seq in (*seqs, *sorted(seqs), *range(len(events), len(events) - 5, -1)):
            await past.go(client, Moment(seq, 0))
            wanted: Emulator | None = None
            told = Transcript()
            terminal_id = ""
            for event in events[:seq]:
                if event.tool_call_started.terminal_id:
                    wanted, terminal_id = Emulator(COLUMNS, ROWS), event.tool_call_started.terminal_id
                elif event.terminal_output.terminal_id == terminal_id and wanted:
                    wanted.feed(event.terminal_output.data)
                elif event.terminal_resized.terminal_id == terminal_id and wanted:
                    wanted.resize(event.terminal_resized.columns, event.terminal_resized.rows)
                told.apply((event,))
            if wanted is None:
                assert past.terminal is None
            else:
                assert past.terminal is not None
                assert cells_shown(past.terminal) == cells_shown(wanted)
                assert past.terminal.cursor == wanted.cursor
            assert [repr(block) for block in past.transcript.blocks] == [repr(block) for block in told.blocks]
        timeline.close()


def test_marks_and_moments(short_tmp: Path) -> None:
    """The next and the one before of each kind; the moment of a time; nothing beyond the ends."""
    timeline = Timeline(short_tmp)
    events = [
        *line_events("make", exit_code=2, number=1),
        ev.Event(approval_requested=ev.ApprovalRequested(call_id="c")),
        *line_events("true", exit_code=0, number=2),
    ]
    for number, event in enumerate(events):
        event.time_unix_micros = 1_000_000 * (number + 1)
    timeline.take(1, events)
    error = timeline.mark_from(timeline.first, 1, frozenset({MarkKind.ERROR}))
    assert error is not None
    assert events[error.moment.seq - 1].tool_call_finished.exit_code == 2
    assert timeline.mark_from(error.moment, 1, frozenset({MarkKind.ERROR})) is None
    assert timeline.mark_from(timeline.last, -1, frozenset({MarkKind.ERROR})) == error
    asked = timeline.mark_from(timeline.first, 1, frozenset({MarkKind.APPROVAL}))
    assert asked is not None
    assert asked.moment.seq > error.moment.seq
    assert timeline.at(3_500_000) == Moment(3, 3_000_000)
    assert timeline.at(0) == timeline.first == Moment(1, 1_000_000)
    assert timeline.following(timeline.last) is None
    assert timeline.before(timeline.first) is None
    assert timeline.following(Moment(3, 3_000_000)) == Moment(4, 4_000_000)
    timeline.close()


def test_playing_keeps_time_and_passes_over_what_is_idle(short_tmp: Path) -> None:
    """At any speed; at the end it stops."""
    timeline = Timeline(short_tmp)
    for seq, second in enumerate((0, 1, 2, 3, 60, 61), 1):
        event = ev.Event(time_unix_micros=10_000_000 + second * 1_000_000, note_added=ev.NoteAdded(text="x"))
        timeline.take(seq, [event])
    now = [0.0]
    player = Player(timeline, lambda: now[0], skip_idle=False)
    player.start(timeline.first)
    now[0] = 2.5
    assert player.advance().seq == 3
    player.change_speed(1)
    now[0] = 12.5
    assert player.advance().seq == 4
    player.skip_idle = True
    player.advance()
    now[0] = 14.0
    assert player.advance().seq >= 5
    now[0] = 20.0
    assert player.advance().seq == 6
    assert not player.playing
    player.change_speed(99)
    assert player.speed == 100
    player.change_speed(-99)
    assert player.speed == 1
    timeline.close()
