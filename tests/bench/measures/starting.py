"""From a typed command to something on the screen."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from tests.bench.figures import Figure, at_most, ratio_at_most
from tests.bench.rounds import in_turn, timed
from tests.bench.run import Bench
from tests.bench.screen import started

SUBJECT = "echo first-screen-marker"
IMPORT_ALLOWANCE = 0.3
"""Seconds that a first screen may take beyond the import of textual."""


def _run(*words: str) -> Callable[[], Awaitable[float]]:
    async def run() -> float:
        with timed() as watch:
            await asyncio.to_thread(subprocess.run, [sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        return watch.seconds * 1e3

    return run


async def version(bench: Bench) -> Sequence[Figure]:
    """`stigmer --version` beside an interpreter that does nothing."""
    rounds = await in_turn(
        bench.size(10, 30), {"version": _run("-m", "stigmer_tui", "--version"), "pass": _run("-c", "pass")}
    )
    return [
        Figure(
            name="`stigmer --version`",
            value=rounds.median("version"),
            unit="ms",
            baseline=rounds.median("pass"),
            baseline_name="`python -c pass`",
            ratio=rounds.ratio("version", "pass"),
            budget=ratio_at_most(2.0),
            method="process start to end, median",
        )
    ]


async def first_screen(bench: Bench) -> Sequence[Figure]:
    """`stigmer tui` with the daemon running: the first thing drawn, and the board with its rows."""
    workstation = bench.workstation
    await asyncio.to_thread(workstation.run, "run", "shell", "--message", SUBJECT, "--follow")
    boards: list[float] = []

    async def screen() -> float:
        drawn, board = await asyncio.to_thread(_open, workstation.command("tui"), workstation.environ())
        boards.append(board)
        return drawn

    rounds = await in_turn(
        bench.size(3, 9), {"screen": screen, "import": _run("-c", "import textual.app, textual.widgets")}
    )
    textual = rounds.median("import")
    return [
        Figure(
            name="first screen of the app",
            value=rounds.median("screen"),
            unit="ms",
            baseline=textual,
            baseline_name="an interpreter that imports textual",
            ratio=rounds.ratio("screen", "import"),
            budget=at_most(textual + IMPORT_ALLOWANCE * 1e3),
            method="process start to the first letters on the screen, daemon running",
        ),
        Figure(
            name="usable board, daemon running",
            value=statistics.median(boards) / 1e3,
            unit="s",
            budget=at_most(0.7),
            method="process start to the newest run's row on the screen",
        ),
    ]


def _open(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Milliseconds to the first letters, and to the board's rows."""
    begin = time.perf_counter()
    with started(command, environment) as screen:
        drawn = screen.until(lambda text: sum(c.isalnum() for c in text) > 10, "the first screen") - begin
        board = screen.until(lambda text: "first-screen-marker" in text, "the newest run") - begin
    return drawn * 1e3, board * 1e3
