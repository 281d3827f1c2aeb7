"""A whole Stigmer on a real Temporal server: command lines, workflows, kills, and a server that goes away."""

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import PhaseChanged
from stigmer_apis.client import Client, TailBatch
from tests.chaos.daemon import DaemonProcess, client_of
from tests.e2e.test_workflow_kills import HEAD, LIVENESS, Trial
from tests.engines.server import TemporalServer
from tests.support.require import require_tool
from tests.support.scale import in_campaign, scaled
from tests.support.waiting import eventually
from tests.support.workstation import Workstation, new_workstation
from tests.telemetry.collector import collecting
from tests.workflow_work.corpus import CORPUS
from tests.workflow_work.site import Site, served

EXAMPLES = Path(__file__).parents[2] / "examples" / "workflows"
CHOSEN = sorted(CORPUS) if in_campaign() else ["nested"]


@pytest.fixture
def workstation(temporal_server: TemporalServer) -> Iterator[Workstation]:
    """A home whose runs Temporal drives."""
    require_tool("bwrap")
    with new_workstation() as made:
        engine = {"STIGMER_ENGINE": "temporal", "TEMPORAL_SERVICE_ADDRESS": temporal_server.address}
        yield Workstation(made.home, {**made.environment, **engine})


@pytest_asyncio.fixture
async def trial(workstation: Workstation, tmp_path: Path) -> AsyncIterator[Trial]:
    """A daemon of that home, and a site that workflows call."""
    async with served() as site:
        yield await _trial(workstation, site, tmp_path)


async def _trial(workstation: Workstation, site: Site, base: Path) -> Trial:
    daemon = DaemonProcess.start(workstation)
    await daemon.answers()
    return Trial(workstation, site, base, daemon)


def test_command_lines_and_examples_run(workstation: Workstation) -> None:
    lines = workstation.run("run", "shell", "--message", "echo $((6*7)); exit 3", code=3)
    assert lines.stdout == b"42\n"
    said = workstation.run("run", str(EXAMPLES / "loop.yaml"))
    assert json.loads(said.stdout) == {"counted": 3, "total": 1290}
    raced = workstation.run("run", str(EXAMPLES / "race.yaml"))
    assert json.loads(raced.stdout)["data"] == {"from": "near"}
    newest = workstation.run("get", "executions", "--limit", "1", "-o", "jsonpath=$[0].executionId").stdout.decode()
    described = workstation.run("describe", "workflow-execution", newest.strip()).stdout.decode()
    assert "Engine:   temporal\n" in described


