"""The agent loop of the model `shell`, with real terminals in a real sandbox."""

import asyncio
import os
import random
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
)
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import ATTENTION_KIND_INPUT, ATTENTION_KIND_PASSWORD
from stigmer_runner.engine.chronicle import Abandoned, Cancelled, Completed, Failed
from stigmer_runner.engine.errors import OUTCOME_UNKNOWN
from stigmer_runner.engine.journal import Group, MemoryJournal, records_of
from tests.runner.shell_bench import Place, ShellRun, output_of, place_at, until
from tests.support.require import require_tool
from tests.support.scale import scaled


@pytest.fixture
async def place(tmp_path: Path) -> AsyncGenerator[Place]:
    """A workspace with a sandbox."""
    require_tool("bwrap")
    async with place_at(tmp_path) as made:
        yield made


def finished(run: ShellRun) -> list[ev.ToolCallFinished]:
    """How the lines ended."""
    return [event.tool_call_finished for event in run.events if event.HasField("tool_call_finished")]


async def test_a_line_from_its_message_to_its_end(place: Place) -> None:
    run = ShellRun(place, "echo $((6*7))")
    assert isinstance(await run.outcome(), Completed)
    assert run.kinds() == [
        "phase_changed",
        "message_started",
        "text_delta",
        "message_completed",
        "tool_call_requested",
        "tool_call_started",
        "terminal_output",
        "tool_call_finished",
        "phase_changed",
    ]
    assert run.output() == b"42\r\n"
    assert [group.final for group in run.journal.groups].count(True) == 1
    assert run.events[-1].phase_changed.phase == EXECUTION_COMPLETED
    started = run.events[5].tool_call_started
    assert (started.terminal_id, started.directory) == ("terminal-1", str(place.workspace))
    assert started.sandbox.walls
    assert (started.columns, started.rows) == (80, 24)
    assert dict(run.events[4].tool_call_requested.args) == {"command": "echo $((6*7))"}
    (end,) = finished(run)
    assert (end.outcome, end.exit_code, end.output_bytes) == (ev.TOOL_OUTCOME_ENDED, 0, 4)
    assert end.duration_micros > 0


async def test_the_intent_is_durable_before_the_line_runs(place: Place) -> None:
    run = ShellRun(place, "touch ran", journal=MemoryJournal(held=True))
    task = asyncio.create_task(run.outcome())
    await until(lambda: len(run.journal.groups) == 1)
    group = run.journal.groups[0]
    assert [record.WhichOneof("entry") for record in group.records] == ["activation", "activity_started"]
    assert "tool_call_started" in [event.WhichOneof("body") for event in group.events]
    await asyncio.sleep(0.1)
    assert not (place.workspace / "ran").exists()
    run.journal.held = False
    run.journal.release()
    await task
    assert (place.workspace / "ran").exists()


async def test_queued_lines_run_in_order_and_carry_directory_and_variables(place: Place) -> None:
    run = ShellRun(place, "mkdir -p sub; cd sub; export WORD=hello", "pwd; echo $WORD; exit 3", "echo $?; pwd")
    assert isinstance(await run.outcome(), Completed), "exit codes do not matter"
    assert run.output("terminal-2").decode().split() == [str(place.workspace / "sub"), "hello"]
    assert [end.exit_code for end in finished(run)] == [0, 3, 0]
    assert finished(run)[1].directory == str(place.workspace / "sub")
    applied = [event.command_applied.command_id for event in run.events if event.HasField("command_applied")]
    assert applied == ["cmd-2", "cmd-3"]
    messages = [event.message_started for event in run.events if event.HasField("message_started")]
    assert [(message.message_id, message.command_id) for message in messages] == [
        ("message-1", ""),
        ("message-2", "cmd-2"),
        ("message-3", "cmd-3"),
    ]
    starts = [n for n, kind in enumerate(run.kinds()) if kind == "message_started"]
    ends = [n for n, kind in enumerate(run.kinds()) if kind == "tool_call_finished"]
    assert starts[1] > ends[0]
    assert starts[2] > ends[1]


async def test_the_next_execution_of_the_session_goes_on_where_the_last_ended(place: Place) -> None:
    place.context["SECRET_OF_CONTEXT"] = "canary-71"
    await ShellRun(place, "mkdir deep; cd deep; export KEPT=yes").outcome()
    files = [path for path in place.states_root.rglob("*") if path.is_file()]
    assert [oct(path.stat().st_mode & 0o777) for path in files] == ["0o600"]
    assert oct(files[0].parent.stat().st_mode & 0o777) == "0o700"
    assert b"canary-71" not in files[0].read_bytes()
    again = ShellRun(place, "pwd; echo $KEPT; echo $SECRET_OF_CONTEXT")
    await again.outcome()
    assert again.output().decode().split() == [str(place.workspace / "deep"), "yes", "canary-71"]


