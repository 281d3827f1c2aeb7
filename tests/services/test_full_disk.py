"""A full disk: nothing is lost, nothing is half-done, and it goes on without a restart once there is space."""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionId
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch, LogLine
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    CancelRequest,
    ListExecutionsRequest,
    SendMessageRequest,
)
from stigmer_apis.errors import ResourceExhausted
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.store import FileLayer, StoreOptions
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually


class Disk(FileLayer):
    """A disk that can be full."""

    def __init__(self) -> None:
        self.full = False
        self.full_for = ""
        """Only files whose path holds this are affected."""
        self._paths: dict[int, str] = {}

    def open(self, path: Path | str, flags: int) -> int:
        descriptor = super().open(path, flags)
        self._paths[descriptor] = str(path)
        return descriptor

    def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
        if self.full and self.full_for in self._paths.get(descriptor, ""):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write_at(descriptor, data, offset)


@pytest.fixture
def disk() -> Disk:
    """The disk that the store is on."""
    return Disk()


@pytest.fixture
async def served(short_tmp: Path, disk: Disk) -> AsyncGenerator[Served]:
    """A backend whose store is on `disk`."""
    options = ExecutionOptions(retry_seconds=0.01, retry_limit_seconds=0.05)
    async with serve_backend(short_tmp, options=options, store_options=StoreOptions(files=disk)) as backend:
        yield backend
        disk.full = False


def line(text: str) -> Event:
    return Event(log_line=LogLine(component="test", text=text))


async def texts(served: Served, execution_id: str) -> list[str]:
    batches = await served.store.read(execution_id, 0, 16 << 20)
    events = [event for batch in batches for event in EventBatch.FromString(batch.body).events]
    return [event.log_line.text for event in events if event.HasField("log_line")]


async def test_appends_wait_for_space_and_then_go_on_in_order(
    served: Served, runner: ScriptedRunner, disk: Disk
) -> None:
    name = (await served.run()).metadata.id
    held = await runner.begin(name)
    await runner.append(name, [line("before")])
    disk.full = True
    for number in range(40):
        await runner.append(name, [line(str(number))], urgent=number % 2 == 0, wait=False)

    async def told() -> bool:
        page = await served.stubs.service.ListExecutions(ListExecutionsRequest(), metadata=served.stubs.metadata)
        return "space" in page.executions[0].error

    await eventually(told)
    assert held.acknowledged == 2
    await runner.heartbeat()
    disk.full = False
    await runner.append(name, [line("after")])
    assert held.acknowledged == held.sent == 43
    assert await texts(served, name) == ["before", *(str(number) for number in range(40)), "after"]
    page = await served.stubs.service.ListExecutions(ListExecutionsRequest(), metadata=served.stubs.metadata)
    assert page.executions[0].error == ""


async def test_an_end_waits_for_space(served: Served, runner: ScriptedRunner, disk: Disk) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    disk.full = True
    ending = asyncio.create_task(runner.complete(name))
    with refused(ResourceExhausted):
        await served.run("another")
    disk.full = False
    await ending
    await eventually(lambda: served.backend.counts() == (1, 0))
    execution = await served.stubs.execution_queries.get(AgentExecutionId(value=name), metadata=served.stubs.metadata)
    assert execution.status.phase == ExecutionPhase.EXECUTION_COMPLETED


async def test_what_a_person_asks_is_refused_clearly_and_works_later(
    served: Served, runner: ScriptedRunner, disk: Disk
) -> None:
    name = (await served.run()).metadata.id
    await runner.lease(name)
    disk.full = True
    with refused(ResourceExhausted) as refusal:
        await served.stubs.service.SendMessage(
            SendMessageRequest(execution_id=name, text="x"), metadata=served.stubs.metadata
        )
    assert "free some space" in refusal.text.lower()
    with refused(ResourceExhausted):
        await served.stubs.service.Cancel(CancelRequest(execution_id=name), metadata=served.stubs.metadata)
    assert served.backend.counts() == (1, 1)
    disk.full = False
    await served.stubs.service.Cancel(CancelRequest(execution_id=name), metadata=served.stubs.metadata)
    assert (await runner.command(name)).HasField("cancel")


async def test_a_cancel_of_what_nobody_runs_fails_whole_and_works_later(served: Served, disk: Disk) -> None:
    name = (await served.run()).metadata.id
    disk.full = True
    with refused(ResourceExhausted):
        await served.stubs.service.Cancel(CancelRequest(execution_id=name), metadata=served.stubs.metadata)
    disk.full = False
    assert await served.store.head(name) == 2
    answer = await served.stubs.service.Cancel(CancelRequest(execution_id=name), metadata=served.stubs.metadata)
    assert answer.phase == ExecutionPhase.EXECUTION_CANCELLED
    await eventually(lambda: served.backend.counts() == (1, 0))


async def test_an_execution_whose_first_events_found_no_space_begins_later(
    served: Served, runner: ScriptedRunner, disk: Disk
) -> None:
    await served.run("first")
    disk.full, disk.full_for = True, "journal"
    creating = asyncio.create_task(served.run("echo hi", key="key-1"))

    async def stored() -> bool:
        return await served.store.read_state(lambda state: state.count("agent_execution")) == 2

    await eventually(stored)
    name = (await served.run("echo hi", key="key-1")).metadata.id
    assert not creating.done()
    disk.full = False
    assert (await creating).metadata.id == name
    held = await runner.begin(name)
    assert held.granted.execution.spec.message == "echo hi"
    await runner.complete(name)
    execution = await served.stubs.execution_queries.get(AgentExecutionId(value=name), metadata=served.stubs.metadata)
    assert execution.status.phase == ExecutionPhase.EXECUTION_COMPLETED
