"""The workflow language on Temporal: each scenario ends there as it does on the embedded engine, and every history replays."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio

from stigmer_runner.temporal.cluster import TemporalEngine
from stigmer_runner.temporal.library import WorkflowHistory
from stigmer_runner.temporal.naming import workflow_id_of
from stigmer_runner.temporal.replaying import replay
from tests.engines.conftest import DEFINITIONS, KEY, Kept, cluster_of
from tests.engines.golden_histories import HISTORIES, played
from tests.engines.server import TemporalServer
from tests.interpreter.golden_histories import file_of
from tests.interpreter.test_scenarios import SCENARIOS, Scenario
from tests.support.scale import in_campaign

LIVE = SCENARIOS if in_campaign() else SCENARIOS[20:]
"""Those that run on a server here. `test_killed_workers` runs the first twenty, and the histories of all replay."""
EXECUTION = "wex-01m7zj0739eeba4cqf99s6rsnj"


@pytest_asyncio.fixture
async def cluster(temporal_server: TemporalServer) -> AsyncGenerator[TemporalEngine]:
    """An engine on the server."""
    made = cluster_of(temporal_server)
    yield made
    await made.close()


@pytest.mark.parametrize("scenario", LIVE, ids=[each.about for each in LIVE])
async def test_a_scenario_ends_as_on_the_embedded_engine(cluster: TemporalEngine, scenario: Scenario) -> None:
    await replay(await played(cluster, scenario), DEFINITIONS, KEY, Kept())


def test_every_history_has_its_scenario() -> None:
    assert {path.name for path in HISTORIES.glob("*.json")} == {file_of(each).name for each in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.about for each in SCENARIOS])
async def test_a_history_of_an_earlier_version_replays(scenario: Scenario) -> None:
    await replay(_history(scenario), DEFINITIONS, KEY, Kept())


async def test_a_definition_that_decides_otherwise_is_noticed() -> None:
    """A replay that finds nothing wrong has looked."""
    history = _history(SCENARIOS[0])
    scheduled = [event for event in history.events if event.HasField("timer_started_event_attributes")]
    decided = [event for event in history.events if event.HasField("activity_task_scheduled_event_attributes")]
    for event in scheduled:
        event.timer_started_event_attributes.timer_id += "9"
    for event in decided:
        event.activity_task_scheduled_event_attributes.activity_type.name += "-other"
    assert scheduled or decided
    with pytest.raises(Exception, match=r"(?i)nondetermin"):
        await replay(history, DEFINITIONS, KEY, Kept())


def _history(scenario: Scenario) -> WorkflowHistory:
    text = (HISTORIES / file_of(scenario).name).read_text()
    return WorkflowHistory.from_json(workflow_id_of(EXECUTION), text)
