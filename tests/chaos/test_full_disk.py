"""The disk fills up while a program prints, and is freed: the run goes on without a restart, and nothing acknowledged is lost."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis.client import Client, TailBatch
from stigmer_apis.errors import StigmerError
from tests.chaos.daemon import DaemonProcess, client_of
from tests.chaos.figures import record
from tests.chaos.filling import Ballast, limit_file_size, small_disk, unlimit_file_size
from tests.chaos.reading import everything, story_of
from tests.support.scale import scaled
from tests.support.workstation import Workstation, new_workstation

OUTPUT_LINES = 250
PROGRAM = f"i=0; while [ $i -lt {OUTPUT_LINES} ]; do i=$((i+1)); echo line $i of {OUTPUT_LINES}; sleep 0.01; done; touch printed"
FULL_SECONDS = 2.0
REFUSAL_SECONDS = 60.0
DISK_MEGABYTES = 64
LONG = "x" * 16_384
"""More than what is left in the last page of a file on a full disk."""


@pytest.mark.timeout(scaled(600, 4 * 3600))
async def test_a_full_disk_holds_the_run_and_loses_nothing() -> None:
    """A small file system, filled to the last byte while a program prints."""
    with new_workstation() as workstation, small_disk(workstation.home / "data", DISK_MEGABYTES) as disk:
        ballast = Ballast(disk)
        await full_and_free(workstation, lambda _: ballast.fill(), lambda _: ballast.free(), "disk full, then freed")
        workstation.close()


@pytest.mark.timeout(scaled(600, 4 * 3600))
async def test_a_file_that_may_not_grow_holds_the_run_and_loses_nothing() -> None:
    """The same by a limit on the size of the daemon's files, which takes no root."""
    with new_workstation() as workstation:
        await full_and_free(
            workstation,
            lambda daemon: limit_file_size(daemon, 0),
            unlimit_file_size,
            "the daemon's files may not grow, then may",
        )


async def full_and_free(
    workstation: Workstation, fill: Callable[[int], None], free: Callable[[int], None], proof: str
) -> None:
    """Fill and free the disk some times while a run prints; it is `fill(pid of the daemon)`."""
    rounds = scaled(2, 20)
    refused = 0
    daemon = DaemonProcess.start(workstation)
    await daemon.answers()
    async with client_of(workstation) as client:
        for _ in range(rounds):
            execution_id = (await client.run("shell", PROGRAM, workspace=str(workspace_of(workstation)))).metadata.id
            await printed(client, execution_id)
            await asyncio.to_thread(fill, daemon.child.pid)
            refused += await refused_message(client, execution_id)
            await asyncio.sleep(FULL_SECONDS)
            await asyncio.to_thread(free, daemon.child.pid)
            events = await everything(client, execution_id, follow=True)
            story = story_of(events)
            expected = "".join(f"line {n} of {OUTPUT_LINES}\r\n" for n in range(1, OUTPUT_LINES + 1))
            assert story.commands[0].output.decode() == expected
            assert story.phase == ExecutionPhase.EXECUTION_COMPLETED
            assert story.issued == story.settled
            assert daemon.child.poll() is None, f"the daemon ended: {daemon.log()}"
            await client.run("shell", "true")
    assert refused == rounds, "a message was stored on a full disk"
    record(
        proof,
        rounds,
        "times",
        f"each run went on to its end without a restart, output whole; {refused} messages were refused meanwhile, with a reason",
    )


def workspace_of(workstation: Workstation) -> Path:
    """A directory beside the home, which is on another disk."""
    path = workstation.home.parent / "w"
    path.mkdir(exist_ok=True)
    return path


async def printed(client: Client, execution_id: str) -> None:
    """Return once the program prints."""
    async for item in client.tail(execution_id):
        if isinstance(item, TailBatch) and any(e.WhichOneof("body") == "terminal_output" for e in item.events):
            return


async def refused_message(client: Client, execution_id: str) -> int:
    """Send a message that cannot be stored: 1 where it was refused for want of space, 0 where not."""
    try:
        async with asyncio.timeout(REFUSAL_SECONDS):
            await client.send_message(execution_id, f"echo sent # {LONG}")
    except StigmerError as error:
        return int("space" in str(error) or "full" in str(error))
    return 0
