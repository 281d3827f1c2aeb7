"""Workers that are killed at any moment: each run ends as it should, and no history contradicts what the definitions decide."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import WorkflowTaskFailedCause

from stigmer_apis.ids import new_id
from stigmer_runner.temporal.library import WorkflowHistory
from stigmer_runner.temporal.naming import workflow_id_of
from stigmer_runner.temporal.replaying import replay
from tests.chaos.figures import record
from tests.engines.conftest import DEFINITIONS, KEY, Kept, cluster_of
from tests.engines.server import TemporalServer
from tests.interpreter.test_scenarios import SCENARIOS
from tests.support.scale import scaled
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
LIVENESS = 200.0
KILLS = scaled(20, 200)
AT_ONCE = 20
CONTRADICTION = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
LONGEST = 0.6
"""Seconds after its beginning when a worker is killed at the latest."""


@dataclass
class Workers:
    """Begins workers, and kills them."""

    process: subprocess.Popen[str]
    folder: Path
    pids: list[int] = field(default_factory=list[int])

    def begin(self, number: int, execution_id: str) -> int:
        """The process that plays a scenario, or goes on with it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(number, execution_id, file=self.process.stdin, flush=True)
        self.pids.append(int(self.process.stdout.readline()))
        return self.pids[-1]

    def end(self, execution_id: str) -> str:
        """How a run ended; empty until then."""
        path = self.folder / f"{execution_id}.end"
        return path.read_text() if path.exists() else ""

    async def killed(self, number: int, chance: random.Random) -> tuple[str, int]:
        """Play a scenario with its worker killed once, if it is not faster: which execution it was, and how often it was."""
        execution_id = new_id("wex")
        pid = self.begin(number, execution_id)
        await eventually((self.folder / f"{execution_id}.journal").exists)
        await asyncio.sleep(chance.uniform(0.0, LONGEST))
        kills = 0
        if not self.end(execution_id):
            os.kill(pid, signal.SIGKILL)
            kills = 1
            self.begin(number, execution_id)
        async with asyncio.timeout(LIVENESS):
            while True:
                if self.end(execution_id):
                    return execution_id, kills
                await asyncio.sleep(0.05)


@pytest.fixture
def workers(temporal_server: TemporalServer, tmp_path: Path) -> Generator[Workers]:
    """Workers on the server."""
    command = (sys.executable, "-m", "tests.engines.worker_process", temporal_server.address, str(tmp_path))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        found = Workers(process, tmp_path)
        yield found
        process.kill()
        for pid in found.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.timeout(scaled(240, 3600))
async def test_workers_are_killed_and_each_run_ends_as_it_should(
    workers: Workers, temporal_server: TemporalServer
) -> None:
    """At a random moment of each run; its next worker goes on from what the cluster and the journal have."""
    chance = random.Random(20)
    engine = cluster_of(temporal_server)
    client = await engine.client()
    kills = runs = 0
    while kills < KILLS:
        number = [(runs + each) % len(SCENARIOS) for each in range(min(AT_ONCE, KILLS - kills))]
        for execution_id, killed in await asyncio.gather(*(workers.killed(each, chance) for each in number)):
            runs, kills = runs + 1, kills + killed
            assert workers.end(execution_id) == "held"
            history = await client.get_workflow_handle(workflow_id_of(execution_id)).fetch_history()
            assert not contradictions(history)
            await replay(history, DEFINITIONS, KEY, Kept())
    await engine.close()
    record(
        "kill -9 of a worker on Temporal, at random moments of every scenario of the language",
        kills,
        "kills",
        f"{runs} runs, each with the end that it has undisturbed; 0 histories that contradict what the definitions decide",
    )


def contradictions(history: WorkflowHistory) -> list[str]:
    """Where a worker found that its definition decides otherwise than the history has it."""
    failed = [event.workflow_task_failed_event_attributes for event in history.events]
    return [each.failure.message for each in failed if each.cause == CONTRADICTION]
