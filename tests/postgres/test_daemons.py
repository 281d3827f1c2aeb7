"""Two daemons with a runner each on one database, as on two hosts: one is lost in the middle of a run, disk and all."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_backend.daemon.exits import Exit
from tests.chaos.daemon import DaemonProcess, client_of, runner_pids
from tests.chaos.reading import everything, story_of
from tests.postgres.test_taking_over import TAKEN_OVER_SECONDS
from tests.support.postgres_server import database_for
from tests.support.waiting import eventually
from tests.support.workstation import Workstation, new_workstation

LINES = 600
RUN_SECONDS = 120


def on(workstation: Workstation, uri: str, **more: str) -> Workstation:
    """The workstation with its storage in a database."""
    return replace(workstation, environment={**workstation.environment, "STIGMER_STORAGE": uri, **more})


async def patiently(holds: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    """As `eventually`, as often as two daemons and two runners may need on a busy machine."""
    for _ in range(RUN_SECONDS // 30):
        with suppress(TimeoutError):
            return await eventually(holds)
    raise AssertionError("it does not come about")


@pytest.mark.timeout(400)
async def test_a_lost_host_is_followed_by_the_other_with_every_event_once(tmp_path: Path) -> None:
    """The run that was in a command ends as one of a lost runner does, one that waited is run; both are told whole by the other daemon."""
    uri = database_for(tmp_path)
    with new_workstation() as home, new_workstation() as elsewhere:
        one, other = on(home, uri), on(elsewhere, uri, STIGMER_STANDBY="true")
        first = DaemonProcess.start(one)
        await first.answers()
        second = DaemonProcess.start(other)
        async with client_of(one) as client:
            program = f"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; sleep 0.05; done"
            running = (await client.run("shell", program)).metadata.id
            before: list[object] = []

            async def has_output() -> bool:
                before[:] = await everything(client, running, follow=False)
                return any("line 9" in str(event) for event in before)

            await patiently(has_output)
            await patiently(lambda: "standing by" in second.log())
            assert second.child.poll() is None
            before[:] = await everything(client, running, follow=False)
        first.kill()
        for pid in runner_pids(one):
            os.kill(pid, signal.SIGKILL)
        lost = time.monotonic()
        shutil.rmtree(one.home / "data")
        await second.answers()
        assert time.monotonic() - lost < TAKEN_OVER_SECONDS
        async with client_of(other) as client:
            async with asyncio.timeout(RUN_SECONDS):
                events = await everything(client, running, follow=True)
                fresh = (await client.run("shell", "echo it goes on")).metadata.id
                later = await everything(client, fresh, follow=True)
            assert events[: len(before)] == before
            assert story_of(events).phase in (ExecutionPhase.EXECUTION_FAILED, ExecutionPhase.EXECUTION_COMPLETED)
            assert events == await everything(client, running, follow=False)
            assert story_of(later).phase == ExecutionPhase.EXECUTION_COMPLETED
        other.run("server", "stop")


@pytest.mark.timeout(200)
async def test_a_daemon_that_stands_by_stops_when_asked_and_one_that_may_not_wait_says_who_has_the_database(
    tmp_path: Path,
) -> None:
    uri = database_for(tmp_path)
    with new_workstation() as home, new_workstation() as elsewhere:
        one = on(home, uri)
        first = DaemonProcess.start(one)
        await first.answers()
        second = DaemonProcess.start(on(elsewhere, uri, STIGMER_STANDBY="true"))
        await patiently(lambda: "standing by: the database is in use by process" in second.log())
        second.child.terminate()
        assert await asyncio.to_thread(second.child.wait, 30) == Exit.STOPPED
        refused = DaemonProcess.start(on(elsewhere, uri))
        assert await asyncio.to_thread(refused.child.wait, 60) == Exit.STORE_IN_USE
        assert "let this one stand by" in refused.log()
        said = one.run("backup", str(tmp_path / "copy"), code=None).stderr.decode()
        assert "pg_dump" in said
        one.run("server", "stop")
