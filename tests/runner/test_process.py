"""The runner's process: how it starts, what it does to itself, how it leaves."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from stigmer_apis.home import Home
from stigmer_runner.__main__ import marker_prefix
from stigmer_runner.sandbox import MARKER_VARIABLE
from tests.runner.shell_bench import output_of, until
from tests.support.require import require_tool
from tests.support.scripted_daemon import Execution, ScriptedDaemon

LIVENESS = 60.0


@dataclass
class Process:
    """A runner process and its daemon."""

    child: asyncio.subprocess.Process
    daemon: ScriptedDaemon

    async def ended(self) -> int:
        """Its exit code."""
        async with asyncio.timeout(LIVENESS):
            return await self.child.wait()


def command(home: Home) -> list[str]:
    """What starts a runner."""
    return [sys.executable, "-m", "stigmer_runner", "--home", str(home.root), "--runner-id", "run-1"]


def environment(home: Home) -> dict[str, str]:
    """Ours, without a runtime directory."""
    return {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"} | {
        "STIGMER_HOME": str(home.root),
        "CANARY_KEY": "canary-1234",
    }


@pytest.fixture
def home(short_tmp: Path) -> Home:
    """A prepared home."""
    made = Home.at(short_tmp / "home", {"HOME": str(short_tmp)})
    made.prepare()
    return made


@asynccontextmanager
async def runner(home: Home, token: bytes = b"runner-token\n") -> AsyncGenerator[Process]:
    """A runner process, linked to a scripted daemon."""
    require_tool("bwrap")
    daemon = ScriptedDaemon(home.runner_socket)
    await daemon.start()
    child = await asyncio.create_subprocess_exec(
        *command(home), stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=environment(home), cwd="/"
    )
    assert child.stdin is not None
    child.stdin.write(token)
    child.stdin.close()
    try:
        yield Process(child, daemon)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
        await daemon.stop()


async def begun(process: Process, home: Home, line: str) -> Execution:
    """An execution whose first line has printed something."""
    workspace = home.workspaces / "ses-1"
    workspace.mkdir(parents=True, exist_ok=True)
    execution = Execution("aex-1", [line], workspace)
    await process.daemon.until(lambda: bool(process.daemon.hellos))
    process.daemon.grant(execution)
    await process.daemon.until(lambda: output_of(execution.events, "terminal-1") != b"")
    return execution


async def test_it_runs_lines_and_leaves_on_sigterm(home: Home) -> None:
    async with runner(home) as process:
        execution = await begun(
            process, home, f"echo $CANARY_KEY; echo seen; ls {home.root}/data {home.run}; sleep 2345"
        )
        process.child.send_signal(signal.SIGTERM)
        assert await process.ended() == 0
        assert execution.ended
    output = output_of(execution.events, "terminal-1")
    assert b"canary" not in output
    assert b"runner.sock" not in output
    assert execution.events[-1].phase_changed.reason == "the runner was told to stop"


async def test_what_it_makes_is_private_and_its_token_is_nowhere(home: Home) -> None:
    async with runner(home) as process:
        await process.daemon.until(lambda: bool(process.daemon.hellos))
        child = psutil.Process(process.child.pid)
        assert child.rlimit(psutil.RLIMIT_CORE)[0] == 0
        assert "runner-token" not in " ".join((*child.cmdline(), *child.environ().values()))
        assert (home.run / "runner.lock").stat().st_mode & 0o777 == 0o600


def test_it_is_closed_to_other_processes_of_the_person() -> None:
    program = (
        "import ctypes, os; from stigmer_runner.hosting.process import harden; harden(); "
        "print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), oct(os.umask(0)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "0o77"]


@pytest.fixture
def left_over(home: Home) -> Generator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    """A child that a runner of this home left, and one of another home's."""
    prefixes = (marker_prefix(home), "stigmer.another-home.")
    children = [
        subprocess.Popen(["sleep", "3456"], env={MARKER_VARIABLE: f"{prefix}aex-0:call-1"}, start_new_session=True)
        for prefix in prefixes
    ]
    try:
        yield children[0], children[1]
    finally:
        for child in children:
            child.kill()
            child.wait()


async def test_it_ends_what_a_killed_runner_left(
    home: Home, left_over: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]
) -> None:
    ours, others = left_over
    async with runner(home) as process:
        await process.daemon.until(lambda: bool(process.daemon.hellos))
        await until(lambda: ours.poll() is not None)
        assert others.poll() is None


async def test_the_second_runner_of_a_home_says_so(home: Home) -> None:
    async with runner(home) as process:
        await process.daemon.until(lambda: bool(process.daemon.hellos))
        second = await asyncio.to_thread(
            subprocess.run,
            command(home),
            input=b"token\n",
            capture_output=True,
            env=environment(home),
            timeout=LIVENESS,
            check=False,
        )
        assert second.returncode == 3
        assert str(process.child.pid) in second.stderr.decode()


@pytest.mark.parametrize("given", [b"", b"\n"])
def test_without_a_token_it_does_not_start(home: Home, given: bytes) -> None:
    ended = subprocess.run(
        command(home), input=given, capture_output=True, env=environment(home), timeout=LIVENESS, check=False
    )
    assert ended.returncode == 2
    assert "token" in ended.stderr.decode()


async def test_a_refused_runner_ends_with_its_own_code(home: Home) -> None:
    async with runner(home, b"wrong\n") as process:
        assert await process.ended() == 4


async def test_a_runner_killed_and_started_again_goes_on(home: Home) -> None:
    async with runner(home) as process:
        execution = await begun(process, home, "echo up; sleep 7654")
        process.child.kill()
        await process.ended()
    async with runner(home) as process:
        await process.daemon.until(lambda: bool(process.daemon.hellos))
        process.daemon.grant(execution)
        await process.daemon.until(lambda: execution.ended)
        assert "`echo up; sleep 7654`" in execution.events[-1].phase_changed.reason
