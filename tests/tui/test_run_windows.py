"""Opening a very long run: its end, with what is open in it, at the cost of a screen; more on demand."""

import asyncio
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis.client import Client
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.moments import MomentsScreen
from stigmer_tui.screens.run_feed import RunFeed
from stigmer_tui.terminal.output_log import OutputLog
from stigmer_tui.transcript.blocks import AgentText
from stigmer_tui.transcript.reading import Transcript
from stigmer_tui.transcript.windows import SIZES
from tests.support.scripted_backend import ScriptedBackend
from tests.support.waiting import PATIENCE
from tests.tui.support import cancelled, screen_text, settled, until
from tests.tui.test_run_reading import agent_run, opened, said

TEXT = "word " * 1000
"""Of each message: five kilobytes."""


def long_run(backend: ScriptedBackend, messages: int) -> str:
    """A command that still runs, a call that waits for a decision, and so many messages since."""
    command = ev.ToolCallRequested(call_id="c1", name="shell")
    command.args.fields["command"].string_value = "make everything"
    waits = ev.ToolCallRequested(call_id="c2", name="shell")
    waits.args.fields["command"].string_value = "rm -r build"
    asked = ev.ApprovalRequested(call_id="c2", summary="rm -r build", reason="it removes files", binding=b"b" * 32)
    raised = ev.AttentionRaised(
        attention_id="a1", kind=AttentionKind.ATTENTION_KIND_APPROVAL, text="May it?", call_id="c2"
    )
    began = (
        ev.Event(tool_call_requested=command),
        ev.Event(tool_call_started=ev.ToolCallStarted(call_id="c1", terminal_id="t1")),
        ev.Event(usage_reported=ev.UsageReported(input_tokens=7000, output_tokens=1)),
        ev.Event(tool_call_requested=waits),
        ev.Event(approval_requested=asked),
        ev.Event(attention_raised=raised),
    )
    many = [event for number in range(messages) for event in said(number, f"message {number} {TEXT}")]
    last = ev.Event(usage_reported=ev.UsageReported(input_tokens=10, output_tokens=10))
    return agent_run(backend, *began, *many, last)


async def test_what_is_read_does_not_grow_with_the_run(home: Home, backend: ScriptedBackend, tmp_path: Path) -> None:
    """Counted in events taken in, of runs of one and of four megabytes."""
    taken: list[int] = []
    async with Client(home, start_daemon=False) as client:
        for messages in (250, 1000):
            log, name = OutputLog(tmp_path), long_run(backend, messages)
            news = asyncio.Event()
            feed = RunFeed(log, Transcript(), news.set)
            feed.go_on_with(name)
            reading = asyncio.create_task(feed.run(client))
            last = len(backend.get(name).events)
            while feed.seq < last:
                await asyncio.wait_for(news.wait(), PATIENCE)
                news.clear()
            taken.append(len(feed.transcript.blocks))
            assert feed.held_back[name] > messages
            await cancelled(reading)
            log.close()
            feed.timeline.close()
    assert abs(taken[1] - taken[0]) <= 5


async def test_a_long_run_opens_at_its_end_and_reads_more_when_asked(backend: ScriptedBackend, app: StigmerApp) -> None:
    """What is open from before is there: the command that runs, the call that waits, the sums; `p` reads more, in place, up to the beginning."""
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, long_run(backend, 300), "following")
        blocks = len(screen.feed.transcript.blocks)
        assert blocks < 150
        state = screen.feed.state
        assert state.tokens == 7021
        assert state.terminals == {"t1": "c1"}
        assert list(state.decisions.approvals) == ["c2"]
        assert list(state.waits_for) == ["a1"]
        await pilot.press("g")
        await settled(pilot)
        assert "earlier events are not read: p reads more of them" in screen_text(pilot)
        assert "make everything" in screen_text(pilot)
        await pilot.press("m", "m")
        await settled(pilot)
        block = screen.transcript.current
        assert isinstance(block, AgentText)
        reading = block.text
        await pilot.press("p")
        await until(pilot, lambda: not screen.feed.loading, "more is read")
        await settled(pilot)
        assert not screen.feed.held_back, "it is smaller than the second window: all of it is here"
        assert len(screen.feed.transcript.blocks) > 300 > blocks
        assert screen.feed.state.tokens == 7021
        again = screen.transcript.current
        assert isinstance(again, AgentText)
        assert again.text == reading, "one stays where one reads"
        await pilot.press("g")
        await settled(pilot)
        assert "make everything" in screen_text(pilot)
        assert "not read" not in screen_text(pilot)
        await pilot.press("p")
        await until(pilot, lambda: "All of it is here" in screen_text(pilot), "nothing more")


async def test_the_time_bar_has_all_of_a_long_run(backend: ScriptedBackend, app: StigmerApp) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, long_run(backend, 150), "following")
        assert screen.feed.held_back
        screen.action_time()
        await until(pilot, lambda: isinstance(app.screen, MomentsScreen), "the time bar")
        assert not screen.feed.held_back
        assert screen.feed.timeline.history_seqs[0] == 1


def test_the_first_window_is_a_screen_and_the_last_is_everything() -> None:
    assert SIZES[-1] == 0
    assert list(SIZES[:-1]) == sorted(SIZES[:-1])
