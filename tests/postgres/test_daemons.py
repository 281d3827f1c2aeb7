"""Two daemons with a runner each on one database, as on two hosts: both serve, and either may be lost in the middle of runs, disk and all."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.client import Client
from stigmer_apis.errors import StigmerError
from stigmer_backend.daemon.exits import Exit
from tests.chaos.daemon import DaemonProcess, client_of, runner_pids
from tests.chaos.reading import everything, story_of
from tests.postgres.test_taking_over import TAKEN_OVER_SECONDS
from tests.support.postgres_server import database_for, running
from tests.support.waiting import eventually
from tests.support.workstation import Workstation, new_workstation

LINES = 40
PROGRAM = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; sleep 0.1; done"
OUTPUT = "".join(f"line {number}\r\n" for number in range(1, LINES + 1)).encode()
RUN_SECONDS = 120


@dataclass(slots=True)
class Two:
    """Two homes on one database, the first one's daemon leading."""

    one: Workstation
    other: Workstation
    first: DaemonProcess
    second: DaemonProcess


def on(workstation: Workstation, uri: str, **more: str) -> Workstation:
    """The workstation with its storage in a database."""
    return replace(workstation, environment={**workstation.environment, "STIGMER_STORAGE": uri, **more})


@asynccontextmanager
async def two_daemons(uri: str) -> AsyncGenerator[Two]:
    """Both, each with its runner connected."""
    with new_workstation() as home, new_workstation() as elsewhere:
        one, other = (on(each, uri, STIGMER_STANDBY="true") for each in (home, elsewhere))
        first = DaemonProcess.start(one)
        await first.answers()
        second = DaemonProcess.start(other)
        await second.answers()
        async with client_of(other) as client:
            await patiently(lambda: _has_runners(client, 2))
        yield Two(one, other, first, second)


