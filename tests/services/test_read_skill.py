"""Skills as runners read them: those that the execution's agent names, for who holds the execution."""

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentId
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_backend.resources.kinds import SKILLS
from tests.conformance.grounds import archive, push
from tests.conformance.wire import Wire
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner
from tests.support.served_backend import Served


@pytest.fixture
def wire(served: Served) -> Wire:
    """A person's connection."""
    return Wire(served, served.stubs.channel, served.stubs.metadata)


async def test_a_runner_reads_the_skills_of_what_it_holds_and_no_others(
    served: Served, runner: ScriptedRunner, wire: Wire
) -> None:
    old = await push(wire, "digging", ("a", "1"), tag="stable")
    await push(wire, "digging", ("a", "2"))
    other = await push(wire, "other")
    shell = await served.stubs.agent_queries.get(AgentId(value=await served.shell_id()), metadata=served.stubs.metadata)
    shell.spec.skill_refs.append(ApiResourceReference(kind=SKILLS.number, slug="digging", version="stable"))
    await served.stubs.agents.update(shell, metadata=served.stubs.metadata)
    run = await served.run()
    held = await runner.begin(run.metadata.id)

    epoch = held.granted.epoch
    assert await runner.read_skill(run.metadata.id, old.status.version_hash, epoch) == archive(("a", "1"))
    with refused(NotFound):
        await runner.read_skill(run.metadata.id, other.status.version_hash, epoch)
    with refused(FailedPrecondition):
        await runner.read_skill(run.metadata.id, old.status.version_hash, epoch + 1)
