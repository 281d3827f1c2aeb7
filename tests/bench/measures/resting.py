"""What it costs to have it open and do nothing."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.bench.figures import Figure, at_most
from tests.bench.run import Bench, Unavailable
from tests.bench.screen import ProgramScreen, started
from tests.chaos.daemon import daemon_pids, runner_pids


async def memory_and_idle(bench: Bench) -> Sequence[Figure]:
    """App, daemon and runner, with a run shown before."""
    workstation = bench.workstation
    seconds = bench.size(5, 30)
    with started(workstation.command("tui"), workstation.environ()) as screen:
        await asyncio.to_thread(screen.until, lambda text: "shell" in text, "the board")
        await asyncio.to_thread(screen.settle)
        parts = {
            "app": screen.pids(),
            "daemon": daemon_pids(workstation),
            "runner": runner_pids(workstation),
        }
        before = {name: _cpu(pids) for name, pids in parts.items()}
        begin = time.perf_counter()
        await asyncio.to_thread(_idle, screen, seconds)
        passed = time.perf_counter() - begin
        shares = {name: (_cpu(pids) - before[name]) / passed * 100 for name, pids in parts.items()}
        sizes = {name: sum(pss(pid) for pid in pids) / 1e6 for name, pids in parts.items()}
    return [
        Figure(
            name="memory of app, daemon and runner",
            value=sum(sizes.values()),
            unit="MB",
            budget=at_most(250),
            method="PSS, the app open on the board after some runs: "
            + ", ".join(f"{name} {size:.0f}" for name, size in sizes.items()),
        ),
        Figure(
            name="idle CPU of app, daemon and runner",
            value=sum(shares.values()),
            unit="% of a core",
            budget=at_most(1.0),
            method=f"over {seconds} s, nothing running, the app open: "
            + ", ".join(f"{name} {share:.1f}" for name, share in shares.items()),
        ),
    ]


def _idle(screen: ProgramScreen, seconds: float) -> None:
    """Let time pass, and take what is drawn meanwhile."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        screen.settle(0.5)


def _cpu(pids: Sequence[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


def pss(pid: int) -> int:
    """Proportional set size in bytes. Raises `Unavailable` where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError as error:
        raise Unavailable(f"the memory of process {pid} cannot be read ({error.strerror}): root can") from error
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
