"""Reading a run: folds, places that stay, finding, selecting, copying, the menu of a block, the panes."""

import json
from pathlib import Path

import pytest
from textual.events import MouseMove
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import RetryMessageRequest, UndoTurnRequest
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.screens.run_menu import BlockMenu
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import output_event, run_screen, screen_text, settled, typed, until

DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n-def old(): return 1\n+def new(): return 2\n same\n"


def said(number: int, text: str, *, reasoning: str = "", person: bool = False) -> list[ev.Event]:
    """A message."""
    kind = enums.MESSAGE_HUMAN if person else enums.MESSAGE_AI
    name = f"m{number}"
    thought = [ev.Event(reasoning_delta=ev.ReasoningDelta(message_id=name, text=reasoning))] if reasoning else []
    return [
        ev.Event(message_started=ev.MessageStarted(message_id=name, type=kind)),
        *thought,
        ev.Event(text_delta=ev.TextDelta(message_id=name, text=text)),
        ev.Event(message_completed=ev.MessageCompleted(message_id=name)),
    ]


def called(number: int, result: str, name: str = "grep", **args: str) -> list[ev.Event]:
    """A tool call that ended."""
    requested = ev.ToolCallRequested(call_id=f"c{number}", name=name)
    for key, value in (args or {"pattern": "x"}).items():
        requested.args.fields[key].string_value = value
    over = ev.ToolCallFinished(
        call_id=f"c{number}", outcome=ev.ToolOutcome.TOOL_OUTCOME_ENDED, result=result, duration_micros=1_200_000
    )
    return [
        ev.Event(tool_call_requested=requested),
        ev.Event(tool_call_started=ev.ToolCallStarted(call_id=f"c{number}")),
        ev.Event(tool_call_finished=over),
    ]


def numbered(count: int, word: str = "line") -> str:
    """Lines."""
    return "\n".join(f"{word} {n}" for n in range(count))


def agent_run(backend: ScriptedBackend, *events: ev.Event) -> str:
    """A run of an agent, which goes on."""
    if not any(agent.metadata.name == "coder" for agent in backend.agents):
        backend.add_agent("coder")
    return backend.add_execution(
        message="do it", agent="coder", phase=enums.EXECUTION_IN_PROGRESS, events=tuple(events)
    )


async def opened(pilot: Pilot[int], app: StigmerApp, execution_id: str, words: str) -> RunScreen:
    """The run, in its pane."""
    await until(pilot, lambda: bool(app.board.feed.window.loaded), "connected")
    app.open_run(execution_id)
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and words in screen_text(pilot), words)
    await pilot.press("escape")
    await settled(pilot)
    return run_screen(app)


def shown(pilot: Pilot[int]) -> list[str]:
    """The rows of the screen without the edges."""
    return [line.strip(" ▐") for line in screen_text(pilot).splitlines()]


async def test_long_results_and_thoughts_are_folded_and_open_where_they_are(
    app: StigmerApp, backend: ScriptedBackend
) -> None:
    """By a key, or by a click on what is left out; nothing above moves, and following stops."""
    run = agent_run(
        backend,
        *said(1, "go", person=True),
        *said(2, "I look.", reasoning="first\nsecond " * 40),
        *called(1, numbered(40)),
    )
    async with app.run_test(size=(80, 40)) as pilot:
        screen = await opened(pilot, app, run, "28 more lines")
        view = screen.transcript
        assert "thought, 80 words" in screen_text(pilot)
        assert "second second" not in screen_text(pilot)
        await pilot.press("g", "t", "t")
        before = shown(pilot).index("⚒ grep x")
        await pilot.press("f")
        await until(pilot, lambda: "line 20" in screen_text(pilot), "the rest")
        assert shown(pilot).index("⚒ grep x") == before
        assert not view.following
        await pilot.press("f")
        await until(pilot, lambda: "28 more lines" in screen_text(pilot), "folded again")
        row = next(y for y, line in enumerate(shown(pilot)) if "28 more lines" in line)
        await pilot.click(offset=(6, row))
        await until(pilot, lambda: "line 20" in screen_text(pilot), "opened by the mouse")
        await pilot.press("g", "m", "m", "f")
        await until(pilot, lambda: "second first" in screen_text(pilot) or "first" in shown(pilot), "the thoughts")


