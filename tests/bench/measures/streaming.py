"""The app while ten runs stream."""

import asyncio
import shlex
import time
from collections.abc import Sequence

import psutil

from tests.bench.figures import Figure, at_most
from tests.bench.rounds import percentile
from tests.bench.run import Bench
from tests.bench.screen import ProgramScreen, started
from tests.chaos.daemon import client_of

RUNS = 10
RATE = 100
"""Lines a second and run."""
PROGRAM = f"import time\nwhile True:\n    print('token', flush=True)\n    time.sleep({1 / RATE})\n"
LINE = f"python3 -c {shlex.quote(PROGRAM)}"
CLEAR = b"\x03"


async def key_latency(bench: Bench) -> Sequence[Figure]:
    """Keys typed into the composer while every row of the board moves."""
    keys = bench.size(20, 60)
    workstation = bench.workstation
    async with client_of(workstation) as client:
        ids = [(await client.run("shell", LINE)).metadata.id for _ in range(RUNS)]
        try:
            with started(workstation.command("tui"), workstation.environ()) as screen:
                await asyncio.to_thread(screen.until, lambda text: "token" in text, "the running rows")
                app = psutil.Process(screen.pids()[0])
                before, begin = app.cpu_times(), time.perf_counter()
                taken = await asyncio.to_thread(_type, screen, keys)
                after, seconds = app.cpu_times(), time.perf_counter() - begin
        finally:
            for execution in ids:
                await client.cancel(execution, wait=30.0)
    share = (after.user + after.system - before.user - before.system) / seconds * 100
    method = f"{RUNS} runs on the board, {RATE} lines/s each"
    return [
        Figure(
            name="key to screen while ten runs stream, p50",
            value=percentile(taken, 0.5),
            unit="ms",
            budget=at_most(50),
            method=f"{method}; {keys} letters typed into the composer, each until it is on the screen",
        ),
        Figure(
            name="key to screen while ten runs stream, p95", value=percentile(taken, 0.95), unit="ms", method=method
        ),
        Figure(
            name="CPU of the app while ten runs stream",
            value=share,
            unit="% of a core",
            budget=at_most(25),
            method=f"{method}; the board open, some keys typed",
        ),
    ]


def _type(screen: ProgramScreen, keys: int) -> list[float]:
    """Milliseconds from each key to the screen that shows it."""
    taken: list[float] = []
    typed = ""
    for number in range(keys):
        typed += "zqxj"[number % 4]
        begin = time.perf_counter()
        screen.write(typed[-1].encode())
        taken.append((screen.until(lambda text, typed=typed: typed in text, f"the typed {typed!r}") - begin) * 1e3)
        screen.settle(0.05)
    screen.write(CLEAR)
    screen.settle()
    return taken
