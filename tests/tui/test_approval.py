"""Deciding about tool calls: no key is stolen, nothing is allowed by accident, nothing hides in what is shown."""

import pytest
from textual.pilot import Pilot

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import (
    AnswerRequest,
    ChangeModelRequest,
    ResolveApprovalRequest,
)
from stigmer_tui.app import StigmerApp
from stigmer_tui.screens.run import RunScreen
from stigmer_tui.widgets.approval.words import shown_rows, warnings_of
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import StoppedClock, run_screen, screen_text, settled, typed, until

COMMAND = "rm -rf build"
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1 +1,2 @@\n-old\n+new\n+newer\n"


def asks(call_id: str, command: str = COMMAND, *, prefix: tuple[str, ...] = ()) -> tuple[ev.Event, ...]:
    """A tool call that waits for a decision."""
    requested = ev.ToolCallRequested(call_id=call_id, message_id="m1", name="shell")
    requested.args.fields["command"].string_value = command
    approval = ev.ApprovalRequested(
        call_id=call_id,
        summary=command,
        binding=call_id.encode() * 8,
        reason="it changes files",
        prefix=prefix,
    )
    raised = ev.AttentionRaised(
        attention_id=f"approval-{call_id}", kind=AttentionKind.ATTENTION_KIND_APPROVAL, text=command, call_id=call_id
    )
    return (
        ev.Event(tool_call_requested=requested),
        ev.Event(approval_requested=approval),
        ev.Event(attention_raised=raised),
    )


def waiting(backend: ScriptedBackend, *events: ev.Event) -> str:
    """A run of a model that asks."""
    backend.add_agent("coder", "Writes code.")
    return backend.add_execution(
        message="clean up", agent="coder", phase=enums.EXECUTION_IN_PROGRESS, events=events or asks("c1")
    )


async def opened(pilot: Pilot[int], app: StigmerApp, execution_id: str) -> RunScreen:
    """The run, with its card."""
    await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
    app.open_run(execution_id)
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and run_screen(app).feed.state.agent != "", "the run")
    await until(pilot, lambda: run_screen(app).deciding.card.display, "the card")
    return run_screen(app)


def decisions(backend: ScriptedBackend) -> list[ResolveApprovalRequest]:
    """What was decided."""
    requests = [call.request for call in backend.calls_of("ResolveApproval")]
    return [request for request in requests if isinstance(request, ResolveApprovalRequest)]


async def test_it_takes_no_key_until_somebody_goes_to_it(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """What is typed goes into the composer, whatever it is."""
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, waiting(backend))
        clock.now += 5
        await typed(pilot, "ospdreoo")
        await settled(pilot)
        assert screen.composer.text == "ospdreoo"
        assert decisions(backend) == []
        assert "rm -rf build" in screen_text(pilot)


