"""What the screens look like: pictures at two sizes, dark and light. Look at them after a change: `pytest tests/tui/test_looks.py --snapshot-update`."""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.app import StigmerApp
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.support import MOMENT, StoppedClock, run_screen, screen_text, settled, typed, until

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["80x24", "160x48"])
LOOKS = pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])
PYTEST = b"""\x1b[1m============================= test session starts ==============================\x1b[0m\r
collected 12 items\r
\r
tests/test_store.py \x1b[32m.\x1b[0m\x1b[32m.\x1b[0m\x1b[32m.\x1b[0m\x1b[31mF\x1b[0m\x1b[32m.\x1b[0m                                             [ 41%]\r
tests/test_text.py \x1b[32m.......\x1b[0m                                            [100%]\r
\r
\x1b[31mFAILED\x1b[0m tests/test_store.py::\x1b[1mtest_cut\x1b[0m - AssertionError: assert 3 == 4\r
\x1b[31m========================= \x1b[31m\x1b[1m1 failed\x1b[0m, \x1b[32m11 passed\x1b[0m\x1b[31m in 0.42s\x1b[0m\x1b[31m =========================\x1b[0m\r
"""


class SvgPicture(SingleFileSnapshotExtension):
    """A file for each picture, which a browser shows."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT


async def shown(pilot: Pilot[int], app: StigmerApp, light: bool, words: str) -> None:
    """Wait for the words, in the wanted look, without a blinking cursor."""
    if light:
        app.action_toggle_look()
    await until(pilot, lambda: words in screen_text(pilot), words)
    await settled(pilot)


def same(app: StigmerApp, snapshot: SnapshotAssertion) -> bool:
    """Whether the screen looks as it did."""
    return snapshot.use_extension(SvgPicture) == app.export_screenshot(title="stigmer")


def add(
    backend: ScriptedBackend,
    clock: StoppedClock,
    ago: float,
    number: int,
    line: str,
    phase: "enums.ExecutionPhase.ValueType",
    *events: ev.Event,
) -> str:
    """A run of some time ago, with ids that are the same each time."""
    clock.now = MOMENT - ago
    return backend.add_execution(
        message=line,
        phase=phase,
        events=events,
        execution_id=f"aex-01m7xzs8a0{number:016}",
        session_id=f"ses-01m7xzs8a0{number:016}",
    )


def fill(backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Runs in all phases."""
    add(
        backend,
        clock,
        190_000,
        1,
        "git clone https://example.invalid/project.git",
        enums.EXECUTION_COMPLETED,
        *line_events("x", output=b"Resolving deltas: 100% (1204/1204), done.\r\n"),
    )
    add(
        backend,
        clock,
        9_000,
        2,
        "cargo build --release",
        enums.EXECUTION_COMPLETED,
        *line_events("x", output=b"\x1b[31merror[E0308]\x1b[0m: mismatched types\r\n", exit_code=101),
    )
    add(backend, clock, 4_000, 3, "sleep 1000", enums.EXECUTION_CANCELLED, *line_events("x", finished=False))
    failed = add(
        backend,
        clock,
        1_900,
        4,
        "./deploy.sh staging",
        enums.EXECUTION_IN_PROGRESS,
        *line_events("x", output=b"connecting ...\r\n", finished=False),
    )
    backend.emit(
        failed,
        ev.Event(
            phase_changed=ev.PhaseChanged(
                phase=enums.EXECUTION_FAILED, reason="the runner died while the command ran: its outcome is unknown"
            )
        ),
    )
    waiting = ev.Event(
        attention_raised=ev.AttentionRaised(attention_id="a", text="`sudo apt upgrade` waits for a password.")
    )
    add(
        backend,
        clock,
        130,
        5,
        "sudo apt upgrade",
        enums.EXECUTION_IN_PROGRESS,
        *line_events("x", output=b"[sudo] password for ada: ", finished=False),
        waiting,
    )
    stopping = add(
        backend,
        clock,
        95,
        6,
        "tail -f /var/log/syslog",
        enums.EXECUTION_IN_PROGRESS,
        *line_events("x", output=b"Nov 21 02:43:01 host systemd[1]: Started Session 4.\r\n", finished=False),
    )
    command = ev.CommandIssued(command_id="c", author="local-user")
    command.cancel.reason = ""
    backend.emit(stopping, ev.Event(command_issued=command))
    add(
        backend,
        clock,
        42,
        7,
        "make test",
        enums.EXECUTION_IN_PROGRESS,
        *line_events("x", output=PYTEST, finished=False),
    )
    add(backend, clock, 1, 8, "echo 日本語 && for i in $(seq 100); do echo $i; done", enums.EXECUTION_PENDING)
    clock.now = MOMENT


