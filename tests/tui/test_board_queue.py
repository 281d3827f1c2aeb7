"""What waits for a person, on the board: the queue, deciding and answering without opening a run, and everything that must not decide."""

from collections.abc import Sequence

import pytest
from textual import events
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import AnswerRequest, ResolveApprovalRequest
from stigmer_apis.fold.texts import CUT
from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.widgets.approval.words import shown_rows, warnings_of
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.hostile import HOSTILE
from tests.tui.support import StoppedClock, screen_text, settled, typed, until


def asks(call_id: str, command: str, *, binding: bytes = b"") -> tuple[ev.Event, ...]:
    """A tool call that waits for a decision; calls with the same binding would do the same."""
    requested = ev.ToolCallRequested(call_id=call_id, message_id="m1", name="shell")
    requested.args.fields["command"].string_value = command
    return (
        ev.Event(tool_call_requested=requested),
        ev.Event(
            approval_requested=ev.ApprovalRequested(
                call_id=call_id, summary=command, binding=binding or command.encode()[:64], reason="it changes files"
            )
        ),
        ev.Event(
            attention_raised=ev.AttentionRaised(
                attention_id=f"approval-{call_id}",
                kind=AttentionKind.ATTENTION_KIND_APPROVAL,
                text=command[:200],
                call_id=call_id,
            )
        ),
    )


def run(backend: ScriptedBackend, clock: StoppedClock, message: str, *happened: ev.Event) -> str:
    """A run of a model, a second later than the one before."""
    clock.now += 1
    if not any(agent.metadata.name == "coder" for agent in backend.agents):
        backend.add_agent("coder")
    return backend.add_execution(message=message, agent="coder", phase=enums.EXECUTION_IN_PROGRESS, events=happened)


def failed(backend: ScriptedBackend, clock: StoppedClock, message: str) -> str:
    """A run that failed."""
    execution_id = run(backend, clock, message)
    backend.move(execution_id, enums.EXECUTION_FAILED, f"{message} broke")
    return execution_id


def decisions(backend: ScriptedBackend) -> list[ResolveApprovalRequest]:
    """What was decided."""
    requests = [call.request for call in backend.calls_of("ResolveApproval")]
    return [request for request in requests if isinstance(request, ResolveApprovalRequest)]


async def at_card(pilot: Pilot[int], app: StigmerApp, clock: StoppedClock, waiting: int = 1) -> None:
    """Go to the first thing that waits; its half second is over."""
    words = f"{waiting} wait{'s' if waiting == 1 else ''} for you"
    await until(pilot, lambda: words in screen_text(pilot), words)
    await pilot.press("escape", "a")
    await until(pilot, lambda: "asks whether it may" in screen_text(pilot), "the card")
    clock.now += 1


async def test_the_queue_shows_what_waits_over_all_runs(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """By kind, the oldest first, then failures; `a` goes through them, and around; a run that is decided leaves it."""
    first = run(backend, clock, "clean up", *asks("c1", "rm -rf build"))
    raised = ev.AttentionRaised(attention_id="i", kind=AttentionKind.ATTENTION_KIND_PASSWORD, text="sudo waits")
    run(backend, clock, "upgrade", ev.Event(attention_raised=raised))
    failed(backend, clock, "deploy")
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "1 new failure" in screen_text(pilot), "the failure")
        await until(pilot, lambda: "2 wait for you" in screen_text(pilot), "what waits")
        lines = [line for line in screen_text(pilot).splitlines() if line.startswith((" ◆", " *", " ✗ failed"))]
        assert [line.split()[1] for line in lines[:3]] == ["asks", "password", "failed"]
        await pilot.press("escape")
        selected: list[str] = []
        for _ in range(4):
            await pilot.press("a")
            await settled(pilot)
            assert app.board.table.selected is not None
            selected.append(app.board.table.selected.subject)
        assert selected == ["clean up", "upgrade", "deploy", "clean up"]
        backend.emit(first, ev.Event(approval_resolved=ev.ApprovalResolved(call_id="c1", author="somebody")))
        await until(pilot, lambda: "1 waits for you" in screen_text(pilot), "one less")
        assert app.focused is app.board.table


