"""The daemon with the real runner: either may be killed, what runs goes on or says what became of it, and there is one runner a home."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.client import Client, TailBatch, TailEnd
from stigmer_backend.daemon.exits import Exit
from stigmer_backend.daemon.processes import identity_of
from stigmer_backend.daemon.runner_process import RunnerRecord
from tests.access.waiting import DEADLINE_SECONDS, blocked_until
from tests.daemon.process import DaemonProcess

COUNT = "for i in $(seq 1 30); do echo number-$i; sleep 0.1; done"


async def _connected(daemon: DaemonProcess, *, other_than: RunnerRecord | None = None) -> RunnerRecord:
    """Wait until a runner is connected, another one than `other_than`."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        record = daemon.runner()
        if record is not None and record != other_than:
            runners = (await daemon.status()).runners
            if any(runner.connected and runner.runner_id == record.runner_id for runner in runners):
                return record
        assert time.monotonic() < deadline, f"no runner is connected:\n{daemon.words()}"
        await asyncio.sleep(0.05)


async def _events(client: Client, execution_id: str) -> tuple[list[Event], TailEnd]:
    """All events of an execution until its end; their numbers are dense."""
    events: list[Event] = []
    async for item in client.tail(execution_id):
        match item:
            case TailBatch():
                assert item.first_seq == len(events) + 1
                events += item.events
            case TailEnd():
                assert item.final_seq == len(events)
                return events, item
            case _:
                continue
    raise AssertionError("the tail ended without its end")


def _output(events: list[Event]) -> str:
    return b"".join(event.terminal_output.data for event in events).decode()


async def _printed(daemon: DaemonProcess, execution_id: str, words: str) -> None:
    """Wait until an execution has printed `words`."""
    async with asyncio.timeout(DEADLINE_SECONDS), Client(daemon.home, start_daemon=False) as client:
        printed = ""
        async for item in client.tail(execution_id):
            if isinstance(item, TailBatch):
                printed += _output(list(item.events))
            if words in printed:
                return


async def test_status_tells_of_the_runner_as_it_reports_itself(daemon: DaemonProcess) -> None:
    await daemon.started()
    record = await _connected(daemon)
    (runner,) = (await daemon.status()).runners
    assert (runner.runner_id, runner.pid) == (record.runner_id, record.pid)
    assert runner.version
    assert runner.sandbox
    assert runner.uptime_seconds > 0


async def test_a_runner_that_is_killed_is_replaced(daemon: DaemonProcess) -> None:
    await daemon.started()
    first = await _connected(daemon)
    os.kill(first.pid, signal.SIGKILL)
    second = await _connected(daemon, other_than=first)
    assert second.pid != first.pid
    async with Client(daemon.home, start_daemon=False) as client:
        run = await client.run("shell", "echo $((6*7))")
        events, end = await _events(client, run.metadata.id)
    assert end.phase == ExecutionPhase.EXECUTION_COMPLETED
    assert "42" in _output(events)


async def test_a_killed_daemon_interrupts_nothing(daemon: DaemonProcess) -> None:
    await daemon.started()
    runner = await _connected(daemon)
    async with Client(daemon.home, start_daemon=False) as client:
        run = await client.run("shell", COUNT)
    await _printed(daemon, run.metadata.id, "number-5")
    daemon.send(signal.SIGKILL)
    daemon.ended()
    assert identity_of(runner.pid) == runner.identity
    await daemon.started()
    assert await _connected(daemon) == runner
    async with asyncio.timeout(DEADLINE_SECONDS), Client(daemon.home, start_daemon=False) as client:
        events, end = await _events(client, run.metadata.id)
    assert end.phase == ExecutionPhase.EXECUTION_COMPLETED
    assert _output(events).split() == [f"number-{number}" for number in range(1, 31)]


async def test_a_daemon_that_leaves_its_runner_is_followed_by_one_that_adopts_it(daemon: DaemonProcess) -> None:
    await daemon.started()
    runner = await _connected(daemon)
    async with Client(daemon.home, start_daemon=False) as client:
        run = await client.run("shell", COUNT)
    await _printed(daemon, run.metadata.id, "number-3")
    await daemon.shut_down(keep_runners=True)
    assert daemon.ended() == Exit.STOPPED
    assert identity_of(runner.pid) == runner.identity
    await daemon.started()
    assert await _connected(daemon) == runner
    async with asyncio.timeout(DEADLINE_SECONDS), Client(daemon.home, start_daemon=False) as client:
        events, end = await _events(client, run.metadata.id)
    assert end.phase == ExecutionPhase.EXECUTION_COMPLETED
    assert _output(events).split() == [f"number-{number}" for number in range(1, 31)]


async def test_both_killed_the_next_daemon_starts_both_and_the_run_says_what_became_of_it(
    daemon: DaemonProcess,
) -> None:
    await daemon.started()
    runner = await _connected(daemon)
    async with Client(daemon.home, start_daemon=False) as client:
        run = await client.run("shell", "echo begun; sleep 600")
    await _printed(daemon, run.metadata.id, "begun")
    os.kill(runner.pid, signal.SIGKILL)
    daemon.send(signal.SIGKILL)
    daemon.ended()
    await daemon.started()
    await _connected(daemon, other_than=runner)
    async with asyncio.timeout(DEADLINE_SECONDS), Client(daemon.home, start_daemon=False) as client:
        events, end = await _events(client, run.metadata.id)
    assert end.phase == ExecutionPhase.EXECUTION_FAILED
    assert _output(events).count("begun") == 1


async def test_a_stop_ends_what_runs_and_leaves_no_process(daemon: DaemonProcess) -> None:
    await daemon.started()
    await _connected(daemon)
    async with Client(daemon.home, start_daemon=False) as client:
        run = await client.run("shell", "echo begun; sleep 600")
        await _printed(daemon, run.metadata.id, "begun")
        before = [RunnerRecord("", process.pid, identity_of(process.pid) or "gone") for process in daemon.processes()]
        assert len(before) > 2
        daemon.send(signal.SIGTERM)
        assert await asyncio.to_thread(daemon.ended) == Exit.STOPPED
    blocked_until(lambda: [one for one in before if identity_of(one.pid) == one.identity] == [], "no process is left")
    await daemon.started()
    async with asyncio.timeout(DEADLINE_SECONDS), Client(daemon.home, start_daemon=False) as client:
        _, end = await _events(client, run.metadata.id)
    assert end.phase in (ExecutionPhase.EXECUTION_CANCELLED, ExecutionPhase.EXECUTION_FAILED)


@pytest.fixture
def impatient(short_tmp: Path) -> Iterator[DaemonProcess]:
    """A daemon that waits for a runner that hangs for moments only."""
    tree = {"PYTHONPATH": str(Path(__file__).parents[2])}
    one = DaemonProcess(short_tmp / "home", (sys.executable, "-m", "tests.daemon.impatient"), environment=tree)
    yield one
    one.end_everything()


async def test_a_hung_runner_is_ended_when_the_daemon_stops(impatient: DaemonProcess) -> None:
    await impatient.started()
    runner = await _connected(impatient)
    os.kill(runner.pid, signal.SIGSTOP)
    impatient.send(signal.SIGTERM)
    assert impatient.ended() == Exit.STOPPED
    assert identity_of(runner.pid) is None


async def test_a_hung_runner_is_replaced(impatient: DaemonProcess) -> None:
    await impatient.started()
    first = await _connected(impatient)
    os.kill(first.pid, signal.SIGSTOP)
    await _connected(impatient, other_than=first)
    assert identity_of(first.pid) is None