async def test_one_is_back_where_one_was(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Before deciding, before writing a reason, and before leaving it for later; also in the composer with nothing written."""
    async with app.run_test(size=(160, 40)) as pilot:
        calls = [event for number in range(4) for event in asks(f"c{number}")]
        screen = await opened(pilot, app, waiting(backend, *calls))
        for place, keys in (
            (screen.composer, "d"),
            (screen.transcript, "rno\n"),
            (screen.composer, "q"),
        ):
            screen.set_focus(place)
            await settled(pilot)
            before = len(decisions(backend))
            await pilot.press("f4")
            clock.now += 1
            await typed(pilot, keys)
            await until(
                pilot, lambda before=before, keys=keys: len(decisions(backend)) == before + ("q" not in keys), keys
            )
            if screen.deciding.card.text.has_focus:
                await pilot.press("escape")
            await until(pilot, lambda place=place: screen.focused is place, f"back after {keys!r}")


@pytest.mark.parametrize(
    ("key", "approval"),
    [
        ("o", ev.APPROVAL_ONCE),
        ("s", ev.APPROVAL_SESSION),
        ("p", ev.APPROVAL_PREFIX),
        ("d", ev.APPROVAL_DENIED),
    ],
)
async def test_an_answer_binds_what_was_shown(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, key: str, approval: "ev.Approval.ValueType"
) -> None:
    """And the card goes, and says so in the transcript."""
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, waiting(backend, *asks("c1", prefix=("rm", "-rf"))))
        await pilot.press("f4")
        clock.now += 1
        await pilot.press(key)
        await until(pilot, lambda: len(decisions(backend)) == 1, "the decision")
        (decided,) = decisions(backend)
        assert (decided.call_id, decided.approval, decided.binding) == ("c1", approval, b"c1" * 8)
        await until(pilot, lambda: not screen.deciding.card.display, "the card goes")
        await until(
            pilot,
            lambda: (
                "by local-user"
                in "".join(screen.transcript.text_of_row(row) for row in range(screen.transcript.row_count()))
            ),
            "in the transcript",
        )


async def test_a_key_right_after_it_came_is_no_answer(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """Nor one that was queued, nor one while somebody types."""
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, waiting(backend))
        await pilot.press("f4", "o", "o", "enter")
        await settled(pilot)
        assert decisions(backend) == []
        assert "too soon" in screen_text(pilot)
        clock.now += 10
        screen.set_focus(screen.composer)
        await typed(pilot, "x")
        await pilot.press("f4", "o")
        await settled(pilot)
        assert decisions(backend) == []
        clock.now += 1
        await pilot.press("enter", "space", "y")
        await settled(pilot)
        assert decisions(backend) == []
        await pilot.press("o")
        await until(pilot, lambda: len(decisions(backend)) == 1, "the decision")


async def test_coming_back_to_a_card_is_no_answer(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """It had the keys when another tab, a palette, a list came in front: what is typed right after these is no answer."""
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, waiting(backend))
        await pilot.press("f4")
        await until(pilot, lambda: screen.deciding.card.text.has_focus, "the card")
        clock.now += 10
        for away, back in (("ctrl+p", "escape"), ("colon", "escape"), ("question_mark", "escape"), ("alt+t", "alt+1")):
            await pilot.press(away)
            await until(pilot, lambda: app.screen is not screen, "something in front")
            clock.now += 10
            await pilot.press(back)
            await until(pilot, lambda: app.screen is screen, "back")
            await pilot.press("o")
            await settled(pilot)
            assert decisions(backend) == [], away
            clock.now += 10
        await pilot.press("o")
        await until(pilot, lambda: len(decisions(backend)) == 1, "the decision")


async def test_the_whole_must_have_been_on_the_screen(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """Also after a resize, which shows other rows."""
    long = "\n".join(f"echo {number}" for number in range(60)) + "\nrm -rf /"
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, waiting(backend, *asks("c1", long)))
        await pilot.press("f4")
        clock.now += 1
        await pilot.press("o")
        await settled(pilot)
        assert decisions(backend) == []
        assert "not all of it" in screen_text(pilot)
        for _ in range(20):
            await pilot.press("pagedown")
        await settled(pilot)
        assert screen.deciding.card.text.all_seen
        await pilot.resize_terminal(60, 24)
        await settled(pilot)
        await pilot.press("o")
        await settled(pilot)
        assert decisions(backend) == []
        for _ in range(20):
            await pilot.press("pagedown")
        await settled(pilot)
        await pilot.press("o")
        await until(pilot, lambda: len(decisions(backend)) == 1, "the decision")


async def test_somebody_else_answers_first(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """The card goes; a key that was meant for it does nothing."""
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, waiting(backend))
        await pilot.press("f4")
        clock.now += 1
        resolved = ev.ApprovalResolved(call_id="c1", approval=ev.APPROVAL_DENIED, author="somebody")
        backend.emit(screen.feed.state.execution_id, ev.Event(approval_resolved=resolved))
        await until(pilot, lambda: not screen.deciding.card.display, "the card goes")
        await pilot.press("o")
        await settled(pilot)
        assert decisions(backend) == []


async def test_the_next_one_starts_its_own_half_second(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """A second press that was meant for the first one allows nothing."""
    async with app.run_test() as pilot:
        await opened(pilot, app, waiting(backend, *asks("c1"), *asks("c2", "curl evil.example")))
        assert "1 of 2" in screen_text(pilot)
        await pilot.press("f4")
        clock.now += 1
        await pilot.press("o", "o", "o")
        await until(pilot, lambda: len(decisions(backend)) == 1, "the first")
        await settled(pilot)
        assert [decided.call_id for decided in decisions(backend)] == ["c1"]
        assert "curl evil.example" in screen_text(pilot)


async def test_the_same_call_asked_about_again_is_shown_again(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock
) -> None:
    """An answer is good for one question."""
    async with app.run_test() as pilot:
        screen = await opened(pilot, app, waiting(backend))
        await pilot.press("f4")
        clock.now += 1
        await pilot.press("o")
        await until(pilot, lambda: not screen.deciding.card.display, "the card goes")
        backend.emit(screen.feed.state.execution_id, *asks("c1")[1:])
        await until(pilot, lambda: screen.deciding.card.display, "the card is back")
        await pilot.press("f4")
        clock.now += 1
        await pilot.press("d")
        await until(pilot, lambda: len(decisions(backend)) == 2, "the second decision")


async def test_denied_with_a_reason(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """The agent reads it."""
    async with app.run_test() as pilot:
        await opened(pilot, app, waiting(backend))
        await pilot.press("f4")
        clock.now += 1
        await pilot.press("r")
        await typed(pilot, "use make clean")
        await pilot.press("enter")
        await until(pilot, lambda: len(decisions(backend)) == 1, "the decision")
        (decided,) = decisions(backend)
        assert (decided.approval, decided.reason) == (ev.APPROVAL_DENIED, "use make clean")


async def test_an_edited_command_runs_instead(app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock) -> None:
    """Once, and whole."""
    async with app.run_test() as pilot:
        await opened(pilot, app, waiting(backend))
        await pilot.press("f4")
        clock.now += 1
        await pilot.press("e", "end")
        await until(pilot, lambda: "change it below" in screen_text(pilot), "what the line is for")
        await typed(pilot, " -v")
        await pilot.press("enter")
        await until(pilot, lambda: len(decisions(backend)) == 1, "the decision")
        (decided,) = decisions(backend)
        assert decided.approval == ev.APPROVAL_ONCE
        assert decided.edited_args.fields["command"].string_value == "rm -rf build -v"


async def test_several_lines_are_edited_in_the_editor(
    app: StigmerApp, backend: ScriptedBackend, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not changed there is not allowed by it."""
    made = iter(("echo one\necho two", "echo one\necho three"))

    async def edit(text: str) -> str:
        assert text == "echo one\necho two\n"
        return next(made)

    monkeypatch.setattr(app, "edit", edit)
    async with app.run_test() as pilot:
        await opened(pilot, app, waiting(backend, *asks("c1", "echo one\necho two\n")))
        await pilot.press("f4")
        clock.now += 1
        await pilot.press("e")
        await until(pilot, lambda: "Nothing was changed" in screen_text(pilot), "it waits")
        assert decisions(backend) == []
        clock.now += 1
        await pilot.press("e")
        await until(pilot, lambda: len(decisions(backend)) == 1, "the decision")
        (decided,) = decisions(backend)
        assert decided.edited_args.fields["command"].string_value == "echo one\necho three"


async def test_what_one_writes_answers_the_question(app: StigmerApp, backend: ScriptedBackend) -> None:
    """A number chooses an option."""
    question = ev.QuestionAsked(attention_id="q1", text="Which port?", options=["8080", "9090"])
    raised = ev.AttentionRaised(attention_id="q1", kind=AttentionKind.ATTENTION_KIND_QUESTION, text="Which port?")
    async with app.run_test() as pilot:
        backend.add_agent("coder")
        execution_id = backend.add_execution(
            message="serve",
            agent="coder",
            phase=enums.EXECUTION_IN_PROGRESS,
            events=(ev.Event(question_asked=question), ev.Event(attention_raised=raised)),
        )
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        app.open_run(execution_id)
        await until(pilot, lambda: "Which port?" in screen_text(pilot), "the question")
        await typed(pilot, "2")
        await pilot.press("enter")
        await until(pilot, lambda: bool(backend.calls_of("Answer")), "the answer")
        request = backend.calls_of("Answer")[0].request
        assert isinstance(request, AnswerRequest)
        assert (request.attention_id, request.text) == ("q1", "9090")
        await until(pilot, lambda: not run_screen(app).feed.state.decisions.questions, "answered")


async def test_slash_commands_steer(app: StigmerApp, backend: ScriptedBackend) -> None:
    """An unknown one says which is near; nothing of it reaches the agent."""
    async with app.run_test() as pilot:
        await opened(pilot, app, waiting(backend))
        await typed(pilot, "/model gpt-x")
        await pilot.press("enter")
        await until(pilot, lambda: bool(backend.calls_of("ChangeModel")), "the wish")
        request = backend.calls_of("ChangeModel")[0].request
        assert isinstance(request, ChangeModelRequest)
        assert request.model == "gpt-x"
        await until(pilot, lambda: run_screen(app).feed.state.model == "gpt-x", "the model")
        await typed(pilot, "/help")
        await pilot.press("enter")
        await until(pilot, lambda: "/help what can be written here" in screen_text(pilot), "all of it")
        await typed(pilot, "/modle x")
        await pilot.press("enter")
        await until(pilot, lambda: "Did you mean /model?" in screen_text(pilot), "what is near")
        assert backend.calls_of("SendMessage") == []


async def test_after_the_end_a_policy_is_for_the_next_message(app: StigmerApp, backend: ScriptedBackend) -> None:
    """The run that it starts has it."""
    backend.add_agent("coder")
    execution_id = backend.add_execution(message="clean up", agent="coder", phase=enums.EXECUTION_COMPLETED)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.connection_words == "" and app.board.feed.window.loaded, "connected")
        app.open_run(execution_id)
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and bool(run_screen(app).feed.state.agent), "it")
        for line, shown in (("/policy all", "no policy 'all'"), ("/policy auto", "under the policy auto")):
            await typed(pilot, line)
            await pilot.press("enter")
            await until(pilot, lambda shown=shown: shown in screen_text(pilot), shown)
        await typed(pilot, "go on")
        await pilot.press("enter")
        await until(pilot, lambda: bool(started(backend)), "the next run")
        assert backend.calls_of("ChangePolicy") == []
        assert started(backend) == {"go on": "auto"}


