"""What a run looks like: its blocks, folded and open, diffs, the menu, finding, selecting, and the states in which there is nothing yet."""

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.screens.run_menu import BlockMenu
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import StoppedClock, output_event, run_screen, screen_text, settled, until
from tests.tui.test_looks import LOOKS, SIZES, add, same, shown

DIFF = """--- a/basket.py
+++ b/basket.py
@@ -17,7 +17,9 @@
     def total(self, discount_percent: int = 0) -> int:
         \"\"\"What it costs, less a discount, rounded down.\"\"\"
-        whole = sum(price * count for _, price, count in self.items)
-        return whole - discount_percent
+        if not 0 <= discount_percent <= 100:
+            raise ValueError(f"a discount of {discount_percent} % makes no sense")
+        whole = sum(price * count for _, price, count in self.items)  # in cents
+        return whole - whole * discount_percent // 100
     # and how many there are
     def __len__(self) -> int:
"""


def message(number: int, text: str, *, reasoning: str = "", person: bool = False) -> list[ev.Event]:
    """A message, whole."""
    kind = enums.MESSAGE_HUMAN if person else enums.MESSAGE_AI
    thought = ev.Event(reasoning_delta=ev.ReasoningDelta(message_id=f"m{number}", text=reasoning))
    return [
        ev.Event(message_started=ev.MessageStarted(message_id=f"m{number}", type=kind)),
        *([thought] if reasoning else []),
        ev.Event(text_delta=ev.TextDelta(message_id=f"m{number}", text=text)),
        ev.Event(message_completed=ev.MessageCompleted(message_id=f"m{number}")),
    ]


def call(number: int, name: str, result: str = "", *, decided: bool = False, **args: str) -> list[ev.Event]:
    """A tool call, whole."""
    requested = ev.ToolCallRequested(call_id=f"c{number}", name=name)
    for key, value in args.items():
        requested.args.fields[key].string_value = value
    asked = ev.ApprovalRequested(call_id=f"c{number}", summary="x", reason="ask", prefix=["python3", "-m", "pytest"])
    answer = ev.ApprovalResolved(call_id=f"c{number}", approval=ev.APPROVAL_PREFIX, author="local-user")
    over = ev.ToolCallFinished(
        call_id=f"c{number}", outcome=ev.ToolOutcome.TOOL_OUTCOME_ENDED, result=result, duration_micros=85_000
    )
    if name == "shell":
        over.exit_code = 1
    return [
        ev.Event(tool_call_requested=requested),
        *([ev.Event(approval_requested=asked), ev.Event(approval_resolved=answer)] if decided else []),
        ev.Event(tool_call_started=ev.ToolCallStarted(call_id=f"c{number}")),
        ev.Event(tool_call_finished=over),
    ]


def agent_run(backend: ScriptedBackend, clock: StoppedClock) -> str:
    """A run of an agent in which there is one of everything."""
    backend.add_agent("coder")
    run = add(backend, clock, 184, 1, "The tests of the basket fail. Mend it.", enums.EXECUTION_IN_PROGRESS)
    todos = ev.TodoListChanged()
    for key, (text, status) in enumerate(
        (("See what the tests say", enums.TODO_COMPLETED), ("Mend the cause", enums.TODO_IN_PROGRESS))
    ):
        todos.todos[str(key)].content, todos.todos[str(key)].status = text, status
    changed = ev.FileChanged(
        path="basket.py", diff=DIFF, change=ev.FILE_CHANGE_MODIFIED, lines_added=4, lines_removed=2
    )
    listing = "\n".join(f"tests/test_{name}.py" for name in "abcdefghijklmnop")
    backend.emit(
        run,
        *message(1, "The tests of the basket fail. Mend it.", person=True),
        *message(2, "I look first.", reasoning="Before I guess, I want to see the test itself. " * 3),
        ev.Event(todo_list_changed=todos),
        *call(1, "glob", listing, pattern="tests/*.py"),
        *call(2, "shell", decided=True, command="python3 -m pytest -q"),
        ev.Event(sub_agent_started=ev.SubAgentStarted(sub_agent_id="s", name="reviewer", input="Look at basket.py.")),
        ev.Event(sub_agent_finished=ev.SubAgentFinished(sub_agent_id="s", output="The discount is taken as cents.")),
        *message(3, "The discount of 25 % took 25 cents away."),
        *call(3, "edit", path="basket.py", edits="[…]"),
        ev.Event(file_changed=changed),
        ev.Event(
            usage_reported=ev.UsageReported(
                input_tokens=12_040, cached_input_tokens=8_000, output_tokens=311, cost_micro_usd=34_000
            )
        ),
        ev.Event(artifact_added=ev.ArtifactAdded(artifact_id="art-1", name="report.html", size=48_200)),
        *message(4, "Thanks. Now write it down.", person=True),
        *message(5, "I do."),
    )
    backend.get(run).events[0].execution_created.agent_name = "coder"
    return run


async def opened(pilot: Pilot[int], app: StigmerApp, run: str, words: str) -> RunScreen:
    """The run, in the pane that it opens with."""
    await until(pilot, lambda: app.board.feed.window.loaded, "connected")
    app.open_run(run)
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and words in screen_text(pilot), words)
    await pilot.press("escape")
    await settled(pilot)
    return run_screen(app)


@SIZES
@LOOKS
async def test_the_end_of_an_agents_run(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    light: bool,
) -> None:
    run = agent_run(backend, clock)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app, run, "I do.")
        await shown(pilot, app, light, "I do.")
        assert same(app, snapshot)


@SIZES
@LOOKS
async def test_everything_open_and_something_found(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    light: bool,
) -> None:
    run = agent_run(backend, clock)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app, run, "I do.")
        await pilot.press("z", "F")
        await settled(pilot)
        await pilot.press("slash", "alt+r")
        screen.finding.line.value = r"discount\w*"
        await until(pilot, lambda: "of 8" in screen_text(pilot), "the count")
        await settled(pilot)
        await pilot.press("enter", "N", "N")
        await shown(pilot, app, light, "of 8")
        assert same(app, snapshot)


@SIZES
@LOOKS
async def test_the_menu_of_a_block(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    snapshot: SnapshotAssertion,
    size: tuple[int, int],
    light: bool,
) -> None:
    run = agent_run(backend, clock)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app, run, "I do.")
        await pilot.press("T", "T", "enter")
        await until(pilot, lambda: isinstance(app.screen, BlockMenu), "the menu")
        await shown(pilot, app, light, "Branch from here")
        assert same(app, snapshot)


@pytest.mark.parametrize("state", ["empty", "selected", "wrong"])
@LOOKS
async def test_states(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, snapshot: SnapshotAssertion, state: str, light: bool
) -> None:
    """Nothing printed yet; rows selected in the output; an expression that is none."""
    run = add(backend, clock, 5, 2, "make", enums.EXECUTION_IN_PROGRESS)
    if state != "empty":
        backend.emit(run, output_event(b"one\r\n\x1b[32mtwo\x1b[0m\r\nthree\r\n"))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, run, "Nothing was printed yet." if state == "empty" else "three")
        if state == "selected":
            await pilot.press("g", "V", "j")
        if state == "wrong":
            await pilot.press("slash", "alt+r", "left_parenthesis", "a")
            await until(pilot, lambda: "wrong at character 1" in screen_text(pilot), "what is wrong")
        await shown(pilot, app, light, "Nothing" if state == "empty" else "three")
        assert same(app, snapshot)
