"""`python -m tests.engines.golden_histories` writes Temporal's history of each scenario that has none yet, against a real server. What stands there is
never written anew: it is what an earlier version left behind."""

import asyncio
import sys
import tempfile
from pathlib import Path

from stigmer_apis.ids import new_id
from stigmer_runner.temporal.cluster import TemporalEngine
from stigmer_runner.temporal.library import WorkflowHistory
from stigmer_runner.temporal.naming import workflow_id_of
from tests.engines.conftest import cluster_of
from tests.engines.server import TemporalServer, program
from tests.interpreter.golden_histories import file_of
from tests.interpreter.test_scenarios import SCENARIOS, Scenario

HISTORIES = Path(__file__).with_name("golden")


async def played(engine: TemporalEngine, scenario: Scenario) -> WorkflowHistory:
    """The history of a scenario, its end as the scenario says; of its last run, where it went on in another."""
    execution_id = new_id("wex")
    scenario.held(await scenario.play(engine, execution_id).outcome())
    client = await engine.client()
    return await client.get_workflow_handle(workflow_id_of(execution_id)).fetch_history()


async def main() -> None:
    """Write those that are missing."""
    path = program()
    if path is None:
        sys.exit("there is no program `temporal`: `make temporal-server` builds it")
    HISTORIES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        server = TemporalServer(path, Path(folder))
        server.start()
        engine = cluster_of(server)
        try:
            for scenario in SCENARIOS:
                file = HISTORIES / file_of(scenario).name
                if not file.exists():
                    file.write_text((await played(engine, scenario)).to_json() + "\n")
        finally:
            await engine.close()
            server.stop()


if __name__ == "__main__":
    asyncio.run(main())