async def test_nothing_moves_under_somebody_who_reads(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Blocks above grow and fold, blocks below come, the screen becomes narrower: the row that is read stays, and what is new is counted."""
    events = [event for n in range(1, 60) for event in said(n, f"message {n} " + "word " * 30)]
    run = agent_run(backend, *called(1, "short"), *events)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, run, "message 59")
        await pilot.press(*["pageup"] * 5)
        await settled(pilot)
        top = next(line for line in shown(pilot)[1:] if "message" in line)
        fresh = ev.Event(text_delta=ev.TextDelta(message_id="m59", text="\nmore\nand more"))
        backend.emit(run, fresh, *said(70, "something new"))
        await until(pilot, lambda: "new" in shown(pilot)[-4], "the badge")
        assert top in shown(pilot)
        late = called(2, numbered(30))
        backend.emit(run, *late)
        await settled(pilot)
        assert top in shown(pilot)
        place = shown(pilot).index(top)
        first = screen.transcript.transcript.blocks[2]
        screen.transcript.set_open(first, opened=True)
        await settled(pilot)
        assert shown(pilot).index(top) == place
        words = top.split(" word")[0]
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: any(words in line for line in shown(pilot)), "it is still there")
        assert not screen.transcript.following
        await pilot.press("end")
        await until(pilot, lambda: "following" in screen_text(pilot), "the end again")
        assert "line 11" in screen_text(pilot)


async def test_a_lost_past_does_not_yank_the_reader_to_the_end(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The server lost the last events: what is read stays where it is as far as it is there."""
    events = [event for n in range(1, 40) for event in said(n, f"message {n}")]
    run = agent_run(backend, *events)
    kept = len(backend.get(run).events)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, run, "message 39")
        backend.emit(run, *said(50, "lost"))
        await until(pilot, lambda: "lost" in screen_text(pilot), "more")
        await pilot.press("g")
        await settled(pilot)
        backend.rewind(run, kept)
        await until(pilot, lambda: len(screen.transcript.transcript.blocks) == 40, "read anew")
        await until(pilot, lambda: "message 1" in shown(pilot), "the beginning")
        assert not screen.transcript.following