@SIZES
@LOOKS
async def test_the_empty_board(
    app: StigmerApp, backend: ScriptedBackend, size: tuple[int, int], light: bool, snapshot: SnapshotAssertion
) -> None:
    """Two lines that explain it."""
    async with app.run_test(size=size) as pilot:
        await shown(pilot, app, light, "Agents need a model")
        assert same(app, snapshot)


@SIZES
@LOOKS
async def test_the_board(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    size: tuple[int, int],
    light: bool,
    snapshot: SnapshotAssertion,
) -> None:
    """Runs in all phases."""
    fill(backend, clock)
    async with app.run_test(size=size) as pilot:
        await pilot.press("escape", "j")
        await shown(pilot, app, light, "8 runs")
        assert same(app, snapshot)


@SIZES
@LOOKS
async def test_a_live_run(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    size: tuple[int, int],
    light: bool,
    snapshot: SnapshotAssertion,
) -> None:
    """It follows, one line queues, another is being written."""
    execution_id = add(
        backend,
        clock,
        42,
        1,
        "make test",
        enums.EXECUTION_IN_PROGRESS,
        *line_events("make test", output=PYTEST[:-120], finished=False),
    )
    command = ev.CommandIssued(command_id="c", author="local-user")
    command.send_message.text = "git push"
    clock.now = MOMENT
    backend.emit(execution_id, ev.Event(command_issued=command))
    async with app.run_test(size=size) as pilot:
        app.open_run(execution_id)
        await until(pilot, lambda: "1 queued" in screen_text(pilot), "the run")
        await typed(pilot, "git stat")
        await shown(pilot, app, light, "git stat")
        assert same(app, snapshot)


@SIZES
@LOOKS
async def test_a_run_that_ended_with_a_search(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    size: tuple[int, int],
    light: bool,
    snapshot: SnapshotAssertion,
) -> None:
    """Matches are marked and counted, errors stand out, new output is counted where one reads."""
    events = [
        *line_events("make test", output=PYTEST, exit_code=1, number=1),
        *line_events(
            "git diff --stat",
            output=b" stigmer/store.py | 4 \x1b[32m+++\x1b[31m-\x1b[0m\r\n 1 file changed\r\n",
            number=2,
        ),
        *line_events("make test", output=PYTEST, exit_code=1, number=3),
        *line_events("vim stigmer/store.py", output=b"\x1b[?1049h\x1b[2Jtext\x1b[?1049l", number=4),
        *line_events("make test", output=PYTEST, exit_code=1, number=5),
    ]
    execution_id = add(backend, clock, 600, 1, "make test", enums.EXECUTION_COMPLETED, *events)
    clock.now = MOMENT
    async with app.run_test(size=size) as pilot:
        app.open_run(execution_id)
        await until(pilot, lambda: "completed" in screen_text(pilot), "the run")
        await pilot.press("escape", "g", "slash")
        await typed(pilot, "failed")
        await pilot.press("enter", "n")
        await shown(pilot, app, light, "2 of 6")
        assert same(app, snapshot)