async def test_failures_are_new_until_they_are_seen(
    app: StigmerApp, home: Home, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """By opening one, by `m`, by `M`; a second workstation agrees."""
    names = [failed(backend, clock, f"deploy {number}") for number in range(4)]
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "4 new failures" in screen_text(pilot), "failures")
        await pilot.press("escape", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen), "the run")
        await until(pilot, lambda: names[3] in backend.seen, "seen by opening")
        app.screen.set_focus(None)
        app.pop_screen()
        await until(pilot, lambda: "3 new failures" in screen_text(pilot), "one less")
        await pilot.press("j", "m")
        await until(pilot, lambda: "2 new failures" in screen_text(pilot), "two less")
        other = StigmerApp(home, clock=clock, start_daemon=False)
        async with other.run_test(size=(100, 30)) as second:
            await until(second, lambda: "2 new failures" in screen_text(second), "the same")
            await second.press("escape", "M")
            await until(second, lambda: "new failure" not in screen_text(second), "none")
        await until(pilot, lambda: "new failure" not in screen_text(pilot), "none here")


@pytest.mark.parametrize(
    ("key", "approval"), [("o", ev.APPROVAL_ONCE), ("s", ev.APPROVAL_SESSION), ("d", ev.APPROVAL_DENIED)]
)
async def test_deciding_without_opening_the_run(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, key: str, approval: "ev.Approval.ValueType"
) -> None:
    """The answer binds the run, the call and what was shown, and the list has the keys again."""
    execution_id = run(backend, clock, "clean up", *asks("c1", "rm -rf build"))
    async with app.run_test() as pilot:
        await at_card(pilot, app, clock)
        assert "coder, clean up: shell asks whether it may" in screen_text(pilot)
        await pilot.press(key)
        await until(pilot, lambda: len(decisions(backend)) == 1, "the decision")
        (decided,) = decisions(backend)
        assert (decided.execution_id, decided.call_id, decided.approval) == (execution_id, "c1", approval)
        assert decided.binding == b"rm -rf build"
        await until(pilot, lambda: app.focused is app.board.table, "the list")


async def test_nothing_that_is_typed_before_decides(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """Queued keys, keys at the moment of arrival, what is typed into the composer, a paste, enter and space."""
    run(backend, clock, "clean up", *asks("c1", "rm -rf build"))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "1 waits for you" in screen_text(pilot), "what waits")
        await typed(pilot, "osdA")
        await pilot.press("escape", *"osAyoo")
        await settled(pilot)
        assert "asks whether it may" not in screen_text(pilot)
        await pilot.press("escape", "escape", "a", "o", "A", "y", "o", "s")
        await settled(pilot)
        assert "too soon" in screen_text(pilot)
        clock.now += 1
        app.board.post_message(events.Paste("o\ns\ny\nA\n"))
        card_text = app.focused
        assert card_text is not None
        card_text.post_message(events.Paste("oo"))
        await pilot.press("space", "y", "x", "up")
        await settled(pilot)
        assert decisions(backend) == []
        await pilot.press("o")
        await until(pilot, lambda: len(decisions(backend)) == 1, "the decision")


