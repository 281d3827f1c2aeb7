"""The end of a command: whatever it started is gone, and what was ended is said."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stigmer_runner.sandbox import (
    CommandEnded,
    CommandRequest,
    ExecutionRequest,
    KilledProcess,
    Outcome,
    Sandbox,
    SandboxClosed,
    SandboxError,
    SandboxLayout,
    ShellState,
    choose_sandbox,
    end_marked_processes,
)
from tests.sandbox.driver import PATIENCE, Shell, end, marker, until
from tests.sandbox.ground import Ground
from tests.support.scale import scaled

NAP = str(900_000 + os.getpid() % 90_000)
"""Seconds that the programs of these tests sleep: a number that nobody else sleeps."""

NASTY = {
    name: line.replace("NAP", NAP)
    for name, line in {
    "sleeps": "sleep NAP",
    "spins": "while :; do :; done",
    "ignores signals": "trap '' TERM HUP INT QUIT; while :; do sleep NAP; done",
    "background": "sleep NAP & sleep NAP1 & wait",
    "nohup": "nohup sleep NAP >/dev/null 2>&1 & sleep NAP1",
    "own session": "setsid sleep NAP & setsid setsid sh -c 'sleep NAP & sleep NAP1' & wait",
    "double fork": "(setsid sh -c '(trap \"\" TERM HUP; sleep NAP; sleep NAP1) & exit' &) ; sleep NAP2",
    "no environment": "env -i setsid sh -c 'trap \"\" TERM; sleep NAP & sleep NAP1' & sleep NAP2",
    "orphan without environment": "(env -i setsid sh -c 'sleep NAP & exit' &) ; sleep NAP2",
    "job control": "set -m; sleep NAP & (sleep NAP1 | cat) & fg %1",
    "stopped": "sleep NAP & kill -STOP $!; kill -STOP $$",
    "floods": "yes",
    "reads": "cat",
    "forks": "f() { sleep 0.02; f & sleep 0.05; }; f; sleep NAP",
    "closed terminal": "exec <&- >&- 2>&-; sleep NAP",
    "python": "python3 -c 'import os, signal, time\nfor n in range(1, 32):\n  n in (9, 17, 19) or signal.signal(n, signal.SIG_IGN)\nos.fork(); os.setpgid(0, 0); time.sleep(1000)'",
}.items()
}  # fmt: skip
"""Programs that do not want to end."""


def alive_with(mark: str) -> list[str]:
    """Processes of this machine that carry `mark` in their environment or descend from one that did, as far as one sees."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if b") Z " in (entry / "stat").read_bytes():
                continue
            if mark.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def sleepers() -> set[int]:
    """Every sleep of these tests: also those that lost their marks."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cmdline").read_bytes().startswith(f"sleep\0{NAP}".encode()):
                found.add(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("program", NASTY)
async def test_cancel_leaves_no_process(shell: Shell, program: str) -> None:
    before = sleepers()
    command, output = await shell.start(f"echo started; {NASTY[program]}", marker=(mark := marker()))
    await until(lambda: b"started" in output, "the line starts")
    await asyncio.sleep(0.1)
    async with asyncio.timeout(PATIENCE):
        await command.cancel()
    assert alive_with(mark) == []
    assert sleepers() <= before
    result = await end(command)
    assert (result.outcome, result.exit_code, result.signal) == (Outcome.CANCELLED, None, None)
    assert result.killed
    assert result.survivors == ()
    assert result.state == shell.state


async def test_cancel_at_random_moments_leaves_no_process(shell: Shell) -> None:
    before = sleepers()
    chance = random.Random(7)
    mark = marker()
    for turn in range(scaled(30, 300) // 2):
        line = chance.choice(list(NASTY.values()))
        command, _ = await shell.start(line, marker=f"{mark}:{turn}")
        await asyncio.sleep(chance.choice([0, 0.001, 0.005, 0.02]) * chance.random())
        async with asyncio.timeout(PATIENCE):
            await command.cancel()
        assert (await end(command)).outcome in (Outcome.CANCELLED, Outcome.EXITED)
        assert alive_with(f"{mark}:{turn}") == [], line
    assert sleepers() <= before


async def test_a_start_that_is_cancelled_leaves_no_process(shell: Shell) -> None:
    chance = random.Random(8)
    mark = marker()
    for turn in range(scaled(20, 200)):
        starting = asyncio.ensure_future(shell.start(f"sleep {NAP}", marker=f"{mark}:{turn}"))
        await asyncio.sleep(chance.random() * 0.012)
        starting.cancel()
        try:
            command, _ = await starting
        except asyncio.CancelledError:
            continue
        await command.cancel()
    assert alive_with(mark) == []


async def test_what_was_ended_is_named(shell: Shell) -> None:
    command, output = await shell.start(f"sleep {NAP} & sleep {NAP}1 & echo started; wait # all of them")
    await until(lambda: b"started" in output, "the line starts")
    await until(lambda: len(sleepers()) == 2, "both sleep")
    await command.cancel()
    named = sorted(process.command for process in (await end(command)).killed)
    assert named == [f"sleep {NAP}", f"sleep {NAP} & sleep {NAP}1 & echo started; wait # all of them", f"sleep {NAP}1"]


async def test_at_most_fifty_are_named(shell: Shell) -> None:
    command, output = await shell.start(
        f"for i in $(seq 70); do sleep {NAP} & done; echo started; wait", marker=(mark := marker())
    )
    await until(lambda: b"started" in output, "the line starts")
    await command.cancel()
    assert len((await end(command)).killed) == 50
    assert alive_with(mark) == []


async def test_cancel_again_and_after_the_end_is_no_error(shell: Shell) -> None:
    command, _ = await shell.start(f"sleep {NAP}")
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(command.cancel())
    await command.cancel()
    first = await end(command)
    assert first.outcome is Outcome.CANCELLED
    assert await end(command) is first
    done, _ = await shell.start("exit 3")
    assert (await end(done)).exit_code == 3
    await done.cancel()
    assert (await end(done)).exit_code == 3
    with pytest.raises(CommandEnded):
        done.write(b"x")
    done.resize(100, 30)
    done.resume_reading()


async def test_a_timeout_ends_it_and_keeps_the_output(shell: Shell) -> None:
    told = await shell.run(f"cd /usr; echo before; sleep {NAP}", timeout=0.3)
    assert told.result.outcome is Outcome.TIMED_OUT
    assert told.text.removesuffix("Terminated\n") == "before\n", (
        "bash may say so of its sleep, where that is gone first"
    )
    assert any(f"sleep {NAP}" in process.command for process in told.result.killed)
    assert told.result.state.directory == str(shell.workspace)


async def test_a_timeout_that_is_not_reached_does_nothing(shell: Shell) -> None:
    told = await shell.run("echo quick", timeout=60.0)
    assert (told.result.outcome, told.text) == (Outcome.EXITED, "quick\n")


async def test_giving_up_the_wait_ends_nothing(shell: Shell) -> None:
    command, output = await shell.start("sleep 0.3; echo done")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await end(command)
    assert (await end(command)).exit_code == 0
    assert output == b"done\r\n"


async def test_a_sink_that_fails_ends_the_command(shell: Shell) -> None:
    def fail(_: bytes) -> None:
        raise ValueError("the sink is full")

    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["exception"]))
    request = shell.request("yes")
    command = await shell.sandbox.start(request, fail)
    with pytest.raises(ValueError, match="the sink is full"):
        async with asyncio.timeout(PATIENCE):
            await end(command)
    assert alive_with(request.marker) == []
    assert complaints


async def test_closing_the_sandbox_ends_everything(shell: Shell) -> None:
    mark = marker()
    commands = [(await shell.start(f"sleep {NAP}", marker=f"{mark}:{turn}"))[0] for turn in range(5)]
    executing = asyncio.ensure_future(
        shell.sandbox.execute(ExecutionRequest(f"touch up; sleep {NAP}", shell.workspace, f"{mark}:plain"))
    )
    await until((shell.workspace / "up").exists, "the plain form starts")
    async with asyncio.timeout(PATIENCE):
        await shell.sandbox.close()
    assert alive_with(mark) == []
    assert [(await end(command)).outcome for command in commands] == [Outcome.CANCELLED] * 5
    with contextlib.suppress(SandboxClosed):  # it ran, and whoever started it had not heard so yet
        assert (await executing).outcome is Outcome.CANCELLED
    with pytest.raises(SandboxClosed):
        await shell.start("true")


async def test_closing_while_commands_start_leaves_none(shell: Shell) -> None:
    mark = marker()
    starting = [asyncio.ensure_future(shell.start(f"sleep {NAP}", marker=f"{mark}:{turn}")) for turn in range(10)]
    await asyncio.wait([starting[2]])
    async with asyncio.timeout(PATIENCE):
        await shell.sandbox.close()
    for start in starting:
        await asyncio.wait([start])
        if (error := start.exception()) is not None:
            assert isinstance(error, SandboxClosed)
        else:
            assert (await end(start.result()[0])).outcome is Outcome.CANCELLED
    assert alive_with(mark) == []


async def test_with_walls_the_end_of_the_shell_is_the_end_of_all(walled_shell: Shell) -> None:
    for _ in range(scaled(10, 100)):
        told = await walled_shell.run(f"setsid nohup sleep {NAP} >/dev/null 2>&1 & echo on", marker=(mark := marker()))
        assert told.text == "on\n"
        assert told.result.background_left
        assert alive_with(mark) == []


async def test_without_walls_what_left_the_terminal_goes_on(unwalled: Sandbox, ground: Ground) -> None:
    shell = Shell(unwalled, ground.workspace())
    mark = marker()
    told = await shell.run(f"setsid nohup sleep {NAP} >/dev/null 2>&1 </dev/null & sleep 0.2; echo on", marker=mark)
    assert (told.result.outcome, told.text) == (Outcome.EXITED, "on\n")
    assert len(alive_with(mark)) == 1
    ended = end_marked_processes(mark)
    assert [process.command for process in ended] == [f"sleep {NAP}"]
    assert alive_with(mark) == []


async def test_a_process_substitution_may_finish(shell: Shell) -> None:
    told = await shell.run('exec > >(while read -r line; do echo "<$line>"; done); seq 2000')
    assert told.text.count("\n") == 2000
    assert told.text.endswith("<2000>\n")


CRASH = """
import asyncio, os, sys
from pathlib import Path
from stigmer_runner.sandbox import CommandRequest, SandboxKind, SandboxLayout, ShellState, choose_sandbox