@SIZES
async def test_a_transcript(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    """What a model would do, with everything that a transcript can show."""
    started = ev.ToolCallStarted(call_id="call-2", terminal_id="term-2")
    started.sandbox.kind, started.sandbox.reason = "none", "bubblewrap is not installed: apt install bubblewrap"
    args = ev.ToolCallRequested(call_id="call-3", name="read")
    args.args.fields["path"].string_value = "stigmer/store.py"
    killed = ev.ToolCallFinished(
        call_id="call-2", outcome=ev.ToolOutcome.TOOL_OUTCOME_CANCELLED, duration_micros=61_000_000
    )
    killed.killed.add(pid=4711, command="sleep 1000")
    todos = ev.TodoListChanged()
    for number, (status, text) in enumerate(
        [
            (enums.TODO_COMPLETED, "look at the failing test"),
            (enums.TODO_IN_PROGRESS, "mend the cut"),
            (enums.TODO_PENDING, "run everything"),
        ]
    ):
        todos.todos[str(number)].status, todos.todos[str(number)].content = status, text
    execution_id = add(
        backend, clock, 600, 1, "make test", enums.EXECUTION_IN_PROGRESS,
        *line_events("make test", output=PYTEST, exit_code=1),
        ev.Event(message_started=ev.MessageStarted(message_id="ai", type=enums.MESSAGE_AI)),
        ev.Event(reasoning_delta=ev.ReasoningDelta(message_id="ai", text="One test fails: the journal is cut one byte too late.")),
        ev.Event(text_delta=ev.TextDelta(message_id="ai", text="`test_cut` fails because the length is counted with its own field.\n\nI will look at the store.")),
        ev.Event(todo_list_changed=todos),
        ev.Event(tool_call_requested=args),
        ev.Event(tool_call_finished=ev.ToolCallFinished(call_id="call-3", outcome=ev.ToolOutcome.TOOL_OUTCOME_ENDED, result="def cut(data):\n    return data[:3]\n", duration_micros=2_000)),
        *line_events("sleep 1000", number=2, finished=False)[3:4], ev.Event(tool_call_started=started), ev.Event(tool_call_finished=killed),
        ev.Event(note_added=ev.NoteAdded(text="ask Ada about the length field", author="local-user")),
        ev.Event(attention_raised=ev.AttentionRaised(attention_id="a", text="May I change stigmer/store.py?")),
    )  # fmt: skip
    clock.now = MOMENT
    async with app.run_test(size=size) as pilot:
        app.open_run(execution_id)
        await until(pilot, lambda: "running" in screen_text(pilot), "the run")
        await pilot.press("escape", "o")
        await until(pilot, lambda: run_screen(app).transcript.has_focus, "the transcript")
        await shown(pilot, app, False, "May I change")
        assert same(app, snapshot)


@SIZES
async def test_the_help(
    app: StigmerApp, backend: ScriptedBackend, size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    """Over the board."""
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "Nothing has run" in screen_text(pilot), "the board")
        await pilot.press("f1")
        await shown(pilot, app, False, "esc closes")
        assert same(app, snapshot)


def add_three_agents(backend: ScriptedBackend, version: str, instructions: str) -> None:
    """With the same ids each time."""
    for name, words in (
        ("fixer", "Finds out why a test fails, and mends it."),
        ("reviewer", "Reads a change as a stranger would, and says what is unclear."),
        ("support", "Answers questions about the product from its documents."),
    ):
        agent = backend.add_agent(name, words)
        agent.metadata.id = f"agt-01m7xzs8a0{len(backend.agents):016}"
        agent.metadata.version.id = version
        agent.spec.instructions = instructions
        agent.status.audit.spec_audit.updated_at.FromSeconds(int(MOMENT) - 7_000 * len(backend.agents))


async def test_a_problem(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, snapshot: SnapshotAssertion
) -> None:
    """In words, above the composer."""
    fill(backend, clock)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "8 runs" in screen_text(pilot), "the list")
        app.say("the workspace /srv/project does not exist\ncreate it, or choose another one with F3", wrong=True)
        await shown(pilot, app, False, "does not exist")
        assert same(app, snapshot)