async def patiently(holds: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    """As `eventually`, as often as two daemons and two runners may need on a busy machine."""
    for _ in range(RUN_SECONDS // 30):
        with suppress(TimeoutError):
            return await eventually(holds)
    raise AssertionError("it does not come about")


async def _has_runners(client: Client, number: int) -> bool:
    return sum(runner.connected for runner in (await client.get_status()).runners) == number


async def _is_alone(client: Client) -> bool:
    """Whether the daemon that is asked knows of no other any more: it looks every second."""
    return [daemon.itself for daemon in (await client.get_status()).daemons] == [True]


async def leads(client: Client) -> bool:
    """Whether the daemon that is asked leads; False while it does not answer."""
    try:
        return any(daemon.itself and daemon.leads for daemon in (await client.get_status()).daemons)
    except StigmerError:
        return False


async def says(client: Client, execution: str, words: str) -> list[Event]:
    """The events of a run, once there is `words` in its output."""
    found: list[Event] = []

    async def there() -> bool:
        found[:] = await everything(client, execution, follow=False)
        return any(words in str(event) for event in found)

    await patiently(there)
    return found


def assert_whole(events: list[Event]) -> None:
    """The run went on to its end, and each line came once."""
    story = story_of(events)
    assert story.phase == ExecutionPhase.EXECUTION_COMPLETED, story.reason
    assert [(command.started, command.output) for command in story.commands] == [(1, OUTPUT)]


@pytest.mark.timeout(400)
async def test_the_daemon_that_leads_is_lost_with_its_host_and_the_other_goes_on(tmp_path: Path) -> None:
    """A run of the other host goes on, followed without a break; one that was in a command of the lost host ends as of a lost runner."""
    async with two_daemons(database_for(tmp_path)) as two, client_of(two.other) as client:
        assert not await leads(client)
        near = (await client.run("shell", PROGRAM)).metadata.id
        following = asyncio.create_task(everything(client, near, follow=True))
        async with client_of(two.one) as elsewhere:
            lost = (await elsewhere.run("shell", PROGRAM)).metadata.id
        before = await says(client, lost, "line 3")
        await says(client, near, "line 3")
        two.first.kill()
        for pid in runner_pids(two.one):
            os.kill(pid, signal.SIGKILL)
        gone = time.monotonic()
        shutil.rmtree(two.one.home / "data")
        await patiently(lambda: leads(client))
        assert time.monotonic() - gone < TAKEN_OVER_SECONDS
        async with asyncio.timeout(RUN_SECONDS):
            assert_whole(await following)
            events = await everything(client, lost, follow=True)
            fresh = (await client.run("shell", "echo it goes on")).metadata.id
            later = await everything(client, fresh, follow=True)
        assert events[: len(before)] == before
        assert story_of(events).phase in (ExecutionPhase.EXECUTION_FAILED, ExecutionPhase.EXECUTION_COMPLETED)
        assert story_of(events).commands[0].started == 1
        assert story_of(later).phase == ExecutionPhase.EXECUTION_COMPLETED


@pytest.mark.timeout(400)
async def test_the_server_of_the_database_and_the_daemon_in_between_are_lost_in_the_midst_of_runs() -> None:
    """The first run goes on over the restart of the server; the second one does if its daemon is back before the lease ends, and nothing comes twice."""
    with running() as server:
        async with two_daemons(server.database()) as two, client_of(two.other) as client, client_of(two.one) as leading:
            near = (await client.run("shell", PROGRAM)).metadata.id
            following = asyncio.create_task(everything(client, near, follow=True))
            await says(client, near, "line 3")
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(RUN_SECONDS):
                assert_whole(await following)
            again = (await client.run("shell", PROGRAM)).metadata.id
            following = asyncio.create_task(everything(client, again, follow=True))
            await says(client, again, "line 3")
            two.second.kill()
            two.second = DaemonProcess.start(two.other)
            async with asyncio.timeout(RUN_SECONDS):
                events = await following
                assert events == await everything(leading, again, follow=True)
            (command,) = story_of(events).commands
            assert command.started == 1
            assert OUTPUT.startswith(command.output)
            assert await leads(leading)
            assert two.first.child.poll() is None


@pytest.mark.timeout(400)
async def test_a_frozen_daemon_is_replaced_and_ends_when_it_thaws(tmp_path: Path) -> None:
    async with two_daemons(database_for(tmp_path)) as two, client_of(two.other) as client:
        near = (await client.run("shell", PROGRAM)).metadata.id
        await says(client, near, "line 3")
        two.first.child.send_signal(signal.SIGSTOP)
        frozen = time.monotonic()
        await patiently(lambda: leads(client))
        assert time.monotonic() - frozen < TAKEN_OVER_SECONDS
        two.first.child.send_signal(signal.SIGCONT)
        assert await asyncio.to_thread(two.first.child.wait, 60) == Exit.STORE_STOPPED
        assert "taken over by" in two.first.log()
        async with asyncio.timeout(RUN_SECONDS):
            assert_whole(await everything(client, near, follow=True))


@pytest.mark.timeout(200)
async def test_a_daemon_that_passes_on_stops_when_asked_and_one_that_may_not_wait_says_who_has_the_database(
    tmp_path: Path,
) -> None:
    uri = database_for(tmp_path)
    async with two_daemons(uri) as two:
        assert b" leads, at " in two.other.run("server", "status").stdout
        assert b"passes on what it is asked (this one)" in two.other.run("server", "status").stdout
        said = two.other.run("backup", str(tmp_path / "copy"), code=None).stderr.decode()
        assert "pg_dump" in said
        two.other.run("server", "stop")
        assert await asyncio.to_thread(two.second.child.wait, 30) == Exit.STOPPED
        assert runner_pids(two.other) == []
        async with client_of(two.one) as client:
            await patiently(lambda: _has_runners(client, 1))
            await patiently(lambda: _is_alone(client))
        refused = DaemonProcess.start(
            replace(two.other, environment={**two.other.environment, "STIGMER_STANDBY": "false"})
        )
        assert await asyncio.to_thread(refused.child.wait, 60) == Exit.STORE_IN_USE
        assert "let this one stand by" in refused.log()