async def test_bytes_are_kept_as_they_are(place: Place) -> None:
    run = ShellRun(place, "stty raw; head -c 3000000 /dev/urandom | tee copy")
    await run.outcome()
    assert run.output() == (place.workspace / "copy").read_bytes()
    assert finished(run)[0].output_bytes == 3_000_000
    assert all(len(event.terminal_output.data) <= 65536 for event in run.events)


async def test_cancel_ends_the_line_and_the_run(place: Place) -> None:
    run = ShellRun(place, "echo begun; (setsid sleep 72600 &) ; sleep 72600", "echo never")
    task = asyncio.create_task(run.outcome())
    await until(lambda: b"begun" in run.output())
    run.run.cancel("enough", command_id="cancel-1")
    assert await task == Cancelled("enough")
    assert run.kinds()[-3:] == ["tool_call_finished", "command_applied", "phase_changed"]
    end = finished(run)[-1]
    assert end.outcome == ev.TOOL_OUTCOME_CANCELLED
    assert any("sleep 72600" in killed.command for killed in end.killed)
    assert run.events[-1].phase_changed.phase == EXECUTION_CANCELLED
    assert run.events[-1].phase_changed.reason == "enough"
    assert b"never" not in b"".join(event.terminal_output.data for event in run.events)


async def test_cancels_at_random_moments_leave_nothing(place: Place) -> None:
    chance = random.Random(20261120)
    for _ in range(scaled(8, 100)):
        run = ShellRun(place, "sleep 72700 & setsid sleep 72700 & echo up; sleep 72700")
        task = asyncio.create_task(run.outcome())
        await asyncio.sleep(chance.random() * 0.08)
        run.run.cancel("stop")
        assert await task == Cancelled("stop")
        assert run.events[-1].phase_changed.phase == EXECUTION_CANCELLED
        calls = run.kinds()
        assert calls.count("tool_call_started") == calls.count("tool_call_finished")
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and b"sleep\x0072700" in command_line(pid)]


def command_line(pid: str) -> bytes:
    """A process's command line, empty where it is gone."""
    try:
        return Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return b""


async def test_the_persons_time_limit(place: Place) -> None:
    run = ShellRun(place, "echo begun; sleep 72600", "echo after", timeout=0.5)
    assert isinstance(await run.outcome(), Completed)
    ends = finished(run)
    assert [end.outcome for end in ends] == [ev.TOOL_OUTCOME_TIMED_OUT, ev.TOOL_OUTCOME_ENDED]
    assert not ends[0].HasField("exit_code")


async def test_a_signal_is_told(place: Place) -> None:
    run = ShellRun(place, "kill -SEGV $$")
    await run.outcome()
    (end,) = finished(run)
    assert (end.outcome, end.signal) == (ev.TOOL_OUTCOME_ENDED, 11)
    assert not end.HasField("exit_code")


async def test_keys_sizes_and_attention(place: Place) -> None:
    run = ShellRun(place, 'read -s -p "Password: " p; echo; read -p "Name: " n; echo "$p $n"; stty size')
    task = asyncio.create_task(run.outcome())

    def raised() -> list[int]:
        return [int(event.attention_raised.kind) for event in run.events if event.HasField("attention_raised")]

    await until(lambda: raised() == [ATTENTION_KIND_PASSWORD])
    assert run.terminals.write("terminal-1", b"hush\n")
    await until(lambda: raised() == [ATTENTION_KIND_PASSWORD, ATTENTION_KIND_INPUT])
    run.terminals.resize("terminal-1", 132, 50)
    assert run.terminals.write("terminal-1", b"ada\n")
    assert isinstance(await task, Completed)
    assert run.output().endswith(b"hush ada\r\n50 132\r\n")
    kinds = run.kinds()
    assert kinds.count("attention_cleared") == 2
    assert kinds.count("terminal_resized") == 1
    assert kinds.index("tool_call_finished") > max(n for n, kind in enumerate(kinds) if kind == "attention_cleared")
    assert not run.terminals.write("terminal-1", b"x"), "the terminal is gone"


