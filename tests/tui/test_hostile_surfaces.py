"""The whole corpus of hostile text on every surface that shows foreign text, read off a real terminal byte by byte.

Nothing of it gets through, nothing of it is executed, nothing crashes.
"""

import asyncio
import re
from contextlib import suppress
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis.home import Home
from tests.support.scale import scaled
from tests.support.scripted_backend import ScriptedBackend, line_events
from tests.tui.hostile_corpus import EVERYTHING, on_the_wire
from tests.tui.real_terminal import RealTerminal, real_terminal
from tests.tui.test_approval import asks
from tests.tui.test_real_terminal import assert_only_textual

CASES = tuple(on_the_wire(text) for text in EVERYTHING)
ROWS = 220
"""Runs of the board: with five texts each, every case stands on it once; a campaign puts every case into every column."""
CHANGES = ("ResolveApproval", "Answer", "Cancel", "delete", "Delete", "DeleteExecutions", "Shutdown", "create")
"""What would have happened, had text been obeyed."""
NO_EDITOR = {"EDITOR": "true", "VISUAL": "true", "PAGER": "true"}
"""A click may land on what opens one."""
NOTIFICATION = re.compile(rb"\x1b\]9;Stigmer: [^\x00-\x1f\x7f;]*\x07\x07?")


def case(number: int) -> str:
    """A case of the corpus, around and around."""
    return CASES[number % len(CASES)]


def click_everywhere(terminal: RealTerminal, columns: int, rows: int) -> None:
    """A press and a release of the first button in a grid of places."""
    for row in range(2, rows, 3):
        for column in range(4, columns, 24):
            terminal.send(f"\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m")


async def left(terminal: RealTerminal, backend: ScriptedBackend) -> None:
    """Leave it; nothing got through, nothing was done."""
    terminal.send("\x11")
    assert await terminal.ended() == 0
    assert_only_textual(NOTIFICATION.sub(b"", bytes(terminal.received)))
    asked = {call.method for call in backend.calls} & set(CHANGES)
    assert not asked, asked


async def escaped(terminal: RealTerminal) -> None:
    """Press escape, and type nothing behind it until it can only have been that: what comes at once makes another key of it."""
    terminal.send("\x1b")
    await asyncio.sleep(0.3)


async def among_the_rows(terminal: RealTerminal) -> None:
    """Leave whatever clicks have opened, however long that takes to come."""
    for _ in range(20):
        terminal.send("\x1bb")
        terminal.send("\x1b")
        with suppress(AssertionError):
            await terminal.until(lambda: "enter open" in terminal.text, "the rows", patience=1.5)
            return
    raise AssertionError(terminal.text)