@pytest.mark.parametrize("name", CHOSEN)
async def test_kills_at_events_of_a_workflow(trial: Trial, name: str) -> None:
    events, asked, effects, again = await trial.run(name)
    assert asked == 0
    for number, at in enumerate(range(4, events, max(1, events // scaled(2, 1_000)))):
        _, asked, had, had_again = await trial.run(name, at, kill_daemon=number % 2 == 1)
        assert effects - asked <= had <= effects, (name, at, asked)
        assert had_again >= again


async def test_a_signal_reaches_a_run_and_a_cancel_ends_one(trial: Trial) -> None:
    async with client_of(trial.workstation) as client, asyncio.timeout(LIVENESS):
        waits = HEAD + "do: [{hear: {listen: {to: {one: {with: {id: go, type: signal}}}}}}]"
        heard = (await client.workflows.run(document=waits)).metadata.id
        await client.workflows.signal(heard, "go", id="one")
        outputs: list[str] = []
        async for item in client.tail(heard):
            if isinstance(item, TailBatch):
                outputs += [str(each.workflow_output) for each in item.events if each.HasField("workflow_output")]
        assert len(outputs) == 1
        slow = (await client.workflows.run(document=HEAD + "do: [{w: {wait: PT1H}}]")).metadata.id
        assert (await client.cancel(slow, "enough", 60.0)).phase == EXECUTION_CANCELLED


@pytest.mark.parametrize("size", [3_000_000, 6_000_000] if in_campaign() else [3_000_000])
async def test_a_result_may_be_larger_than_the_cluster_takes(trial: Trial, tmp_path: Path, size: int) -> None:
    """2 MiB for a value and 4 MB for a request are its limits: what is kept outside goes with the run."""
    (tmp_path / "big").write_bytes(base64.b64encode(random.Random(7).randbytes(size * 3 // 4)))
    text = HEAD + (
        "do: [{a: {run: {shell: {command: cat big}}, output: {as: '${ {a: .} }'}}}, {b: {set: {n: '${ .a | length }'}}}]"
    )
    kept = trial.workstation.home / "data" / "values"
    async with client_of(trial.workstation) as client, asyncio.timeout(LIVENESS * 2):
        execution_id = (await client.workflows.run(document=text, workspace=str(tmp_path))).metadata.id
        outputs = [
            str(event.workflow_output)
            async for item in client.tail(execution_id)
            if isinstance(item, TailBatch)
            for event in item.events
            if event.HasField("workflow_output")
        ]
        assert len(outputs) == 1
        assert f"number_value: {size}" in outputs[0]
    assert list(kept.glob("*")), "nothing was kept outside"
    await eventually(lambda: not list(kept.glob("*/*")))


async def test_a_failed_run_goes_on_from_its_task(trial: Trial, tmp_path: Path) -> None:
    """What was done before is taken over into a run of its own: no side effect comes twice."""
    text = HEAD + (
        "do: [{a: {run: {shell: {command: echo a >> done; echo made}}}}, {b: {run: {shell: {command: test -e ready && cat ready}}}}]"
    )
    async with client_of(trial.workstation) as client, asyncio.timeout(LIVENESS * 2):
        failed = (await client.workflows.run(document=text, workspace=str(tmp_path))).metadata.id
        assert (await ended(client, failed)).phase == EXECUTION_FAILED
        (tmp_path / "ready").write_text("now")
        again = await client.workflows.go_on(failed)
        assert (await ended(client, again.execution_id)).phase == EXECUTION_COMPLETED
    assert (tmp_path / "done").read_text() == "a\n"


async def ended(client: Client, execution_id: str) -> PhaseChanged:
    """How a run came to its end."""
    found = [
        event.phase_changed
        async for item in client.tail(execution_id)
        if isinstance(item, TailBatch)
        for event in item.events
        if event.HasField("phase_changed")
    ]
    return found[-1]


def test_a_cluster_that_does_not_take_runs_is_told(temporal_server: TemporalServer) -> None:
    engine = {"STIGMER_ENGINE": "temporal", "TEMPORAL_SERVICE_ADDRESS": temporal_server.address}
    with new_workstation(**engine, TEMPORAL_NAMESPACE="nobody") as workstation:
        done = workstation.run("run", "shell", "--message", "true", code=None)
        assert done.returncode != 0
        assert b"Temporal does not take this run" in done.stderr
        assert b"nobody" in done.stderr
        assert b"backend.local.temporal" in done.stderr


async def test_a_run_goes_on_after_its_cluster_was_away(
    trial: Trial, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    async with client_of(trial.workstation) as client, asyncio.timeout(LIVENESS * 2):
        text = HEAD + "do: [{a: {run: {shell: {command: echo x >> first}}}}, {w: {wait: PT1S}}, {b: {set: {done: 1}}}]"
        execution_id = (await client.workflows.run(document=text, workspace=str(tmp_path))).metadata.id
        await eventually((tmp_path / "first").exists)
        temporal_server.stop()
        await asyncio.sleep(2.0)
        await asyncio.to_thread(temporal_server.start)
        events = [
            event async for item in client.tail(execution_id) if isinstance(item, TailBatch) for event in item.events
        ]
        assert events[-1].phase_changed.phase == EXECUTION_COMPLETED
        assert (tmp_path / "first").read_text() == "x\n"


async def test_a_runner_tells_of_the_calls_of_runs_that_a_cluster_drives(temporal_server: TemporalServer) -> None:
    """To the collector that its settings name, below their run, as with the embedded engine."""
    async with collecting() as collector:
        told = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "STIGMER_ENGINE": "temporal",
            "TEMPORAL_SERVICE_ADDRESS": temporal_server.address,
        }
        with new_workstation(**told) as workstation:
            await asyncio.to_thread(lambda: workstation.run("run", "shell", "-m", "echo untold"))
            await eventually(lambda: bool(collector.named("run shell") and collector.named("execute_tool shell")))
            await asyncio.to_thread(lambda: workstation.run("server", "stop"))
        run, call = collector.named("run shell")[0], collector.named("execute_tool shell")[0]
        assert (call.trace_id, call.parent_span_id) == (run.trace_id, run.span_id)
        assert b"untold" not in collector.raw