async def main(base, kind, marker):
    base = Path(base)
    layout = SandboxLayout(base / "person/.stigmer", base / "run", base / "person", "/usr/bin:/bin")
    sandbox = await choose_sandbox(layout, SandboxKind(kind))
    workspace = layout.home / "data/workspace/session"
    line = "setsid sh -c 'trap : TERM HUP; sleep NAP & echo started; wait; sleep NAP' & sleep NAP1"
    request = CommandRequest(line, workspace, ShellState(str(workspace)), marker)
    await sandbox.start(request, lambda data: os.write(1, data) and None)
    await asyncio.sleep(1000)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def crashed(sandbox: Sandbox, ground: Ground) -> str:
    """The marker of a command whose runner was killed in the middle of it."""
    mark = marker()
    ground.workspace()
    runner = subprocess.Popen(
        [sys.executable, "-c", CRASH.replace("NAP", NAP), str(ground.base), sandbox.kind.value, mark],
        stdout=subprocess.PIPE,
    )
    assert runner.stdout is not None
    with runner.stdout:
        assert b"started" in runner.stdout.readline()
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    return mark


async def test_after_a_crash_nothing_is_left_or_it_is_found_by_its_marker(sandbox: Sandbox, crashed: str) -> None:
    if sandbox.description.whole:
        await until(lambda: alive_with(crashed) == [], "what a crashed runner left dies with it")
        return
    assert alive_with(crashed) != []
    ended = await asyncio.to_thread(end_marked_processes, crashed[:-3])
    assert {f"sleep {NAP}", f"sleep {NAP}1", "bash"} <= {process.command for process in ended}
    assert not any("STIGMER" in process.command.upper() for process in ended)
    assert alive_with(crashed) == []


