"""What Stigmer itself costs per command line, and a line that prints much."""

import asyncio
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from stigmer_apis.client import Client
from tests.bench.agent_runs import NO_WALLS
from tests.bench.command_lines import GATE, gated_run
from tests.bench.figures import Figure, at_most
from tests.bench.rounds import in_turn, timed
from tests.bench.run import Bench
from tests.bench.screen import started
from tests.chaos.daemon import DaemonProcess, client_of
from tests.support.workstation import new_workstation

LINES = 20
OUTPUT_MEGABYTES = 10
LIST_KEYS = b"\x1b"
"""From the composer to the list: escape."""


async def own_time(bench: Bench) -> Sequence[Figure]:
    """20 queued lines that do nothing, in one run, with and without walls."""
    rounds_count = bench.size(3, 9)
    measured = [("in bwrap", await _own_time(client_of(bench.workstation), rounds_count), 15.0)]
    with new_workstation(**NO_WALLS) as bare:
        daemon = DaemonProcess.start(bare)
        await daemon.answers()
        measured.append(("without walls", await _own_time(client_of(bare), rounds_count), 8.0))
    method = f"{LINES} queued lines `true` in one run, from the first one's start to a client that has the last one's end, divided by {LINES}; each durable before it runs"
    return [
        Figure(
            name=f"own time per command line, {name}",
            value=rounds[0],
            unit="ms",
            baseline=rounds[1],
            baseline_name="`bash -c true`, spawned and waited for",
            ratio=rounds[0] / rounds[1],
            budget=at_most(budget),
            method=method,
        )
        for name, rounds, budget in measured
    ]


async def _own_time(client: Client, rounds_count: int) -> tuple[float, float]:
    """Milliseconds a line through Stigmer, and a bare one."""
    async with client:

        async def queued() -> float:
            with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as workspace:
                async with gated_run(client, Path(workspace), ["true"] * LINES) as run:
                    run.open()
                    began = await run.after(0)
                    return (await run.after(LINES) - began) * 1e3 / LINES

        async def bare() -> float:
            return await asyncio.to_thread(_spawn_bash) * 1e3 / LINES

        rounds = await in_turn(rounds_count, {"queued": queued, "bare": bare})
    return rounds.median("queued"), rounds.median("bare")


def _spawn_bash() -> float:
    with timed() as watch:
        for _ in range(LINES):
            subprocess.run(["bash", "-c", "true"], check=True)
    return watch.seconds


async def own_time_in_app(bench: Bench) -> Sequence[Figure]:
    """The same with the run open in the app: until the last line's output is on the screen."""
    workstation = bench.workstation
    taken: list[float] = []
    async with client_of(workstation) as client:
        for _ in range(bench.size(3, 9)):
            with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as workspace:
                lines = ["true"] * (LINES - 1) + ["echo done-$((6*7))"]
                async with gated_run(client, Path(workspace), lines) as run:
                    with started(workstation.command("tui"), workstation.environ()) as screen:
                        await asyncio.to_thread(screen.until, lambda text: GATE[:20] in text, "the run's row")
                        screen.write(LIST_KEYS)
                        await asyncio.to_thread(screen.settle)
                        screen.write(b"\r")
                        await asyncio.to_thread(screen.settle)
                        begin = time.perf_counter()
                        run.open()
                        end = await asyncio.to_thread(screen.until, lambda text: "done-42" in text, "the last line")
                        taken.append((end - begin) * 1e3 / LINES)
    return [
        Figure(
            name="own time per command line, in the app",
            value=statistics.median(taken),
            unit="ms",
            budget=at_most(18.0),
            method=f"{LINES} queued lines in bwrap, the run open in the app, from the gate's opening to the last line's output on the screen, divided by {LINES}",
        )
    ]


async def much_output(bench: Bench) -> Sequence[Figure]:
    """One line prints 10 MB: until the next line has begun and ended, all of it kept."""
    taken: list[float] = []
    with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as directory:
        workspace = Path(directory)
        text = b"x" * 79 + b"\n"
        (workspace / "text").write_bytes(text * (OUTPUT_MEGABYTES * 1_000_000 // len(text)))
        async with client_of(bench.workstation) as client:
            for _ in range(bench.size(3, 9)):
                (workspace / "go").unlink(missing_ok=True)
                async with gated_run(client, workspace, ["cat text", "true"]) as run:
                    run.open()
                    began = await run.after(0)
                    taken.append(await run.after(2) - began)
                    if run.output_bytes < OUTPUT_MEGABYTES * 1_000_000:
                        raise AssertionError(f"{run.output_bytes} bytes")
    return [
        Figure(
            name="10 MB of output to the next line's end",
            value=statistics.median(taken),
            unit="s",
            budget=at_most(0.25),
            method=f"`cat` of {OUTPUT_MEGABYTES} MB of 80-byte lines, then `true`, in bwrap; a client has every byte and the second line's end",
        )
    ]
