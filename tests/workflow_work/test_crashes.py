"""The runner dies at each record of many workflows: each ends right, and no side effect is there twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_runner.engine.journal import records_of
from stigmer_runner.sandbox import SandboxKind, choose_sandbox
from tests.sandbox.ground import Ground
from tests.support.scale import scaled
from tests.workflow_work.corpus import CORPUS
from tests.workflow_work.runs import Running, Runs
from tests.workflow_work.site import Site, served

CHOSEN = sorted(CORPUS)[:: 20 // scaled(7, 20)]
MOST_RECORDS = scaled(14, 10_000)
EFFECTS = ("workflow/http", "workflow/process")
"""Activities that may not be done twice."""


@pytest.fixture
def ground(short_tmp: Path) -> Ground:
    return Ground(short_tmp.resolve())


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with served() as site:
        yield site


@pytest_asyncio.fixture
async def runs(ground: Ground) -> AsyncIterator[Runs]:
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.NONE)
    yield Runs(sandbox, ground.workspace())
    await sandbox.close()


@dataclass
class Ledger:
    """What was done."""

    runs: Runs
    site: Site

    def clear(self) -> None:
        self.site.requests.clear()
        for name in ("effects", "again"):
            (self.runs.workspace / name).unlink(missing_ok=True)

    @property
    def effects(self) -> int:
        """Side effects that may not be there twice."""
        return self._lines("effects") + len([each for each in self.site.requests if each.method == "POST"])

    @property
    def again(self) -> int:
        """Those that may."""
        return self._lines("again") + len([each for each in self.site.requests if each.method == "GET"])

    def _lines(self, name: str) -> int:
        path = self.runs.workspace / name
        return len(path.read_text().splitlines()) if path.exists() else 0


def begun(records: Sequence[JournalRecord], names: Sequence[str]) -> set[int]:
    """Sequences of the activities of these names whose start is recorded."""
    started = (each.activity_started for each in records if each.HasField("activity_started"))
    return {each.sequence for each in started if each.name in names}


def ended(records: Sequence[JournalRecord]) -> set[int]:
    """Sequences of the activities whose result is recorded."""
    jobs = (job for each in records for job in each.activation.jobs)
    return {job.activity_resolved.sequence for job in jobs if job.HasField("activity_resolved")}


async def to_its_end(running: Running, history: Sequence[JournalRecord], failing: bool) -> tuple[object, int]:
    """How a run ends, and how many questions were asked. The person takes everything as done; of a workflow whose task `a` is
    `failing` by itself, that as failed."""
    running.command("signal-1", signal=CommandIssued.Signal(name="go"))
    task = asyncio.create_task(running.output(history))
    asked = 0
    while not task.done():
        await asyncio.wait((task,), timeout=0.005)
        for event in running.journal.events:
            attention_id = event.attention_raised.attention_id
            if attention_id and attention_id not in running.seen:
                running.seen.add(attention_id)
                asked += 1
                answer = "fail" if failing and "task 'a'" in event.attention_raised.text else "done"
                running.command(f"answer-{asked}", answer=CommandIssued.Answer(attention_id=attention_id, text=answer))
    return task.result(), asked


@pytest.mark.parametrize("name", CHOSEN)
async def test_the_runner_dies_at_each_record(name: str, runs: Runs, site: Site) -> None:
    text, ledger = CORPUS[name].replace("SITE", site.base), Ledger(runs, site)
    failing = name in ("caught", "retried")
    whole = runs.begin(text)
    output, asked = await to_its_end(whole, (), failing)
    assert asked == 0
    effects, again = ledger.effects, ledger.again
    assert effects + again
    records = [record.SerializeToString() for record in records_of(whole.journal.groups)]
    step = max(1, len(records) // MOST_RECORDS)
    for kept in range(1, len(records) + 1, step):
        history = [JournalRecord.FromString(record) for record in records[:kept]]
        known, over = begun(history, EFFECTS), ended(history)
        repeatable = begun(history, [f"{each}/repeatable" for each in EFFECTS])
        ledger.clear()
        running = runs.begin(text)
        assert await to_its_end(running, history, failing) == (output, len(known - over)), kept
        assert ledger.effects == effects - len(known), kept
        assert ledger.again == again - len(repeatable & over), kept