def model_events() -> tuple[ev.Event, ...]:
    """A model reads, thinks, edits, and asks whether it may run something."""
    read = ev.ToolCallRequested(call_id="c1", message_id="m1", name="read")
    read.args.fields["path"].string_value = "stigmer/paging.py"
    test = ev.ToolCallRequested(call_id="c3", message_id="m2", name="shell")
    test.args.fields["command"].string_value = "python -m pytest -q tests/test_paging.py && git add -A"
    edit = ev.ToolCallRequested(call_id="c2", message_id="m2", name="edit")
    edit.args.fields["path"].string_value = "stigmer/paging.py"
    diff = (
        "--- a/stigmer/paging.py\n+++ b/stigmer/paging.py\n@@ -14,7 +14,7 @@ def pages_of(rows, size):\n"
        "     if size < 1:\n         raise ValueError(size)\n-    return rows // size\n+    return -(-rows // size)\n"
    )
    todos = ev.TodoListChanged()
    for number, (words, status) in enumerate(
        [
            ("Find the fault", enums.TODO_COMPLETED),
            ("Mend it", enums.TODO_IN_PROGRESS),
            ("Run the tests", enums.TODO_PENDING),
        ]
    ):
        todos.todos[str(number)].content, todos.todos[str(number)].status = words, status
    ended = ev.ToolOutcome.TOOL_OUTCOME_ENDED
    return (
        ev.Event(message_started=ev.MessageStarted(message_id="m0", type=enums.MESSAGE_HUMAN)),
        ev.Event(text_delta=ev.TextDelta(message_id="m0", text="The last page is missing. Find out why, and mend it.")),
        ev.Event(message_completed=ev.MessageCompleted(message_id="m0")),
        ev.Event(
            model_call_started=ev.ModelCallStarted(message_id="m1", provider="scripted", model="demo-1", attempt=1)
        ),
        ev.Event(message_started=ev.MessageStarted(message_id="m1", type=enums.MESSAGE_AI)),
        ev.Event(
            reasoning_delta=ev.ReasoningDelta(message_id="m1", text="Pages are counted somewhere; look there first.")
        ),
        ev.Event(text_delta=ev.TextDelta(message_id="m1", text="I look at how pages are counted.")),
        ev.Event(message_completed=ev.MessageCompleted(message_id="m1")),
        ev.Event(tool_call_requested=read),
        ev.Event(tool_call_started=ev.ToolCallStarted(call_id="c1")),
        ev.Event(
            tool_call_finished=ev.ToolCallFinished(
                call_id="c1",
                outcome=ended,
                duration_micros=2_100,
                result="14  def pages_of(rows, size):\n15      return rows // size",
            )
        ),
        ev.Event(todo_list_changed=todos),
        ev.Event(message_started=ev.MessageStarted(message_id="m2", type=enums.MESSAGE_AI)),
        ev.Event(
            text_delta=ev.TextDelta(message_id="m2", text="It rounds down, so a last page that is not full is lost.")
        ),
        ev.Event(message_completed=ev.MessageCompleted(message_id="m2")),
        ev.Event(tool_call_requested=edit),
        ev.Event(tool_call_started=ev.ToolCallStarted(call_id="c2")),
        ev.Event(
            file_changed=ev.FileChanged(
                call_id="c2",
                path="stigmer/paging.py",
                change=ev.FILE_CHANGE_MODIFIED,
                diff=diff,
                lines_added=1,
                lines_removed=1,
            )
        ),
        ev.Event(tool_call_finished=ev.ToolCallFinished(call_id="c2", outcome=ended, duration_micros=4_400)),
        ev.Event(
            usage_reported=ev.UsageReported(
                model="demo-1", input_tokens=4_120, output_tokens=388, cost_micro_usd=21_000
            )
        ),
        ev.Event(tool_call_requested=test),
        ev.Event(
            approval_requested=ev.ApprovalRequested(
                call_id="c3",
                summary="python -m pytest -q tests/test_paging.py && git add -A",
                reason="it runs a command and changes files",
                binding=b"b" * 32,
                prefix=["python", "-m", "pytest"],
            )
        ),
    )


@SIZES
@LOOKS
async def test_a_run_that_asks(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    size: tuple[int, int],
    light: bool,
    snapshot: SnapshotAssertion,
) -> None:
    """A model's run: what it thought, read, changed, and what it waits for; somebody came to decide."""
    backend.add_agent("coder", "Writes code.")
    clock.now = MOMENT - 42
    execution_id = backend.add_execution(
        message="The last page is missing. Find out why, and mend it.",
        agent="coder",
        phase=enums.EXECUTION_IN_PROGRESS,
        events=model_events(),
        execution_id=f"aex-01m7xzs8a0{1:016}",
        session_id=f"ses-01m7xzs8a0{1:016}",
    )
    clock.now = MOMENT
    async with app.run_test(size=size) as pilot:
        app.open_run(execution_id)
        await until(pilot, lambda: "asks whether it may" in screen_text(pilot), "the run")
        await pilot.press("f4")
        await shown(pilot, app, light, "once")
        assert same(app, snapshot)


@SIZES
@LOOKS
async def test_the_library(
    app: StigmerApp,
    backend: ScriptedBackend,
    clock: StoppedClock,
    size: tuple[int, int],
    light: bool,
    snapshot: SnapshotAssertion,
) -> None:
    """Agents, and the selected one whole where there is room."""
    add_three_agents(backend, "2", "Be brief.\nNever change files that nobody asked about.")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        await pilot.press("f8")
        await until(pilot, lambda: "support" in screen_text(pilot), "the list")
        await pilot.press("j")
        await shown(pilot, app, light, "reviewer")
        assert same(app, snapshot)