async def test_a_resize_hides_what_was_seen(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """A long command has to be on the screen to its end, and again after each change of the width."""
    long = "\n".join(f"echo {number}" for number in range(60)) + "\nrm -rf /"
    run(backend, clock, "clean up", *asks("c1", long))
    async with app.run_test(size=(80, 24)) as pilot:
        await at_card(pilot, app, clock)
        await pilot.press("o")
        await settled(pilot)
        assert "not all of it" in screen_text(pilot)
        for width in (80, 60, 20):
            await pilot.resize_terminal(width, 24)
            await settled(pilot)
            await pilot.press("o", "A", "s")
            await settled(pilot)
            assert decisions(backend) == []
            for _ in range(20):
                await pilot.press("pagedown")
            await settled(pilot)
        assert "rm -rf /" in screen_text(pilot)
        await pilot.press("o")
        await until(pilot, lambda: len(decisions(backend)) == 1, "the decision")


async def test_what_is_cut_cannot_be_allowed_here(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """The run itself has all of it; denying needs no more than what is here."""
    run(backend, clock, "write", *asks("c1", "x" * 70_000))
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: "1 waits for you" in screen_text(pilot), "what waits")
        item = app.board.queue.items[0]
        assert item.text.endswith(CUT)
        await pilot.press("escape", "a")
        await until(pilot, lambda: "asks whether it may" in screen_text(pilot), "the card")
        clock.now += 1
        for _ in range(60):
            await pilot.press("pagedown")
        await pilot.press("o", "s", "A", "e")
        await settled(pilot)
        assert decisions(backend) == []
        assert "not all of it is here" in screen_text(pilot)
        await pilot.press("d")
        await until(pilot, lambda: len(decisions(backend)) == 1, "denied")


async def test_somebody_else_answers_first(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """The card goes, or shows the next one with a half second of its own; a key that was on its way decides nothing."""
    first = run(backend, clock, "one", *asks("c1", "rm one"))
    run(backend, clock, "two", *asks("c1", "rm two"))
    async with app.run_test() as pilot:
        await at_card(pilot, app, clock, 2)
        assert "rm one" in screen_text(pilot)
        backend.emit(first, ev.Event(approval_resolved=ev.ApprovalResolved(call_id="c1", author="somebody")))
        await until(pilot, lambda: "coder, two: shell asks" in screen_text(pilot), "the next one")
        await pilot.press("o", "o")
        await settled(pilot)
        assert decisions(backend) == []
        assert "too soon" in screen_text(pilot)


async def test_all_that_is_identical_at_once(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Only the same binding; it says how many, asks, and takes no answer of the same moment; what comes meanwhile is not among them."""
    same = [run(backend, clock, f"same {number}", *asks("c1", "make clean")) for number in range(3)]
    run(backend, clock, "elsewhere", *asks("c1", "make clean", binding=b"another directory"))
    run(backend, clock, "longer", *asks("c1", "make clean -j", binding=b"make clean"))
    async with app.run_test(size=(120, 40)) as pilot:
        await at_card(pilot, app, clock, 5)
        assert "A all 3 identical" in screen_text(pilot)
        await pilot.press("A", "y", "y")
        await settled(pilot)
        assert "allows these 3 identical calls in 3 runs" in screen_text(pilot)
        assert decisions(backend) == []
        clock.now += 1
        await pilot.press("down", "y")
        await settled(pilot)
        assert decisions(backend) == []
        await pilot.press("A")
        clock.now += 30
        await pilot.press("y")
        await settled(pilot)
        assert decisions(backend) == []
        clock.now += 1
        await pilot.press("A")
        same.append(run(backend, clock, "late", *asks("c1", "make clean")))
        await until(pilot, lambda: "6 wait for you" in screen_text(pilot), "another one")
        clock.now += 1
        await pilot.press("y")
        await settled(pilot)
        assert decisions(backend) == []
        await pilot.press("A")
        await until(pilot, lambda: "these 4 identical" in screen_text(pilot), "the question")
        clock.now += 1
        await pilot.press("y")
        await until(pilot, lambda: len(decisions(backend)) == 4, "the decisions")
        assert {decided.execution_id for decided in decisions(backend)} == set(same)
        assert {decided.approval for decided in decisions(backend)} == {ev.APPROVAL_ONCE}
        await until(pilot, lambda: "2 wait for you" in screen_text(pilot), "what is left")


async def test_a_question_is_answered_on_the_board(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """By a number or in words; escape answers later; where somebody else answers, the line goes."""
    asked = ev.QuestionAsked(attention_id="q1", text="Which [b]port[/b]?", options=["8080", "9090"])
    raised = ev.AttentionRaised(attention_id="q1", kind=AttentionKind.ATTENTION_KIND_QUESTION, text="Which port?")
    both = (ev.Event(question_asked=asked), ev.Event(attention_raised=raised))
    execution_id, other = run(backend, clock, "serve", *both), run(backend, clock, "serve too", *both)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "2 wait for you" in screen_text(pilot), "the questions")
        await pilot.press("escape", "a")
        await until(pilot, lambda: "2  9090" in screen_text(pilot), "the options")
        assert "Which [b]port[/b]?" in screen_text(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert app.focused is app.board.table
        await pilot.press("a")
        await until(pilot, lambda: "serve too" in screen_text(pilot) and app.focused is not app.board.table, "the next")
        backend.emit(other, ev.Event(attention_cleared=ev.AttentionCleared(attention_id="q1")))
        await until(pilot, lambda: "Somebody else answered" in screen_text(pilot), "it is gone")
        await pilot.press("a", "2", "enter")
        await until(pilot, lambda: bool(backend.calls_of("Answer")), "the answer")
        request = backend.calls_of("Answer")[0].request
        assert isinstance(request, AnswerRequest)
        assert (request.execution_id, request.attention_id, request.text) == (execution_id, "q1", "9090")


async def test_more_waits_than_is_shown(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Some lines and a count; a click goes to one, the key through all of them; small screens show none."""
    for number in range(12):
        run(backend, clock, f"run {number}", *asks("c1", f"rm {number}"))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "12 wait for you" in screen_text(pilot), "what waits")
        assert "6 more; a goes" in screen_text(pilot)
        await pilot.click(app.board.queue_view, offset=(20, 2))
        await until(pilot, lambda: "coder, run 2: shell asks" in screen_text(pilot), "the third")
        for _ in range(9):
            await pilot.press("n")
        await until(pilot, lambda: "coder, run 11: shell asks" in screen_text(pilot), "the last")
        await pilot.resize_terminal(80, 12)
        await settled(pilot)
        assert not app.board.queue_view.display


async def test_what_waits_far_down(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """A run that was not fetched is what keys are about, until the cursor moves."""
    broken = failed(backend, clock, "old deploy")
    for number in range(300):
        run(backend, clock, f"later {number}")
    async with app.run_test(size=(120, 30)) as pilot:
        await until(pilot, lambda: "1 new failure" in screen_text(pilot), "the failure")
        await pilot.press("escape", "j", "a")
        await until(pilot, lambda: "old deploy, further down" in screen_text(pilot), "it is said")
        await pilot.press("j")
        await settled(pilot)
        assert "further down" not in screen_text(pilot)
        await pilot.press("m")
        await until(pilot, lambda: "did not fail" in screen_text(pilot), "another one")
        assert broken not in backend.seen
        await pilot.press("a", "m")
        await until(pilot, lambda: broken in backend.seen, "seen")


async def test_hostile_words_in_the_queue(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Nothing of it is markup, and no control code is drawn."""
    for text in HOSTILE[:12]:
        harmless = text.encode("utf-8", "replace").decode()
        run(backend, clock, harmless, *asks("c1", harmless))
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda: "wait for you" in screen_text(pilot), "what waits")
        await pilot.press("escape")
        for _ in range(12):
            await pilot.press("a")
            await settled(pilot)
            assert "\x1b" not in app.export_screenshot()
        assert app.is_running
        assert decisions(backend) == []


SHOWN: Sequence[tuple[str, str]] = [
    ("echo \u202egnp.exe", "⟨U+202E⟩"),
    ("echo \u2066rm\u2069", "⟨U+2066⟩"),
    ("echo a\u200bb", "⟨U+200B⟩"),
    ("echo a\u00adb", "⟨U+00AD⟩"),
    ("rm -rf /\recho harmless", "␍"),
    ("echo hi" + " " * 10_240 + "; rm -rf /", "rm -rf /"),
]


@pytest.mark.parametrize(("text", "mark"), SHOWN)
def test_what_turns_text_round_is_a_mark(text: str, mark: str) -> None:
    assert mark in "\n".join(shown_rows(text, 60))


def test_letters_that_look_like_others_are_named() -> None:
    assert any("cyrillic" in warning for warning in warnings_of("cat /etc/pаsswd"))
