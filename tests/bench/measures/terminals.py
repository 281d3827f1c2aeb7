"""A program's output on its way from the terminal to a client, stored on the way."""

import asyncio
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from stigmer_apis.client import Client, TailBatch
from stigmer_runner.sandbox.choose import choose_sandbox
from stigmer_runner.sandbox.interface import Sandbox
from stigmer_runner.sandbox.model import CommandRequest, SandboxKind, SandboxLayout, ShellState
from tests.bench.command_lines import gated_run
from tests.bench.figures import Figure, at_most, ratio_at_least
from tests.bench.rounds import in_turn, percentile
from tests.bench.run import Bench, Unavailable
from tests.chaos.daemon import client_of, daemon_pids, runner_pids

SOURCE = Path(__file__).parents[1] / "reader.c"
LINE = b"2026-01-31T12:00:00.123Z INFO server: request 4711 answered in 12 ms, 200 OK, 1234 bytes\n"
STAMPS = "import time\nfor _ in range({}):\n    print(time.time_ns(), flush=True)\n    time.sleep(0.05)\n"


def compiled_reader(directory: Path) -> Path:
    """The reader in C. Raises `Unavailable` where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Unavailable("there is no C compiler (cc)")
    program = directory / "reader"
    subprocess.run([compiler, "-O2", "-o", str(program), str(SOURCE), "-lutil"], check=True)
    return program


async def throughput(bench: Bench) -> Sequence[Figure]:
    """`cat` of a text file: in the runner's reader, and the whole way to a client."""
    with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as directory:
        return await _throughput(bench, Path(directory))


async def _throughput(bench: Bench, directory: Path) -> Sequence[Figure]:
    megabytes = bench.size(16, 64)
    reader = compiled_reader(directory)
    text = directory / "text"
    text.write_bytes(LINE * (megabytes * 1_000_000 // len(LINE)))
    workstation = bench.workstation
    pids = [*daemon_pids(workstation), *runner_pids(workstation)]
    cpu: list[float] = []
    layout = SandboxLayout(bench.directory(), bench.directory(), directory, os.environ.get("PATH", os.defpath))
    sandbox = await choose_sandbox(layout, SandboxKind.NONE)
    figures: list[Figure] = []
    async with client_of(workstation) as client:
        for mode, reader_budget, client_budget in (("cooked", 0.8, 0.4), ("raw", 0.6, 0.3)):
            line = f"stty {'-opost' if mode == 'raw' else 'opost'}; cat {text.name}"
            options = ["-r"] if mode == "raw" else []

            async def in_c(options: list[str] = options) -> float:
                done = await asyncio.to_thread(
                    subprocess.run, [str(reader), *options, "cat", str(text)], capture_output=True, check=True
                )
                return megabytes / float(done.stdout.split()[1])

            async def in_runner(line: str = line) -> float:
                return megabytes / await _read_in_sandbox(sandbox, line, directory)

            async def to_client(line: str = line, mode: str = mode) -> float:
                before = _cpu(pids)
                seconds = await _whole_way(client, line, directory, megabytes)
                if mode == "cooked":
                    cpu.append((_cpu(pids) - before) * 1e3 / megabytes)
                return megabytes / seconds

            rounds = await in_turn(bench.size(3, 7), {"c": in_c, "runner": in_runner, "client": to_client})
            method = f"`cat` of {megabytes} MB of log lines, {'no ' if mode == 'raw' else ''}output processing by the terminal"
            for name, contender, budget, what in (
                (f"terminal reader in the runner, {mode}", "runner", reader_budget, "the sandbox's own reader"),
                (
                    f"terminal to client, stored, {mode}",
                    "client",
                    client_budget,
                    "terminal, runner, daemon, store, client",
                ),
            ):
                figures.append(
                    Figure(
                        name=name,
                        value=rounds.median(contender),
                        unit="MB/s",
                        baseline=rounds.median("c"),
                        baseline_name="a reader in C",
                        ratio=rounds.ratio(contender, "c"),
                        budget=ratio_at_least(budget),
                        method=f"{method}: {what}",
                    )
                )
    await sandbox.close()
    figures.append(
        Figure(
            name="terminal to client: CPU of daemon and runner",
            value=statistics.median(cpu),
            unit="ms/MB",
            budget=at_most(4.0),
            method=f"`cat` of {megabytes} MB, cooked, without the program's own",
        )
    )
    return figures


async def _read_in_sandbox(sandbox: Sandbox, line: str, workspace: Path) -> float:
    """Seconds of a line in the sandbox alone."""
    read = 0

    def take(data: bytes) -> None:
        nonlocal read
        read += len(data)

    request = CommandRequest(line, workspace, ShellState(str(workspace)), "bench")
    begin = time.perf_counter()
    command = await sandbox.start(request, take)
    await command.wait()
    seconds = time.perf_counter() - begin
    if read < 1_000_000:
        raise AssertionError(f"{read} bytes")
    return seconds


async def _whole_way(client: Client, line: str, workspace: Path, megabytes: int) -> float:
    """Seconds from the gate's opening until a client has all the output and the end of the line."""
    (workspace / "go").unlink(missing_ok=True)
    async with gated_run(client, workspace, [line]) as run:
        begin = run.open()
        end = await run.after(1)
        if run.output_bytes < megabytes * 990_000:
            raise AssertionError(f"{run.output_bytes} bytes of {megabytes} MB")
        return end - begin


def _cpu(pids: Sequence[int]) -> float:
    """Seconds of CPU that processes have used, without their children."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


async def write_latency(bench: Bench) -> Sequence[Figure]:
    """From a program's write to a client's hands, on an idle machine."""
    count = bench.size(100, 500)
    taken: list[float] = []
    with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as directory:
        program = Path(directory) / "stamps.py"
        program.write_text(STAMPS.format(count))
        async with client_of(bench.workstation) as client:
            execution = await client.run("shell", "python3 stamps.py", workspace=directory)
            async for item in client.tail(execution.metadata.id):
                now = time.time_ns()
                if not isinstance(item, TailBatch):
                    continue
                for event in item.events:
                    words = event.terminal_output.data.split()
                    if words and words[-1].isdigit():
                        taken.append((now - int(words[-1])) / 1e6)
    if len(taken) < count // 2:
        raise AssertionError(f"{len(taken)} stamps of {count}")
    method = f"{count} lines, 50 ms apart, terminal to client"
    return [
        Figure(
            name="write to client, idle, p50",
            value=percentile(taken, 0.5),
            unit="ms",
            budget=at_most(1.0),
            method=method,
        ),
        Figure(name="write to client, idle, p99", value=percentile(taken, 0.99), unit="ms", method=method),
    ]
