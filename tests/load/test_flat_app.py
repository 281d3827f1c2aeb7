"""The app with its board open while runs stream: what it takes, and what the runner takes beside it, stays."""

import asyncio
import os
import shlex
import time
from collections.abc import Sequence

import psutil
import pytest

from tests.bench.screen import ProgramScreen, started
from tests.chaos.daemon import DaemonProcess, client_of, runner_pids
from tests.chaos.figures import record
from tests.load.flatness import TELLS_OF_AN_HOUR, Slope, in_words
from tests.support.scale import in_campaign
from tests.support.workstation import new_workstation

RUNS = 10
RATE = 10
"""Lines a second and run."""
PROGRAM = f"import time\nwhile True:\n    print('token', flush=True)\n    time.sleep({1 / RATE})\n"
SECONDS = int(os.environ.get("STIGMER_FLAT_APP_SECONDS", 1_500))
"""STIGMER_FLAT_APP_SECONDS sets another length; under 10 minutes nothing is said of an hour."""
MOST_MIB_AN_HOUR = 1.0


class Watched:
    """A process, and what it took."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.memory: list[tuple[float, float]] = []
        """Seconds, MiB of its own."""
        self.files: list[int] = []

    def look(self, at: float) -> None:
        """Take note of it."""
        taken = self._process.memory_info()
        self.memory.append((at, (taken.rss - taken.shared) / (1 << 20)))
        self.files.append(self._process.num_fds())

    def told(self) -> str:
        """In words."""
        words = f"{self.memory[0][1]:.1f} to {self.memory[-1][1]:.1f} MiB"
        if self.memory[-1][0] >= TELLS_OF_AN_HOUR:
            words += f", {in_words(Slope.of(self.memory))}"
        return f"{words}, open files {self.files[0]} to {self.files[-1]}"


def watch(screen: ProgramScreen, processes: Sequence[Watched]) -> None:
    """Read what the app draws, and look at the processes now and then. Blocks."""
    begin = time.monotonic()
    step = max(0.1, SECONDS / 100)
    while (at := time.monotonic() - begin) < SECONDS:
        if not processes[0].memory or at - processes[0].memory[-1][0] >= step:
            for process in processes:
                process.look(at)
        screen.raw(min(0.5, step))


@pytest.mark.skipif(not in_campaign(), reason=f"takes {SECONDS:,} s, and less tells nothing: a campaign runs it")
@pytest.mark.timeout(SECONDS + 300)
async def test_the_app_and_the_runner_are_flat_while_runs_stream() -> None:
    with new_workstation(STIGMER_EXECUTION_MODE="local") as workstation:
        daemon = DaemonProcess.start(workstation)
        try:
            await daemon.answers()
            async with client_of(workstation) as client:
                line = f"python3 -c {shlex.quote(PROGRAM)}"
                ids = [(await client.run("shell", line)).metadata.id for _ in range(RUNS)]
                with started(workstation.command("tui"), workstation.environ()) as screen:
                    await asyncio.to_thread(screen.until, lambda text: "token" in text, "the rows of the runs")
                    (runner,) = runner_pids(workstation)
                    processes = Watched(screen.pids()[0]), Watched(runner)
                    await asyncio.to_thread(watch, screen, processes)
                for execution in ids:
                    await client.cancel(execution, wait=60.0)
            workstation.run("server", "stop")
        finally:
            if daemon.child.poll() is None:
                daemon.kill()
    app, beside = processes
    told = f"the app {app.told()}; the runner {beside.told()}"
    for process in processes:
        assert abs(process.files[-1] - process.files[0]) <= RUNS, told
        grows = Slope.of(process.memory)
        assert SECONDS < TELLS_OF_AN_HOUR or grows.an_hour - 2 * grows.error < MOST_MIB_AN_HOUR, told
    record(f"the app with {RUNS} runs on its board that stream {RATE} lines a second each", SECONDS, "s", told)