def test_this_process_is_never_ended_by_its_own_marker(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = marker()
    code = (
        "import os, sys; from stigmer_runner.sandbox import end_marked_processes; "
        "print(end_marked_processes(os.environ['STIGMER_EXEC_ID'])); print('alive')"
    )
    told = subprocess.run(
        ["/bin/sh", "-c", f'sleep {NAP} & "$@"; echo $?', "sh", sys.executable, "-c", code],
        env={**os.environ, "STIGMER_EXEC_ID": mark},
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    )
    assert b"alive\n0\n" in told.stdout
    assert repr(KilledProcess).encode() not in told.stdout
    assert f"sleep {NAP}".encode() in told.stdout
    assert alive_with(mark) == []


async def test_the_state_of_a_cancelled_line_is_the_one_before(shell: Shell) -> None:
    request = CommandRequest(f"cd /usr; export A=1; sleep {NAP}", shell.workspace, ShellState("/"), marker())
    command = await shell.sandbox.start(request, lambda _: None)
    await asyncio.sleep(0.1)
    await command.cancel()
    assert (await end(command)).state == ShellState("/")


def zombies() -> list[int]:
    """Children of this process that are over and were not reaped."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state == "Z" and int(parent) == os.getpid():
                    found.append(int(entry.name))
    return found


def descriptors() -> int:
    """How many this process has open."""
    return len(os.listdir("/proc/self/fd"))


async def test_no_zombie_and_no_descriptor_stays(shell: Shell, ground: Ground) -> None:
    await shell.run("true")
    await shell.sandbox.execute(ExecutionRequest("true", shell.workspace, marker()))
    before, dead = descriptors(), set(zombies())
    lines = [
        "true",
        "kill -9 $$",
        "(setsid sh -c 'sleep 0.05 & exit' &); sleep 0.2",
        "(setsid sleep 0.3 &) ; true",
        "setsid -f sh -c 'sleep 0.2; sh -c true & sh -c \"sleep 0.1\" & exit' </dev/null >/dev/null 2>&1",
        "env -i setsid -f sleep 0.1; sleep 0.2",
    ]
    for line in lines * 2:
        await shell.run(line)
        await shell.sandbox.execute(ExecutionRequest(line, shell.workspace, marker()))
    for line in ("sleep 1000", "setsid sleep 1000 & sleep 1000"):
        command, _ = await shell.start(line)
        await command.cancel()
    await (await choose_sandbox(SandboxLayout(ground.home, ground.run, ground.person, ""), shell.sandbox.kind)).close()
    with pytest.raises(SandboxError):
        await shell.start("true", scratch=shell.workspace / "missing", network=False)
    await until(lambda: set(zombies()) <= dead, "every process is reaped")
    await until(lambda: descriptors() == before, f"no descriptor stays open (there were {before})")
