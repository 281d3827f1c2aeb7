"""What a terminal prints arrives byte for byte, in order, whole, at the reader's pace."""

import asyncio
import hashlib
import os
import random
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stigmer_runner.sandbox import Outcome, RunningCommand, Sandbox, SandboxKind, choose_sandbox, end_marked_processes
from tests.sandbox.driver import PATIENCE, Shell, end, exited, marker, until
from tests.sandbox.ground import Ground
from tests.support.require import require_tool
from tests.support.scale import scaled

RAW = "stty raw -echo -opost; "
"""The terminal changes no byte."""


async def test_every_byte_arrives_as_it_was_written(shell: Shell) -> None:
    data = random.Random(1).randbytes(3_000_000)
    (shell.workspace / "data").write_bytes(data)
    told = await shell.run(f"{RAW}cat data; exit 7")
    assert hashlib.sha256(told.output).digest() == hashlib.sha256(data).digest()
    assert exited(told, 7)


@given(data=st.binary(max_size=20_000), cuts=st.lists(st.integers(1, 5_000), min_size=1, max_size=6))
@settings(
    max_examples=scaled(15, 300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_bytes_in_any_pieces_arrive_as_they_were_written(
    property_runner: asyncio.Runner, property_shell: Shell, data: bytes, cuts: list[int]
) -> None:
    (property_shell.workspace / "data").write_bytes(data)
    pieces = "; ".join(f"dd bs={cut} count=1 status=none" for cut in cuts)
    told = property_runner.run(property_shell.run(f"{RAW}{{ {pieces}; cat; }} <data"))
    assert told.output == data


@pytest.fixture(scope="module")
def property_runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def property_shell(tmp_path_factory: pytest.TempPathFactory, property_runner: asyncio.Runner) -> Iterator[Shell]:
    require_tool("bwrap")
    ground = Ground(tmp_path_factory.mktemp("property").resolve())
    sandbox = property_runner.run(choose_sandbox(ground.layout(), SandboxKind.BUBBLEWRAP))
    yield Shell(sandbox, ground.workspace())
    property_runner.run(sandbox.close())


async def test_a_terminal_shows_what_a_terminal_shows(shell: Shell) -> None:
    assert (await shell.run("printf 'a\\nb'")).output == b"a\r\nb"


async def test_half_a_character_at_the_end_is_kept(shell: Shell) -> None:
    assert (await shell.run("printf 'a\\xe2\\x82'; sleep 0.1; printf '\\xac\\xe2'")).output == b"a\xe2\x82\xac\xe2"


async def test_lines_of_ten_megabytes_arrive_whole(shell: Shell) -> None:
    line = "head -c 10000000 /dev/zero | tr '\\0' x; echo; head -c 10000000 /dev/zero | tr '\\0' y; echo; echo end"
    told = await shell.run(line)
    assert told.output == b"x" * 10_000_000 + b"\r\n" + b"y" * 10_000_000 + b"\r\nend\r\n"


async def test_order_is_kept_between_output_and_error(shell: Shell) -> None:
    told = await shell.run("for i in $(seq 500); do echo o$i; echo e$i >&2; done")
    assert told.text == "".join(f"o{i}\ne{i}\n" for i in range(1, 501))


async def test_nothing_at_the_end_is_lost(shell: Shell) -> None:
    for turn in range(scaled(15, 200)):
        told = await shell.run(f"head -c 300000 /dev/zero | tr '\\0' z; printf 'end{turn}'")
        assert len(told.output) == 300_000 + len(f"end{turn}")
        assert told.output.endswith(f"zend{turn}".encode())


class Slow:
    """A consumer that pauses the command at each mebibyte until the test has looked."""

    def __init__(self) -> None:
        self.total = 0
        self.step = 1024 * 1024
        self.command: RunningCommand | None = None
        self.full = asyncio.Event()

    def __call__(self, data: bytes) -> None:
        self.total += len(data)
        if self.command is not None and self.total >= self.step:
            self.command.pause_reading()
            self.full.set()


async def test_a_consumer_that_pauses_blocks_the_command_and_loses_nothing(shell: Shell) -> None:
    slow = Slow()
    command = await shell.sandbox.start(shell.request("head -c 20000000 /dev/zero | tr '\\0' x; echo; echo done"), slow)
    slow.command = command
    for _ in range(5):
        async with asyncio.timeout(PATIENCE):
            await slow.full.wait()
        seen = slow.total
        await asyncio.sleep(0.05)
        assert slow.total == seen
        slow.full.clear()
        slow.step = slow.total + 1024 * 1024
        command.resume_reading()
    slow.step = 1 << 60
    async with asyncio.timeout(PATIENCE):
        result = await end(command)
    assert result.outcome is Outcome.EXITED
    assert slow.total == 20_000_000 + len("\r\ndone\r\n")


async def test_a_paused_command_can_be_cancelled(shell: Shell) -> None:
    slow = Slow()
    slow.command = command = await shell.sandbox.start(shell.request("yes"), slow)
    async with asyncio.timeout(PATIENCE):
        await slow.full.wait()
        await command.cancel()
        assert (await end(command)).outcome is Outcome.CANCELLED


async def test_memory_stays_flat_under_a_flood(shell: Shell) -> None:
    process = psutil.Process()
    total = scaled(100, 1000) * 1024 * 1024
    counted = 0

    def count(data: bytes) -> None:
        nonlocal counted
        counted += len(data)

    before = process.memory_info().rss
    command = await shell.sandbox.start(shell.request(f"{RAW}head -c {total} /dev/zero"), count)
    peak = before
    waiting = asyncio.ensure_future(command.wait())
    while not waiting.done():
        peak = max(peak, process.memory_info().rss)
        await asyncio.wait({waiting}, timeout=0.05)
    assert counted == total
    assert peak - before < 20 * 1024 * 1024


async def test_a_background_child_that_holds_the_terminal_does_not_hold_the_line(shell: Shell) -> None:
    line = "(trap '' HUP; sleep 30; echo late) & echo now"
    command, output = await shell.start(line, marker=(mark := marker()))
    async with asyncio.timeout(PATIENCE / 2):
        result = await end(command)
    assert (result.outcome, bytes(output)) == (Outcome.EXITED, b"now\r\n")
    assert result.background_left
    end_marked_processes(mark)


async def test_a_background_child_that_floods_does_not_hold_the_line(shell: Shell) -> None:
    command, _ = await shell.start("(trap '' HUP; yes) & sleep 0.1; exit 4")
    async with asyncio.timeout(PATIENCE / 2):
        result = await end(command)
    assert (result.exit_code, result.background_left) == (4, True)


async def test_a_program_that_closes_its_output_lives_on(shell: Shell) -> None:
    told = await shell.run("echo a; exec >&- 2>&- <&-; sleep 0.3; exec >/dev/tty; echo b; exit 5")
    assert (told.text, told.result.exit_code) == ("a\nb\n", 5)


async def test_many_terminals_at_once_are_each_whole(shell: Shell) -> None:
    async def one(number: int) -> None:
        command, output = await shell.start(f"seq {number} 7 60000 | sha256sum; seq {number} 7 60000")
        assert (await end(command)).exit_code == 0
        text = output.decode().replace("\r\n", "\n")
        expected = "".join(f"{value}\n" for value in range(number, 60_001, 7))
        assert text == f"{hashlib.sha256(expected.encode()).hexdigest()}  -\n{expected}"

    async with asyncio.timeout(2 * PATIENCE), asyncio.TaskGroup() as group:
        for number in range(scaled(12, 100)):
            group.create_task(one(number))


async def test_the_terminal_has_its_size_before_the_line_runs_and_is_told_of_a_new_one(shell: Shell) -> None:
    line = "stty size; trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done"
    command, output = await shell.start(line, columns=132, rows=50)
    await until(lambda: b"ready" in output, "the line is ready")
    command.resize(90, 33)
    async with asyncio.timeout(PATIENCE):
        await end(command)
    assert bytes(output) == b"50 132\r\nready\r\n33 90\r\n"


async def test_a_broken_pipe_is_silent_as_in_any_terminal(shell: Shell) -> None:
    told = await shell.run("yes | head -1; echo ${PIPESTATUS[0]}")
    assert told.text == "y\n141\n"


async def test_no_descriptor_of_this_process_is_inherited(sandbox: Sandbox, ground: Ground) -> None:
    token = os.open(ground.token, os.O_RDONLY)
    os.set_inheritable(token, True)
    try:
        told = await Shell(sandbox, ground.workspace()).run("for fd in /proc/$$/fd/*; do readlink $fd; done")
    finally:
        os.close(token)
    kept = told.text.splitlines()
    assert len(kept) == 4
    assert sum(place.startswith("pipe:") for place in kept) == 1
    assert all(place.startswith(("pipe:", "/dev/")) for place in kept)