@pytest.mark.parametrize("shift", range(scaled(1, 5)))
async def test_the_board(home: Home, backend: ScriptedBackend, shift: int) -> None:
    """Rows, groups, the filter, the line of details, marks, labels, the queue of what waits, the palette, names behind `:`, tabs."""
    for number in range(ROWS):
        texts = [case(number * 5 + (place + shift) % 5) for place in range(5)]
        events = line_events(texts[0], output=texts[1].encode() + b"\r\n", finished=False)
        execution_id = backend.add_execution(
            message=texts[2],
            agent=texts[3],
            session_id=f"s{number % 7}",
            phase=enums.EXECUTION_IN_PROGRESS,
            events=events,
        )
        backend.get(execution_id).resource.metadata.labels["team"] = texts[4]
        if number % 3 == 0:
            raised = ev.AttentionRaised(
                attention_id=f"q{number}", kind=AttentionKind.ATTENTION_KIND_QUESTION, text=texts[4]
            )
            asked = ev.QuestionAsked(attention_id=f"q{number}", text=texts[4], options=[texts[0], texts[1]])
            backend.emit(execution_id, ev.Event(question_asked=asked), ev.Event(attention_raised=raised))
        elif number % 3 == 1:
            backend.move(execution_id, enums.EXECUTION_FAILED, texts[4])
    async with real_terminal(home, environment=NO_EDITOR, columns=150, rows=60) as terminal:
        await terminal.shows(f"{ROWS} runs")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        terminal.send("g" + "\x1b[6~" * 5 + "vvkk*")
        await terminal.shows(f"{ROWS} runs marked")
        await escaped(terminal)
        click_everywhere(terminal, 150, 45)
        await among_the_rows(terminal)
        for key in ("jj\r", "j\r"):
            for _ in range(2):
                await escaped(terminal)
            terminal.send("gb")
            await terminal.shows("Group")
            terminal.send(key)
            terminal.send("zz" + "\x1b[6~" * 6 + "G")
        await escaped(terminal)
        terminal.send("/click\r")
        await escaped(terminal)
        for words in (":run ", ":session ", ":agent ", ":view x", "\x10owned", "\x10["):
            terminal.send(words)
            for _ in range(8):
                terminal.send("\x1b[B")
            await escaped(terminal)
        terminal.send(":run [@click=app.quit]x\r")
        terminal.send("\x1b[O")
        await terminal.shows("There is no workflow [@click=app.quit]x")
        for execution_id in list(backend.executions)[2:30:3]:
            backend.move(execution_id, enums.EXECUTION_FAILED, case(int(execution_id[-2:], 36)))
        await terminal.until(lambda: b"\x1b]9;Stigmer: a run failed" in terminal.received, "told")
        terminal.send("\x1b[I")
        terminal.send("\x1bb")
        await escaped(terminal)
        for _ in range(3):
            terminal.send("g\x1bt\x1bbj")
        await left(terminal, backend)


def everything_that_happens() -> list[ev.Event]:
    """Every kind of event that carries foreign text, over the whole corpus."""
    happened: list[ev.Event] = []
    for number, text in enumerate(CASES):
        match number % 9:
            case 0:
                happened.append(ev.Event(note_added=ev.NoteAdded(text=text, author=case(number + 1)[:40])))
            case 1:
                begun = ev.MessageStarted(message_id=f"m{number}", type=enums.MESSAGE_AI)
                happened += (
                    ev.Event(message_started=begun),
                    ev.Event(reasoning_delta=ev.ReasoningDelta(message_id=f"m{number}", text=text)),
                    *(
                        ev.Event(text_delta=ev.TextDelta(message_id=f"m{number}", text=letter))
                        for letter in (text[:1], text[1:3], text[3:])
                    ),
                    ev.Event(message_completed=ev.MessageCompleted(message_id=f"m{number}", interrupted=text[:60])),
                )
            case 2:
                asked = ev.ToolCallRequested(call_id=f"k{number}", name=text[:50])
                asked.args.fields[case(number + 1)[:30]].string_value = text
                happened += (
                    ev.Event(tool_call_requested=asked),
                    ev.Event(tool_call_started=ev.ToolCallStarted(call_id=f"k{number}", directory=text[:50])),
                    ev.Event(tool_call_progress=ev.ToolCallProgress(call_id=f"k{number}", text=text)),
                    ev.Event(
                        tool_call_finished=ev.ToolCallFinished(
                            call_id=f"k{number}",
                            outcome=ev.ToolOutcome.TOOL_OUTCOME_ENDED,
                            result=text,
                            error=case(number + 1) if number % 2 else "",
                            killed=[ev.KilledProcess(pid=1, command=text[:50])],
                        )
                    ),
                )
            case 3:
                diff = f"--- a/{text}\n+++ b/{text}\n@@ -1 +1 @@\n-{text}\n+{case(number + 1)}\n"
                happened.append(ev.Event(file_changed=ev.FileChanged(call_id="k2", path=text, diff=diff)))
                happened.append(ev.Event(artifact_added=ev.ArtifactAdded(artifact_id=f"a{number}", name=text)))
            case 4:
                changed = ev.TodoListChanged()
                changed.todos["1"].content = text
                happened.append(ev.Event(todo_list_changed=changed))
            case 5:
                begun = ev.SubAgentStarted(sub_agent_id=f"sub{number}", name=text, input=case(number + 1))
                over = ev.SubAgentFinished(sub_agent_id=f"sub{number}", output=text, error=case(number + 2)[:50])
                happened += (ev.Event(sub_agent_started=begun), ev.Event(sub_agent_finished=over))
            case 6:
                happened.append(ev.Event(model_call_failed=ev.ModelCallFailed(error=text, code=case(number + 1)[:30])))
                happened.append(
                    ev.Event(model_changed=ev.ModelChanged(provider=text[:30], model=case(number + 1)[:30]))
                )
                happened.append(ev.Event(usage_reported=ev.UsageReported(model=text[:30], input_tokens=10)))
            case 7:
                happened.append(ev.Event(log_line=ev.LogLine(component=text[:30], text=text)))
                happened.append(ev.Event(limit_neared=ev.LimitNeared(limit=text[:30], used=1, allowed=2)))
                happened.append(ev.Event(context_compacted=ev.ContextCompacted(summary=text)))
            case _:
                refused = ev.CommandRejected(command_id=f"w{number}", reason=text)
                issued = ev.CommandIssued(command_id=f"w{number}", author=case(number + 1)[:30])
                issued.send_message.text = text
                happened += (ev.Event(command_issued=issued), ev.Event(command_rejected=refused))
    return happened


