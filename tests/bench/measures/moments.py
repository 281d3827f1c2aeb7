"""The terminal's emulator, and going back to a moment of a very long run."""

import random
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from stigmer_apis.client import Client, TailBatch
from stigmer_tui.emulator import Emulator
from stigmer_tui.moments.past import Past
from stigmer_tui.moments.timeline import Timeline
from tests.bench.figures import Figure, at_least, at_most
from tests.bench.rounds import percentile
from tests.bench.run import Bench
from tests.chaos.daemon import client_of

RECORDINGS = Path(__file__).parents[2] / "emulator" / "recordings"
FULL_SCREEN = ("htop", "top", "vim", "nano", "mc", "tmux")
CHUNK = 16 * 1024
COLUMNS, ROWS = 120, 40
_WORDS = ("quick", "brown", "fox", "jumps", "over", "lazy", "dog", "warning", "error", "compiling", "file", "of")


def _plain(chance: random.Random, size: int) -> bytes:
    lines = (" ".join(chance.choices(_WORDS, k=chance.randint(2, 18))).encode() + b"\r\n" for _ in range(size // 50))
    return b"".join(lines)[:size]


def _colored(chance: random.Random, size: int) -> bytes:
    def color() -> str:
        if chance.random() > 0.2:
            return str(chance.randrange(31, 37))
        return "38;2;" + ";".join(str(chance.randrange(256)) for _ in range(3))

    def word() -> str:
        return f"\x1b[{color()}m{chance.choice(_WORDS)}\x1b[0m "

    lines = ("".join(word() for _ in range(chance.randint(2, 10))).encode() + b"\r\n" for _ in range(size // 90))
    return b"".join(lines)[:size]


def _programs(size: int) -> bytes:
    once = b"".join((RECORDINGS / name).read_bytes() for name in FULL_SCREEN)
    return once * (size // len(once) + 1)


async def emulator_speed(bench: Bench) -> Sequence[Figure]:
    """Output in chunks as they come, into one terminal; its own processor time."""
    chance = random.Random(1)
    size = bench.size(1_000_000, 10_000_000)
    kinds = [
        ("plain", _plain(chance, size), 4.0, "plain lines"),
        (
            "coloured",
            _colored(chance, size),
            4.0,
            "lines in which every word has a colour, one in five its own true colour",
        ),
        ("full-screen", _programs(size), 6.0, f"recorded programs ({', '.join(FULL_SCREEN)}) again and again"),
    ]
    figures: list[Figure] = []
    for name, data, limit, what in kinds:
        rates: list[float] = []
        for _ in range(bench.size(1, 5)):
            emulator = Emulator(COLUMNS, ROWS)
            began = time.process_time()
            for start in range(0, len(data), CHUNK):
                emulator.feed(data[start : start + CHUNK])
            rates.append(len(data) / 1e6 / (time.process_time() - began))
        figures.append(
            Figure(
                name=f"terminal emulator, {name}",
                value=sorted(rates)[len(rates) // 2],
                unit="MB/s",
                budget=at_least(limit),
                method=f"{what}, {len(data) / 1e6:.0f} MB in chunks of 16 KiB into a screen of {COLUMNS}x{ROWS}; processor time of the emulator alone",
            )
        )
    return figures


_PRINTING = """python3 -c 'for i in range({count}): print("\\x1b[?1049h" + "".join("\\x1b[%d;%dHrow %d of %d" % (r, r, r, i) for r in range(1, 40)) + "\\x1b[?1049l" + ("plain line %d\\n" % i) * 400)'"""
_STEP_BYTES = 7_500
"""What one turn of `_PRINTING` prints: a full screen, and 400 plain lines."""
JUMPS = 40


async def jumps(bench: Bench) -> Sequence[Figure]:
    """From the request for a moment to the terminal as it stood, each from nothing but what the timeline keeps."""
    megabytes = bench.size(5, 1000)
    async with client_of(bench.workstation) as client:
        command = _PRINTING.format(count=megabytes * 1_000_000 // _STEP_BYTES)
        execution_id = (
            bench.workstation.run("run", "shell", "--message", command, "--detach", timeout=600)
            .stdout.decode()
            .split()[-1]
        )
        timeline = Timeline(bench.directory())
        timeline.begin(execution_id)
        async with aclosing(client.tail(execution_id)) as items:
            async for item in items:
                if isinstance(item, TailBatch):
                    timeline.take(item.first_seq, item.events)
        waits = await _jumps(client, timeline)
        timeline.close()
    method = f"a run whose command printed {megabytes} MB, full screens and plain lines in turn; {JUMPS} moments at random, each gone to from nothing"
    return [
        Figure(name="jump to a moment of a long run, p50", value=percentile(waits, 0.5), unit="ms", budget=at_most(100.0), method=method),
        Figure(name="jump to a moment of a long run, p95", value=percentile(waits, 0.95), unit="ms", budget=at_most(100.0), method=method),
    ]  # fmt: skip


async def _jumps(client: Client, timeline: Timeline) -> list[float]:
    """Milliseconds each."""
    chance = random.Random(1)
    first, last = timeline.first.micros, timeline.last.micros
    waits: list[float] = []
    for _ in range(JUMPS):
        moment = timeline.at(chance.randint(first, last))
        began = time.perf_counter()
        await Past(timeline).go(client, moment)
        waits.append((time.perf_counter() - began) * 1e3)
    return waits