async def test_a_line_that_cannot_start_fails_the_run(place: Place) -> None:
    run = ShellRun(place, "echo one", "echo two")
    place.workspace.rename(place.workspace.with_name("elsewhere"))
    end = await run.outcome()
    place.workspace.with_name("elsewhere").rename(place.workspace)
    assert isinstance(end, Failed)
    assert "Not run: `echo two`." in end.reason
    assert finished(run)[0].outcome == ev.TOOL_OUTCOME_NOT_STARTED
    assert finished(run)[0].error


async def test_a_long_message_is_one_line(place: Place) -> None:
    text = "echo " + "x" * 10_000_000 + " | wc -c"
    run = ShellRun(place, text)
    assert isinstance(await run.outcome(), Completed)
    assert run.output() == b"10000001\r\n"
    assert next(event.text_delta.text for event in run.events if event.HasField("text_delta")) == text
    sizes = [sum(m.ByteSize() for m in (*group.records, *group.events)) for group in run.journal.groups]
    assert max(sizes) < 11_000_000, "the message stands in one group once"


async def test_a_lost_lease_ends_the_children_and_writes_nothing(place: Place) -> None:
    run = ShellRun(place, "echo begun; sleep 72800")
    task = asyncio.create_task(run.outcome())
    await until(lambda: b"begun" in run.output())
    written = len(run.journal.groups)
    run.run.abandon("fenced")
    assert await task == Abandoned("fenced")
    assert len(run.journal.groups) == written
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and b"sleep\x0072800" in command_line(pid)]


async def thirty_lines(place: Place, name: str) -> list[Group]:
    """The journal of a run of 30 lines, each of which appends its number to the file `name`."""
    run = ShellRun(place, *(f"echo {number} >> {name}" for number in range(30)))
    assert isinstance(await run.outcome(), Completed)
    return run.journal.groups


async def test_killed_at_any_point_no_line_runs_twice(place: Place) -> None:
    chance = random.Random(20261120)
    groups = await thirty_lines(place, "whole")
    for round_number in range(scaled(6, 100)):
        name = f"ledger-{round_number}"
        ledger = place.workspace / name
        prefix: list[Group] = []
        lines = [f"echo {number} >> {name}" for number in range(30)]
        unknown: list[str] = []
        while True:
            journal = MemoryJournal(list(prefix))
            run = ShellRun(place, *lines, journal=journal)
            task = asyncio.create_task(run.outcome(records_of(prefix)))
            await asyncio.wait((task,), timeout=chance.random() * 0.4)
            if task.done():
                end = task.result()
                break
            durable = journal.durable
            journal.lose("killed")
            await task
            prefix = journal.groups[:durable]
        ran = ledger.read_text().split() if ledger.exists() else []
        assert len(ran) == len(set(ran)), "no line runs twice"
        assert ran == [str(number) for number in range(len(ran))]
        kinds = [str(event.WhichOneof("body")) for event in journal.events]
        if isinstance(end, Failed):
            unknown = [event.text_delta.text for event in journal.events if event.HasField("text_delta")]
            assert end.kind == OUTCOME_UNKNOWN
            assert unknown[-1] in end.reason
            assert journal.events[-1].phase_changed.phase == EXECUTION_FAILED
            assert finished_of(journal.events)[-1].outcome == ev.TOOL_OUTCOME_UNKNOWN
            assert len(ran) in (len(unknown) - 1, len(unknown))
        else:
            assert len(ran) == 30
        assert kinds.count("tool_call_started") == kinds.count("tool_call_finished")
    assert len(records_of(groups)) == 61


def finished_of(events: list[ev.Event]) -> list[ev.ToolCallFinished]:
    """How lines ended."""
    return [event.tool_call_finished for event in events if event.HasField("tool_call_finished")]


async def test_an_unknown_outcome_keeps_what_was_printed(place: Place) -> None:
    run = ShellRun(place, "echo printed; sleep 72900", "echo two", "echo three")
    task = asyncio.create_task(run.outcome())
    await until(lambda: b"printed" in run.output())
    run.run.abandon("killed")
    await task
    again = ShellRun(place, "unused", journal=MemoryJournal(list(run.journal.groups)))
    end = await again.outcome(run.journal.records)
    assert isinstance(end, Failed)
    assert "`echo printed; sleep 72900`" in end.reason
    assert "Not run: `echo two`, `echo three`." in end.reason
    assert output_of(again.events, "terminal-1") == b"printed\r\n"
    assert finished_of(again.events)[-1].outcome == ev.TOOL_OUTCOME_UNKNOWN