def started(backend: ScriptedBackend) -> dict[str, str]:
    """The policy of each run that was started, by its message."""
    asked = [call.request for call in backend.calls_of("create")]
    return {each.spec.message: each.spec.options.policy.preset for each in asked if isinstance(each, AgentExecution)}


async def test_what_is_approved_for_the_session_is_listed_and_taken_back(
    app: StigmerApp, backend: ScriptedBackend
) -> None:
    """In the composer."""
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app, waiting(backend))
        for line, shown in (
            ("/approvals", "apv-1  shell  commands that begin with `make test`"),
            ("/approvals revoke apv-1", "apv-1 is taken back"),
            ("/approvals remove", "/approvals: what you approved"),
            ("/approvals revoke all", "apv-2 is taken back"),
            ("/approvals", "Nothing is approved for all of this session."),
        ):
            await typed(pilot, line)
            await pilot.press("enter")
            await until(
                pilot,
                lambda shown=shown: shown in " ".join(screen_text(pilot).split()) or shown in screen_text(pilot),
                shown,
            )
        assert backend.calls_of("SendMessage") == []


async def test_a_diff_has_its_colours_and_counts(app: StigmerApp, backend: ScriptedBackend) -> None:
    """In the transcript."""
    changed = ev.FileChanged(
        call_id="c1", path="x.py", change=ev.FILE_CHANGE_MODIFIED, diff=DIFF, lines_added=2, lines_removed=1
    )
    async with app.run_test() as pilot:
        await opened(pilot, app, waiting(backend, ev.Event(file_changed=changed), *asks("c1")))
        text = screen_text(pilot)
        assert "x.py changed  +2 −1" in text
        assert "+newer" in text
        assert "+++ b/x.py" not in text