async def test_finding_an_expression_in_parts_that_are_folded(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Counted in all, opened where it is found, wrong ones with the place; one without end is given up."""
    run = agent_run(
        backend, *said(1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"), *called(1, numbered(40)), *said(2, "Line 33x")
    )
    async with app.run_test(size=(100, 24)) as pilot:
        screen = await opened(pilot, app, run, "Line 33x")
        await pilot.press("g", "slash", "alt+r")
        await typed(pilot, "line 3")
        await pilot.press("left_curly_bracket", "2", "right_curly_bracket")
        await until(pilot, lambda: ".*" in screen_text(pilot) and "of 2" in screen_text(pilot), "the count")
        await pilot.press("enter")
        await until(pilot, lambda: "1 of 2" in screen_text(pilot) and "line 33" in screen_text(pilot), "in the fold")
        assert screen.transcript.text_of_row(screen.transcript.cursor).strip() == "line 33"
        await pilot.press("n")
        await until(pilot, lambda: "2 of 2" in screen_text(pilot), "the second")
        await pilot.press("n")
        await until(pilot, lambda: "1 of 2" in screen_text(pilot), "around")
        await pilot.press("alt+c")
        await until(pilot, lambda: ".* Aa" in screen_text(pilot) and "of 1" in screen_text(pilot), "capitals count")
        await pilot.press("slash")
        await typed(pilot, "(a")
        await until(pilot, lambda: "wrong at character 1" in screen_text(pilot), "what is wrong with it")
        screen.finding.line.value = "(a+)+$"
        await until(pilot, lambda: "takes too long" in screen_text(pilot), "given up")
        await pilot.press("escape")
        await settled(pilot)
        assert screen.transcript.needle is None


async def test_an_expression_in_the_output(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Rows of output, live ones too, marked where they are on the screen."""
    run = backend.add_execution(message="log", phase=enums.EXECUTION_IN_PROGRESS)
    backend.emit(run, output_event("\r\n".join(f"took {n} ms" for n in range(500)).encode() + b"\r\n"))
    async with app.run_test(size=(100, 24)) as pilot:
        screen = await opened(pilot, app, run, "took 499 ms")
        await pilot.press("slash", "alt+r")
        screen.finding.line.value = r"took \d9\d ms"
        await until(pilot, lambda: "of 40" in screen_text(pilot), "the count")
        await pilot.press("enter")
        await until(pilot, lambda: "40 of 40" in screen_text(pilot), "the last")
        backend.emit(run, output_event(b"took 999 ms\r\n"))
        await until(pilot, lambda: "of 41" in screen_text(pilot), "what comes is searched too")


async def test_landmarks_of_messages_and_approvals(app: StigmerApp, backend: ScriptedBackend) -> None:
    """`a` is the card while something waits, else the next decision."""
    asked = ev.ToolCallRequested(call_id="c9", name="shell")
    asked.args.fields["command"].string_value = "rm x"
    decided = [
        ev.Event(tool_call_requested=asked),
        ev.Event(approval_requested=ev.ApprovalRequested(call_id="c9", summary="rm x", prefix=["rm"])),
        ev.Event(approval_resolved=ev.ApprovalResolved(call_id="c9", approval=ev.APPROVAL_PREFIX, author="local-user")),
    ]
    filler = [event for n in range(5, 30) for event in said(n, f"message {n}")]
    run = agent_run(backend, *said(1, "first", person=True), *said(2, "second"), *decided, *filler)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, run, "message 29")
        await pilot.press("g", "a")
        await settled(pilot)
        assert "allowed, and everything that begins with ‘rm’, by local-user" in screen_text(pilot)
        assert screen.transcript.text_of_row(screen.transcript.cursor) == "$ rm x"
        await pilot.press("M")
        await settled(pilot)
        assert "second" in screen.transcript.text_of_row(screen.transcript.cursor + 1)
        again = ev.ToolCallRequested(call_id="c10", name="shell")
        backend.emit(
            run,
            ev.Event(tool_call_requested=again),
            ev.Event(approval_requested=ev.ApprovalRequested(call_id="c10", summary="rm y")),
        )
        await until(pilot, lambda: screen.deciding.card.display, "the card")
        await pilot.press("a")
        await until(pilot, lambda: app.focused is screen.deciding.card.text, "it has the focus")


