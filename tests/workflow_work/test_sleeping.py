"""Workflows that only wait take next to no memory: they sleep, and are woken by what they wait for."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest_asyncio

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_COMPLETED
from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalBatch, JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, Event, EventBatch
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import GetExecutionContextResponse, LinkResponse
from stigmer_runner.hosting.host import Host
from stigmer_runner.hosting.hosted import Services
from stigmer_runner.link.link import Link
from stigmer_runner.link.outbox import Outbox
from stigmer_runner.link.pressure import Pressure
from tests.interpreter.playing import document
from tests.support.scale import scaled
from tests.support.waiting import eventually

SLEEPY = 0.2


class Daemon:
    """What a runner's link is to it: takes what is appended, and gives the journal back."""

    def __init__(self) -> None:
        self.journals: dict[str, list[JournalRecord]] = {}
        self.events: dict[str, list[Event]] = {}
        self.read: list[str] = []
        self.returned: list[str] = []
        self._pressure = Pressure(1 << 30)

    def outbox(self, execution_id: str) -> Outbox:
        self.journals[execution_id], self.events[execution_id] = [], []
        return Outbox(execution_id, 1, self._pressure, self._take)

    async def execution_values(self, outbox: Outbox) -> GetExecutionContextResponse:
        return GetExecutionContextResponse()

    async def read_journal(self, outbox: Outbox) -> Sequence[JournalRecord]:
        self.read.append(outbox.execution_id)
        return [JournalRecord.FromString(each.SerializeToString()) for each in self.journals[outbox.execution_id]]

    def close(self, outbox: Outbox) -> None:
        outbox.close()

    def give_back(self, outbox: Outbox, reason: str) -> None:
        self.returned.append(outbox.execution_id)
        outbox.lose(reason)

    def completed(self, execution_id: str) -> bool:
        phases = [each.phase_changed.phase for each in self.events[execution_id] if each.HasField("phase_changed")]
        return phases[-1:] == [EXECUTION_COMPLETED]

    def _take(self, outbox: Outbox) -> None:
        asyncio.get_running_loop().call_soon(self._taken, outbox)

    def _taken(self, outbox: Outbox) -> None:
        while (frame := outbox.next_frame()) is not None:
            self.journals[outbox.execution_id] += JournalBatch.FromString(frame.append.journal).records
            self.events[outbox.execution_id] += EventBatch.FromString(frame.append.events).events
            outbox.acknowledged(frame.append.producer_seq)


class Runner:
    """A host, and what it runs."""

    def __init__(self) -> None:
        self.daemon = Daemon()
        self.host = Host()
        # Of all that hosting shares, workflows without processes need the link alone.
        nothing = cast(Any, None)
        link = cast(Link, self.daemon)
        services = Services(link, nothing, nothing, nothing, "h:", sleepy_seconds=SLEEPY)
        self._serving = asyncio.create_task(self.host.serve(services))

    def begin(self, execution_id: str, document_json: str) -> None:
        grant = LinkResponse.LeaseGranted(execution_id=execution_id, epoch=1, workspace="/tmp")
        grant.document_json, grant.input_json = document_json, "null"
        grant.workflow_execution.spec.document = "x"
        self.host.granted(grant, self.daemon.outbox(execution_id))

    def asleep(self) -> bool:
        """Whether all sleep."""
        return self.host.running > 0 and self.host.awake == 0

    async def close(self) -> None:
        self.host.shut_down("the test is over")
        await self._serving


@pytest_asyncio.fixture
async def runner() -> AsyncIterator[Runner]:
    runner = Runner()
    await asyncio.sleep(0)
    yield runner
    await runner.close()


async def test_a_workflow_that_waits_sleeps_and_goes_on_when_its_time_comes(runner: Runner) -> None:
    text = document("do: [{a: {set: {b: 1}}}, {w: {wait: {milliseconds: 2500}}}, {c: {set: {d: 1}}}]")
    runner.begin("wex-timer", text)
    await eventually(runner.asleep)
    assert runner.daemon.read == []
    await eventually(lambda: runner.daemon.completed("wex-timer"))
    assert runner.daemon.read == ["wex-timer"]
    await eventually(lambda: runner.host.running == 0)


async def test_a_signal_wakes_it_and_a_cancel_too(runner: Runner) -> None:
    text = document("do: [{l: {listen: {to: {one: {with: {id: go, type: signal}}}}}}]")
    for execution_id in ("wex-signal", "wex-cancel"):
        runner.begin(execution_id, text)
    await eventually(runner.asleep)
    runner.host.command("wex-signal", CommandIssued(command_id="c1", signal=CommandIssued.Signal(name="go")))
    runner.host.command("wex-cancel", CommandIssued(command_id="c2", cancel=CommandIssued.Cancel(reason="enough")))
    await eventually(lambda: runner.host.running == 0)
    assert runner.daemon.completed("wex-signal")
    assert runner.daemon.events["wex-cancel"][-1].phase_changed.reason == "enough"
    applied = [each.command_applied.command_id for events in runner.daemon.events.values() for each in events]
    assert sorted(filter(None, applied)) == ["c1", "c2"]


async def test_it_falls_asleep_again_and_a_runner_that_leaves_gives_it_back(runner: Runner) -> None:
    listening = "{listen: {to: {one: {with: {id: go, type: signal}}}}}"
    runner.begin("wex-a", document(f"do: [{{one: {listening}}}, {{two: {listening}}}]"))
    await eventually(runner.asleep)
    runner.host.command("wex-a", CommandIssued(command_id="c1", signal=CommandIssued.Signal(name="go")))
    assert not runner.asleep()
    await eventually(runner.asleep)
    await runner.close()
    assert runner.daemon.returned == ["wex-a"]
    assert runner.host.running == 0
    assert not any(each.phase_changed.reason for each in runner.daemon.events["wex-a"])


async def test_those_that_sleep_take_next_to_no_memory(runner: Runner) -> None:
    text, count = document("do: [{w: {wait: PT1H}}]"), scaled(200, 2_000)
    runner.begin("wex-first", text)
    await eventually(runner.asleep)
    gc.collect()
    tracemalloc.start(1)
    try:
        for number in range(count):
            runner.begin(f"wex-{number:026d}", text)
            await asyncio.sleep(0)
        await eventually(runner.asleep)
        gc.collect()
        kept = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/stigmer_runner/*")])
    finally:
        tracemalloc.stop()
    each = sum(trace.size for trace in kept.statistics("filename")) / count
    print(f"a workflow that sleeps takes {each:.0f} bytes")
    assert each < 1024