async def test_a_run(home: Home, backend: ScriptedBackend) -> None:
    """The transcript folded and not, the output, search, the time bar, attached in the app's emulator."""
    backend.add_agent(CASES[0])
    output = [
        ev.Event(terminal_output=ev.TerminalOutput(terminal_id="term-1", data=part))
        for text in EVERYTHING
        for data in [text.encode("utf-8", "replace") + b"\r\n\x1b\\\x07"]
        for part in (data[: len(data) // 2], data[len(data) // 2 :])
    ]
    events = (
        *line_events(CASES[3], finished=False),
        *everything_that_happens(),
        *output,
        ev.Event(note_added=ev.NoteAdded(text="the last note")),
    )
    execution_id = backend.add_execution(
        message=CASES[1], agent=CASES[0], phase=enums.EXECUTION_IN_PROGRESS, events=events
    )
    async with real_terminal(
        home, ("tui", "--attach", execution_id), environment=NO_EDITOR, columns=160, rows=60
    ) as terminal:
        await terminal.shows("the last note")
        terminal.send("\x1b")
        await terminal.shows("o other pane")
        terminal.send("g" + "\x1b[6~" * 30 + "G/owned\r")
        await terminal.until(lambda: re.search(r"\d+ of \d", terminal.text) is not None, "found")
        terminal.send("nnNN")
        await terminal.shows("enter menu")
        terminal.send("Fg" + "\x1b[6~" * 120 + "G")
        await terminal.shows("the last note")
        terminal.send("ttteeemmm?")
        await terminal.shows("esc closes")
        terminal.send("\x1b")
        await terminal.until(lambda: "esc closes" not in terminal.text, "closed")
        terminal.send("\x14")
        await terminal.shows("REPLAY")
        terminal.send("o,,,..hhllettmm")
        terminal.send("\x1b")
        await terminal.until(lambda: "REPLAY" not in terminal.text, "now")
        terminal.send("i\r")
        await terminal.shows(" ATTACHED ")
        backend.emit(execution_id, *output[:400])
        backend.emit(
            execution_id, ev.Event(terminal_output=ev.TerminalOutput(terminal_id="term-1", data=b"\x1bc\x1b[Hthe end"))
        )
        await terminal.shows("the end")
        terminal.send(b"\x1d")
        terminal.send(b"d")
        await terminal.shows("Left the terminal")
        click_everywhere(terminal, 70, 50)
        await left(terminal, backend)


async def test_deciding(home: Home, backend: ScriptedBackend) -> None:
    """Cards of calls with the corpus in what they would do, scrolled to their ends, clicked at, on the run and on the board: nothing is decided."""
    backend.add_agent("coder")
    size = 60
    for begin in range(0, len(CASES), size):
        command = "\n".join(CASES[begin : begin + size])[:20_000]
        backend.add_execution(
            message=CASES[begin],
            agent="coder",
            phase=enums.EXECUTION_IN_PROGRESS,
            events=asks(f"c{begin}", command, prefix=(CASES[begin][:30],)),
        )
    async with real_terminal(home, environment=NO_EDITOR, columns=100, rows=50) as terminal:
        await terminal.shows(f"{len(backend.executions)} wait for you")
        terminal.send("\x1b")
        await terminal.shows("enter open")
        for _ in range(len(backend.executions)):
            terminal.send("a")
            terminal.send(" \x1b[6~\x1b[6~\x1b[6~\x1b[6~\x1b")
        click_everywhere(terminal, 100, 45)
        terminal.send("\x1b\x1bg\r")
        await terminal.shows("nothing else here takes a key")
        await left(terminal, backend)


async def test_writing(home: Home, backend: ScriptedBackend, tmp_path: Path) -> None:
    """File names behind `@`, the history, messages that wait, pasted text, bytes that are no text."""
    home.prepare()
    for number, text in enumerate(EVERYTHING):
        name = f"f{number}" + text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace(
            "/", "∕"
        ).replace("\0", "␀")
        name = name.encode()[:200].decode("utf-8", "ignore")
        (tmp_path / name).touch()

    backend.add_agent("coder")
    execution_id = backend.add_execution(message="sleep", phase=enums.EXECUTION_IN_PROGRESS, agent="coder")
    for number in range(0, len(CASES), 40):
        issued = ev.CommandIssued(command_id=f"w{number}", author=CASES[number][:20])
        issued.send_message.text = "".join(CASES[number : number + 40])[:3000]
        backend.emit(execution_id, ev.Event(command_issued=issued))
    async with real_terminal(
        home,
        ("tui", "--workspace", str(tmp_path), "--attach", execution_id),
        environment=NO_EDITOR,
        columns=120,
        rows=60,
    ) as terminal:
        await terminal.shows("30 queued")
        for query in ("@f1", "@own", "@[", "@click", "@f99"):
            terminal.send(query)
            terminal.send("\x1b[B\x1b[B\x1b[B\x1b")
            terminal.send("x\x03")
        for number in range(0, len(CASES), 100):
            pasted = "".join(CASES[number : number + 100]).replace("\x1b[201~", "")
            terminal.send(b"\x1b[200~" + pasted.encode()[:4000].replace(b"\x1b[201~", b"") + b"\x1b[201~")
            terminal.send("x\x03")
        terminal.send(b"\xff\xe9\xc3")
        terminal.send("x\x03hello\r")
        await terminal.shows("› hello")
        terminal.send("\x12own\x12\x12\x1b")
        terminal.send("\x1bq" + "j" * 30 + "k")
        await left(terminal, backend)


async def test_the_library(home: Home, backend: ScriptedBackend) -> None:
    """Names and descriptions in the list and in the document, and the filter; clicked at."""
    for number in range(0, len(CASES), 2):
        backend.add_agent(case(number), case(number + 1))
    async with real_terminal(home, environment=NO_EDITOR, columns=150, rows=60) as terminal:
        await terminal.shows("Nothing has run yet")
        terminal.send("\x1b")
        await terminal.shows("? help")
        terminal.send("\x1bl")
        await terminal.shows("enter read")
        for _ in range(6):
            terminal.send("\x1b[6~" * 3)
        terminal.send("j" * 30)
        click_everywhere(terminal, 150, 50)
        terminal.send("\r")
        await terminal.shows("esc back")
        terminal.send("\x1b")
        await terminal.shows("enter read")
        terminal.send("/owned\r")
        await left(terminal, backend)