async def test_selecting_by_keys(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Whole rows, in both panes."""
    run = backend.add_execution(message="log", phase=enums.EXECUTION_IN_PROGRESS)
    backend.emit(run, output_event(b"one\r\n\x1b[31mtwo\x1b[0m\r\nthree\r\n"))
    async with app.run_test() as pilot:
        await opened(pilot, app, run, "three")
        await pilot.press("g", "V", "j")
        await until(pilot, lambda: "2 selected" in screen_text(pilot), "what is selected")
        await pilot.press("y")
        await settled(pilot)
        assert app.clipboard == "one\ntwo"
        assert "selected" not in screen_text(pilot)
        await pilot.press("V", "escape")
        await settled(pilot)
        assert isinstance(app.screen, RunScreen)


async def test_selecting_by_the_mouse(app: StigmerApp, backend: ScriptedBackend) -> None:
    """Any piece of text, copied when the button is let go; wide characters whole; still there to be copied again."""
    run = backend.add_execution(message="log", phase=enums.EXECUTION_IN_PROGRESS)
    backend.emit(run, output_event("alpha beta\r\n漢字 gamma\r\nlast\r\n".encode()))
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, run, "last")
        await pilot.press("g")
        view = screen.output

        def at(x: int, y: int) -> MouseMove:
            return MouseMove(view, x, y, 1, 0, 1, False, False, False, x, y)

        await pilot.mouse_down(view, offset=(7, 0))
        view.post_message(at(4, 1))
        await settled(pilot)
        await pilot.mouse_up(view, offset=(4, 1))
        await until(pilot, lambda: app.clipboard == "beta\n漢字", f"copied {app.clipboard!r}")
        app.copy_to_clipboard("")
        await pilot.press("y")
        await settled(pilot)
        assert app.clipboard == "beta\n漢字"
        await pilot.click(view, offset=(2, 2))
        await settled(pilot)
        assert view.selection is None
        assert view.cursor == 2


async def test_the_menu_of_a_block(app: StigmerApp, backend: ScriptedBackend, tmp_path: Path) -> None:
    """Copy as Markdown, to the composer, save, branch, retry, undo: each about the block under the cursor."""
    run = agent_run(
        backend, *said(1, "first", person=True), *said(2, "answer"), *said(3, "second", person=True), *called(1, "r")
    )
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, run, "✓ done · 1.2 s")

        async def choose(key: str) -> None:
            app.screen.set_focus(screen.transcript)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, BlockMenu), "the menu")
            await pilot.press(key)
            await until(pilot, lambda: not isinstance(app.screen, BlockMenu), "it is closed")

        await pilot.press("g", "t", "t", "t")
        await choose("m")
        assert app.clipboard.startswith("**grep** x\n\n*done · 1.2 s*\n\n```\nr\n```")
        await choose("escape")
        await choose("s")
        path = tmp_path / "kept.md"
        screen.blocks.line.value = str(path)
        await pilot.press("enter")
        await until(pilot, path.exists, "the file")
        await choose("s")
        screen.blocks.line.value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: "is there already" in screen_text(pilot), "nothing is written over")
        await choose("u")
        await until(pilot, lambda: bool(backend.calls_of("UndoTurn")), "undone")
        undone = backend.calls_of("UndoTurn")[0].request
        assert isinstance(undone, UndoTurnRequest)
        assert undone.message_id == "m3"
        await until(pilot, lambda: "Put back as before: a.py." in screen_text(pilot), "what came of it")
        await choose("i")
        await until(pilot, lambda: screen.composer.has_focus, "the composer")
        assert "r" in screen.composer.text
        await pilot.press("escape")
        await choose("r")
        await until(pilot, lambda: bool(backend.calls_of("RetryMessage")), "retried")
        asked = backend.calls_of("RetryMessage")[0].request
        assert isinstance(asked, RetryMessageRequest)
        assert (asked.execution_id, asked.message_id, asked.keep_files) == (run, "m3", False)
        await until(
            pilot, lambda: app.screen is not screen and isinstance(app.screen, RunScreen), "the new run is shown"
        )
        await until(pilot, lambda: "made.txt" in screen_text(pilot), "what was put back is named")


async def test_from_a_call_to_what_it_printed(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The same command ran twice: the output of this one."""
    events: list[ev.Event] = []
    for number, printed in enumerate(("first", "second"), 1):
        requested = ev.ToolCallRequested(call_id=f"c{number}", name="shell")
        requested.args.fields["command"].string_value = "make"
        started = ev.ToolCallStarted(call_id=f"c{number}", terminal_id=f"term-{number}")
        text = "".join(f"{printed} {n}\r\n" for n in range(60)).encode()
        events += [
            ev.Event(tool_call_requested=requested),
            ev.Event(tool_call_started=started),
            output_event(text, number),
            ev.Event(tool_call_finished=ev.ToolCallFinished(call_id=f"c{number}", outcome=ev.TOOL_OUTCOME_ENDED)),
        ]
    run = agent_run(backend, *said(1, "go", person=True), *events, *said(9, "done"))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, run, "done")
        for presses, words in ((1, "second 0"), (2, "first 0")):
            await pilot.press("end", *["T"] * presses, "o")
            await until(pilot, lambda words=words: words in shown(pilot), words)
            assert screen.output.text_of_row(screen.output.cursor) == "❯ make"
            await pilot.press("o")


