"""The command: `python -m tests.bench`."""

import argparse
import asyncio
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.catalogue import BENCHMARKS
from tests.bench.figures import Figure
from tests.bench.machine import describe
from tests.bench.page import update_table
from tests.bench.reasons import reason_of
from tests.bench.run import Bench, Benchmark, Unavailable, new_bench

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
COMMAND = "python -m tests.bench --write"
HEADER = ("what", "measured", "baseline", "ratio", "budget", "", "how", "when")
MACHINE_HEADER = ("when", "machine")


def main() -> int:
    """Run benchmarks and report; 1 if one of them broke."""
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Benchmarks of Stigmer.")
    parser.add_argument("--short", action="store_true", help="small sizes: the whole in about two minutes")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"one of {', '.join(names)}")
    parser.add_argument("--write", action="store_true", help="date the figures into docs/benchmarks.md")
    arguments = parser.parse_args()
    chosen = [b for b in BENCHMARKS if (arguments.only is None or b.name in arguments.only)]
    machine = describe()
    print(machine, flush=True)
    broken: list[str] = []
    figures: list[Figure] = []
    with new_bench(short=arguments.short) as bench:
        for benchmark in chosen:
            if benchmark.full_only and arguments.short:
                continue
            measured = _measure(benchmark, bench)
            if measured is None:
                broken.append(benchmark.name)
            else:
                figures += measured
    missed = [figure for figure in figures if figure.met is False]
    budgets = [figure for figure in figures if figure.met is not None]
    print(f"\n{len(budgets) - len(missed)} of {len(budgets)} budgets met")
    if arguments.write:
        _write(figures, machine, "short" if arguments.short else "full")
    if broken:
        print(f"broken: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def _measure(benchmark: Benchmark, bench: Bench) -> Sequence[Figure] | None:
    """The figures of a benchmark, printed; none where the machine lacks something; None where it broke."""
    begin = time.monotonic()
    figures = asyncio.run(_bounded(benchmark, bench))
    match figures:
        case Unavailable() as lacking:
            print(f"\n{benchmark.name}: left out, {lacking}", flush=True)
            return ()
        case BaseException() as error:
            print(f"\n{benchmark.name}: BROKEN", flush=True)
            traceback.print_exception(error)
            return None
        case _:
            pass
    print(f"\n{benchmark.name} ({time.monotonic() - begin:.1f} s)")
    for figure in figures:
        print("  " + line_of(figure), flush=True)
    return figures


async def _bounded(benchmark: Benchmark, bench: Bench) -> Sequence[Figure] | BaseException:
    """The figures, or what went wrong."""

    async def measure() -> Sequence[Figure]:
        async with asyncio.timeout(bench.size(600, 1_800)):
            return await benchmark.measure(bench)

    (outcome,) = await asyncio.gather(measure(), return_exceptions=True)
    return outcome


def line_of(figure: Figure) -> str:
    """A figure in one line, with the reason where its budget is missed."""
    parts = [f"{figure.name}: {figure.value_text()}"]
    if figure.baseline is not None:
        parts.append(f"against {figure.baseline_text()}")
    if figure.ratio is not None:
        parts.append(f"ratio {figure.ratio_text()}")
    if figure.budget is not None:
        parts.append(f"budget {figure.budget_text()}: {figure.verdict()}")
    if figure.met is False:
        parts.append(f"because: {reason_of(figure)}")
    return ", ".join(parts)


def _write(figures: Sequence[Figure], machine: str, size: str) -> None:
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    rows: dict[str, Sequence[str]] = {}
    for figure in figures:
        verdict = figure.verdict()
        if figure.met is False:
            verdict = f"**missed**: {reason_of(figure)}"
        rows[figure.name] = (
            figure.value_text(),
            figure.baseline_text(),
            figure.ratio_text(),
            figure.budget_text(),
            verdict,
            figure.method,
            f"{when}, {size}",
        )
    update_table(PAGE, COMMAND, HEADER, rows)
    update_table(PAGE, f"{COMMAND}, machines", MACHINE_HEADER, {f"{when}, {size}": (machine,)})


if __name__ == "__main__":
    sys.exit(main())
