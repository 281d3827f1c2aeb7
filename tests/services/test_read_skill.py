"""Skills as runners read them: those that the execution's agent names, for who holds the execution."""

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentId
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_FAILED
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecutionId
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_backend.resources.kinds import SKILLS
from tests.conformance.grounds import archive, push
from tests.conformance.wire import Wire
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner
from tests.support.served_backend import Served
from tests.support.waiting import eventually


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


async def test_a_lease_says_what_the_references_of_its_agent_mean_now(
    served: Served, runner: ScriptedRunner, wire: Wire
) -> None:
    tagged = await push(wire, "digging", ("a", "1"), tag="stable")
    by_hash = await push(wire, "digging", ("a", "2"))
    newest = await push(wire, "digging", ("a", "3"))
    shell = await served.stubs.agent_queries.get(AgentId(value=await served.shell_id()), metadata=served.stubs.metadata)
    for version in ("stable", by_hash.status.version_hash, "latest", "", "stable"):
        shell.spec.skill_refs.append(ApiResourceReference(kind=SKILLS.number, slug="digging", version=version))
    await served.stubs.agents.update(shell, metadata=served.stubs.metadata)
    run = await served.run()
    held = await runner.begin(run.metadata.id)
    wanted = [each.status.version_hash for each in (tagged, by_hash, newest)]
    assert [each.status.version_hash for each in held.granted.skills] == wanted
    assert not any(each.spec.skill_md for each in held.granted.skills)

    await push(wire, "digging", ("a", "4"))
    digest = newest.status.version_hash
    assert await runner.read_skill(run.metadata.id, digest, held.granted.epoch) == archive(("a", "3"))


async def test_a_run_whose_agent_names_a_skill_that_is_gone_fails_with_what_to_do(
    served: Served, runner: ScriptedRunner, wire: Wire
) -> None:
    gone = await push(wire, "digging")
    shell = await served.stubs.agent_queries.get(AgentId(value=await served.shell_id()), metadata=served.stubs.metadata)
    shell.spec.skill_refs.append(ApiResourceReference(kind=SKILLS.number, slug="digging"))
    await served.stubs.agents.update(shell, metadata=served.stubs.metadata)
    await wire.delete(SKILLS, gone.metadata.id, force=True)
    run = await served.run()

    async def ended() -> bool:
        found = await served.stubs.execution_queries.get(
            AgentExecutionId(value=run.metadata.id), metadata=served.stubs.metadata
        )
        return found.status.phase == EXECUTION_FAILED and "skill push DIR --name digging" in found.status.error

    await eventually(ended)