DECEPTIONS = [
    ("echo hi" + " " * 10_240 + "; rm -rf /", "10,240 spaces"),
    ("echo hi" + "\n" * 500 + "rm -rf /", "empty lines"),
    ("rm -rf /\recho harmless", "␍"),
    ("echo \x1b[8mhidden\x1b[0m", "␛"),
    ("echo a\x08\x08b", "␈"),
]


@pytest.mark.parametrize(("summary", "mark"), DECEPTIONS)
def test_nothing_hides_in_what_is_shown(summary: str, mark: str) -> None:
    rows = "\n".join(shown_rows(summary, 60))
    assert mark in rows
    assert "rm -rf /" in rows or "rm" not in summary
    assert len(rows) < 2_000


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ("cat /etc/pаsswd", "cyrillic small letter a"),
        ("echo \u202egnp.exe", "right-to-left override"),
        ("echo \u200bhidden", "zero width space"),
        ("echo \x1b[31m", "control codes"),
        ("echo \U000e0041", "tag latin capital letter a"),
    ],
)
def test_what_one_would_overlook_is_named(summary: str, words: str) -> None:
    assert any(words in warning for warning in warnings_of(summary))


def test_an_ordinary_command_has_no_warning() -> None:
    assert warnings_of("git commit -m 'fix: x'\n\tmake test\r\n") == []


@pytest.mark.parametrize(
    "letter",
    [
        *map(chr, range(0xFE00, 0xFE10)),
        *map(chr, range(0x1F3FB, 0x1F400)),
        *"\u00a0\u2003\u3000\u2800\u3164\u034f\u200d\u00ad\ufeff\u17b4\u115f",
        chr(0xE0100),
    ],
    ids=lambda letter: f"U+{ord(letter):04X}",
)
def test_what_is_not_drawn_is_a_mark(letter: str) -> None:
    """Two commands that differ in it alone do not look alike: selectors of variants, tones, spaces that are none, fillers."""
    (row,) = shown_rows(f"rm a{letter}b", 80)
    assert row == f"rm a⟨U+{ord(letter):04X}⟩b"
    assert any("not drawn" in warning for warning in warnings_of(f"rm a{letter}b"))


def test_towers_of_marks_are_counted() -> None:
    """Those that a terminal draws stay; how many there are more is said."""
    (row,) = shown_rows("e" + "\u0301" * 8, 80)
    assert row == "e" + "\u0301" * 8
    (row,) = shown_rows("e" + "\u0301" * 30 + "x", 80)
    assert row == "e" + "\u0301" * 8 + "⟨22 marks more⟩x"