async def test_the_menu_by_the_mouse(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The right button opens it on the block under it, a click chooses."""
    run = agent_run(backend, *said(1, "first", person=True), *said(2, "second answer"))
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, app, run, "second answer")
        row = next(y for y, line in enumerate(shown(pilot)) if "second answer" in line)
        await pilot.click(offset=(8, row), button=3)
        await until(pilot, lambda: isinstance(app.screen, BlockMenu), "the menu")
        row = next(y for y, line in enumerate(shown(pilot)) if line.endswith("Copy") or " Copy " in line)
        await pilot.click(offset=(50, row))
        await until(pilot, lambda: app.clipboard == "second answer", "it is copied")


async def test_usage_by_turn_sub_agents_folded_plan_pinned(app: StigmerApp, backend: ScriptedBackend) -> None:
    """What a turn used stands at its end; a sub-agent is a line until it is opened; the plan is in sight."""
    used = ev.Event(usage_reported=ev.UsageReported(input_tokens=1200, output_tokens=34, cost_micro_usd=20_000))
    inside = called(7, "inner result")
    for event in inside:
        event.sub_agent_id = "s1"
    todos = ev.TodoListChanged()
    todos.todos["a"].content, todos.todos["a"].status = "measure", enums.TODO_COMPLETED
    todos.todos["b"].content, todos.todos["b"].status = "cut", enums.TODO_IN_PROGRESS
    run = agent_run(
        backend,
        *said(1, "first", person=True),
        used,
        used,
        *said(2, "second", person=True),
        ev.Event(todo_list_changed=todos),
        ev.Event(sub_agent_started=ev.SubAgentStarted(sub_agent_id="s1", name="helper", input="help")),
        *inside,
    )
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot, app, run, "▶ helper")
        text = screen_text(pilot)
        assert "∑ 2 calls · 2,400 in · 68 out · $0.04" in text
        assert "1 step of its, folded" in text
        assert "inner result" not in text
        assert "plan 1/2" in text
        assert "cut" in text
        await pilot.press("k", "k", "f")
        await until(pilot, lambda: "inner result" in screen_text(pilot), "what it did")
        assert screen.transcript.row_count() > 5


async def test_the_panes_stand_as_somebody_wants_them_the_next_time_too(
    app: StigmerApp, backend: ScriptedBackend, home: Home
) -> None:
    """Beside, under, alone; zoomed without the lines around."""
    run = backend.add_execution(message="log", phase=enums.EXECUTION_IN_PROGRESS, events=tuple(said(1, "hello")))
    backend.emit(run, output_event(b"printed\r\n"))
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await opened(pilot, app, run, "printed")
        assert screen.transcript.region.y == screen.output.region.y
        await pilot.press("w")
        await until(pilot, lambda: screen.output.region.y > screen.transcript.region.y, "under")
        assert json.loads((home.root / "layout.json").read_text()) == {"panes": "under"}
        await pilot.press("w")
        await until(pilot, lambda: not screen.transcript.region.width, "alone")
        await pilot.press("w", "z")
        await until(pilot, lambda: screen.output.size.height >= 38 and not screen.bar.region.height, "zoomed")
        await pilot.press("escape")
        await until(pilot, lambda: bool(screen.bar.region.height), "as before")


@pytest.mark.parametrize("size", [(10, 3), (19, 5), (20, 5), (300, 100)])
async def test_any_size(app: StigmerApp, backend: ScriptedBackend, size: tuple[int, int]) -> None:
    """A run with one of everything, in a terminal of any size, through all its keys."""
    changed = ev.Event(file_changed=ev.FileChanged(path="x.py", diff=DIFF, change=ev.FILE_CHANGE_MODIFIED))
    run = agent_run(
        backend, *said(1, "do", person=True), *said(2, "yes", reasoning="why"), *called(1, numbered(30)), changed
    )
    backend.emit(run, output_event(b"printed\r\n"))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, run, "x.py changed")
        await pilot.resize_terminal(*size)
        for key in ("g", "F", "pagedown", "w", "w", "w", "z", "z", "o", "V", "j", "y", "o", "end", "T", "A", "E"):
            await pilot.press(key)
        await settled(pilot)
        await pilot.resize_terminal(160, 48)
        await pilot.press("F", "end")
        await until(pilot, lambda: "def new(): return 2" in screen_text(pilot), "the diff")
        assert isinstance(screen, RunScreen)
