"""The services over a store in PostgreSQL: what they promise anywhere."""

import asyncio
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentSpec
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_apis.protocol import API_VERSION
from tests.support.postgres_server import database_for
from tests.support.served_backend import serve_backend


async def test_what_was_made_is_there_in_the_next_daemon(short_tmp: Path) -> None:
    uri = database_for(short_tmp)
    agent = Agent(
        api_version=API_VERSION,
        kind="Agent",
        metadata=ApiResourceMetadata(name="Reviewer", owner_scope=ApiResourceOwnerScope.organization),
        spec=AgentSpec(instructions="Review what changed, and say what is wrong."),
    )
    async with serve_backend(short_tmp / "one", storage=uri) as served:
        made = await served.stubs.agents.create(agent, metadata=served.stubs.keyed("once"))
        again = await served.stubs.agents.create(agent, metadata=served.stubs.keyed("once"))
        assert again.metadata.id == made.metadata.id
        runs = await asyncio.gather(*(served.run(f"echo {number}") for number in range(12)))
    async with serve_backend(short_tmp / "two", storage=uri) as served:
        found = await served.stubs.agent_queries.getByReference(
            ApiResourceReference(slug="reviewer"), metadata=served.stubs.metadata
        )
        assert found == made
        backend_runs = {run.metadata.id for run in runs}
        counted = await served.store.read_state(lambda state: state.names("agent"))
        assert ("reviewer", made.metadata.id) in counted
        for run_id in backend_runs:
            assert await served.store.head(run_id) >= 1
