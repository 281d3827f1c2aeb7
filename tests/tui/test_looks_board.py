"""What the board looks like with a queue, a card, a question, groups, marks and lists to choose from."""

import pytest
from syrupy.assertion import SnapshotAssertion

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_tui.app import StigmerApp
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.pictures import SMALL, pictures
from tests.tui.support import MOMENT, StoppedClock, screen_text, settled, until
from tests.tui.test_board_queue import asks
from tests.tui.test_looks import add, fill


def busy(backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Runs in all phases, of which some want a person."""
    fill(backend, clock)
    backend.add_agent("reviewer")
    asked = ev.QuestionAsked(attention_id="q", text="Which branch shall I rebase onto?", options=["main", "release/2"])
    raised = ev.AttentionRaised(attention_id="q", kind=AttentionKind.ATTENTION_KIND_QUESTION, text=asked.text)
    usage = ev.UsageReported(input_tokens=48_200, output_tokens=1_900, cost_micro_usd=173_000)
    waiting = add(
        backend, clock, 95, 21, "clean up the build", enums.EXECUTION_IN_PROGRESS,
        ev.Event(usage_reported=usage), *asks("c1", "rm -rf build dist && git clean -fdx"),
    )  # fmt: skip
    add(
        backend, clock, 60, 22, "rebase what is open", enums.EXECUTION_IN_PROGRESS,
        ev.Event(question_asked=asked), ev.Event(attention_raised=raised),
    )  # fmt: skip
    for name in (waiting,):
        backend.get(name).resource.metadata.labels["team"] = "red"
    clock.now = MOMENT


@pytest.mark.parametrize("state", ["queue", "card", "question", "groups", "marks", "columns", "empty", "failed"])
async def test_the_board(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    state: str,
) -> None:
    """Each state that one comes to by some keys."""
    busy(backend, clock)
    keys, words = {
        "queue": ((), "wait for you"),
        "card": (("a", "a"), "asks whether it may"),
        "question": (("a", "a", "a"), "Which branch"),
        "groups": (("b", "down", "enter", "g", "enter"), "▾"),
        "marks": (("g", "v", "v", "v", "d"), "press d again"),
        "columns": (("C", "down"), "Columns, from left"),
        "empty": (("slash", "z", "z", "z", "enter"), "No run matches"),
        "failed": (("M",), "wait for you"),
    }[state]
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: "wait for you" in screen_text(pilot), "what waits")
        await pilot.press("escape")
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        if state == "failed":
            await until(pilot, lambda: "new failure" not in screen_text(pilot), "seen")
        clock.now = MOMENT
        await pictures(pilot, app, snapshot, words)
