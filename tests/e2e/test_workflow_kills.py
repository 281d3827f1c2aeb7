"""Workflows through kill -9 of their runner and of the daemon: each ends right, and no side effect is there twice unasked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.client import Client, TailBatch
from stigmer_apis.errors import StigmerError
from tests.chaos.daemon import DaemonProcess, client_of, runner_pids
from tests.chaos.reading import everything
from tests.e2e.test_runner_and_daemon import living
from tests.support.require import require_tool
from tests.support.scale import in_campaign, scaled
from tests.support.waiting import eventually
from tests.support.workstation import Workstation, new_workstation
from tests.workflow_work.corpus import CORPUS
from tests.workflow_work.site import Site, served

LIVENESS = 90.0
HEAD = "document: {dsl: 1.0.0, namespace: tests, name: killed, version: 1.0.0}\n"
CHOSEN = [[name] for name in sorted(CORPUS)] if in_campaign() else [["nested", "requests"]]
"""Workflows that share a daemon: in a campaign each has its own."""
ANSWERS = ("caught", "retried")
"""Workflows whose task `a` fails by itself."""


@pytest.fixture
def workstation() -> Iterator[Workstation]:
    """A home of its own."""
    require_tool("bwrap")
    with new_workstation() as made:
        yield made


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with served() as site:
        yield site


@dataclass
class Watch:
    """Follows a run: kills at an event, and answers what is asked."""

    client: Client
    execution_id: str
    failing: bool
    events: int = 0
    asked: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    at: int = 0
    """The number of the event after which `reached` is set."""

    async def to_its_end(self) -> Event:
        """The last event."""
        last = Event()
        async for item in self.client.tail(self.execution_id):
            if not isinstance(item, TailBatch):
                continue
            for event in item.events:
                self.events, last = self.events + 1, event
                if self.events == self.at:
                    self.reached.set()
                if event.HasField("attention_raised"):
                    await self._answer(event)
        self.reached.set()
        return last

    async def _answer(self, event: Event) -> None:
        self.asked += 1
        raised = event.attention_raised
        answer = "fail" if self.failing and "task 'a'" in raised.text else "done"
        # A question of a runner that has died is put again by the next one, under the same name.
        with contextlib.suppress(StigmerError):
            await self.client.steering.answer(self.execution_id, answer, raised.attention_id)


@dataclass
class Trial:
    """One home, one site, and a directory for each run."""

    workstation: Workstation
    site: Site
    base: Path
    daemon: DaemonProcess
    runs: int = 0

    async def run(self, name: str, at: int = 0, *, kill_daemon: bool = False) -> tuple[int, int, int, int]:
        """Run a workflow and kill after its event `at`: how many events there were, questions, and effects of both kinds."""
        self.runs += 1
        workspace = self.base / str(self.runs)
        workspace.mkdir()
        self.site.requests.clear()
        async with client_of(self.workstation) as client, asyncio.timeout(LIVENESS):
            text = HEAD + CORPUS[name].replace("SITE", self.site.base)
            execution_id = (await client.workflows.run(document=text, workspace=str(workspace))).metadata.id
            if name == "signalled":
                await client.workflows.signal(execution_id, "go", id="one")
            watch = Watch(client, execution_id, name in ANSWERS, at=at)
            watching = asyncio.create_task(watch.to_its_end())
            if at:
                await watch.reached.wait()
                await self._kill(kill_daemon=kill_daemon)
            last = await watching
            assert last.phase_changed.phase == EXECUTION_COMPLETED, last
            known = await everything(client, execution_id, follow=False)
            assert len(known) == watch.events
            assert [
                str(each.workflow_output.output) for each in known if each.HasField("workflow_output")
            ].__len__() == 1
        return (
            watch.events,
            watch.asked,
            self._count(workspace / "effects", "POST"),
            self._count(workspace / "again", "GET"),
        )

    async def _kill(self, *, kill_daemon: bool) -> None:
        if kill_daemon:
            self.daemon.kill()
            self.daemon = DaemonProcess.start(self.workstation)
            await self.daemon.answers()
        else:
            for pid in runner_pids(self.workstation):
                self.workstation.kill(pid)

    def _count(self, path: Path, method: str) -> int:
        lines = len(path.read_text().splitlines()) if path.exists() else 0
        return lines + len([each for each in self.site.requests if each.method == method])


@pytest_asyncio.fixture
async def trial(workstation: Workstation, site: Site, tmp_path: Path) -> AsyncIterator[Trial]:
    daemon = DaemonProcess.start(workstation)
    await daemon.answers()
    yield Trial(workstation, site, tmp_path, daemon)


@pytest.mark.parametrize("names", CHOSEN, ids=" and ".join)
async def test_kills_at_events_of_a_workflow(trial: Trial, names: Sequence[str]) -> None:
    for name in names:
        events, asked, effects, again = await trial.run(name)
        assert asked == 0
        for number, at in enumerate(range(4, events, max(1, events // scaled(2, 1_000)))):
            _, asked, had, had_again = await trial.run(name, at, kill_daemon=number % 2 == 1)
            # What was asked about may have been done or not, and is not done again; of what may be repeated, all is there.
            assert effects - asked <= had <= effects, (name, at, asked)
            assert had_again >= again


async def test_what_a_dead_runner_left_running_is_asked_about_and_a_cancel_leaves_nothing(trial: Trial) -> None:
    file = trial.base / "effects"
    text = HEAD + "do: [{a: {run: {shell: {command: 'echo x >> effects; sleep 4567'}}}}, {b: {set: {done: 1}}}]"
    async with client_of(trial.workstation) as client, asyncio.timeout(LIVENESS):
        execution_id = (await client.workflows.run(document=text, workspace=str(trial.base))).metadata.id
        await eventually(file.exists)
        for pid in runner_pids(trial.workstation):
            trial.workstation.kill(pid)
        watch = Watch(client, execution_id, failing=False)
        assert (await watch.to_its_end()).phase_changed.phase == EXECUTION_COMPLETED
        assert watch.asked == 1
        assert file.read_text() == "x\n"
        assert not living("sleep", "4567")

        file.unlink()
        execution_id = (await client.workflows.run(document=text, workspace=str(trial.base))).metadata.id
        await eventually(file.exists)
        assert (await client.cancel(execution_id, "enough", 30.0)).phase == EXECUTION_CANCELLED
        assert not living("sleep", "4567")
