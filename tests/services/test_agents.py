"""The published services of agents and their instances."""

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentId, AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import (
    AgentInstance,
    AgentInstanceId,
    AgentInstanceSpec,
    GetAgentInstancesByAgentRequest,
)
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import EnvironmentSpec, EnvironmentValue
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceMetadataVersion,
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.ai.stigmer.commons.rpc.page_pb2 import PageInfo
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ListAgentsRequest
from stigmer_apis.errors import Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from stigmer_apis.ids import is_id
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.services.calls import FORCE, OUTCOME
from tests.support.refusals import refused
from tests.support.served_backend import Served


def agent(name: str = "Code Helper", description: str = "") -> Agent:
    return Agent(
        api_version=API_VERSION,
        kind="Agent",
        metadata=ApiResourceMetadata(name=name, owner_scope=ApiResourceOwnerScope.organization, org="acme"),
        spec=AgentSpec(instructions="Help with the code of this project.", model="m-1", description=description),
    )


async def create(served: Served, wanted: Agent) -> Agent:
    return await served.stubs.agents.create(wanted, metadata=served.stubs.metadata)


async def test_creating_gives_id_slug_audit_and_a_default_instance(served: Served) -> None:
    wanted = agent()
    wanted.status.default_instance_id = "ain-of-the-client"
    made = await create(served, wanted)
    assert is_id(made.metadata.id, "agt")
    assert made.metadata.slug == "code-helper"
    assert made.metadata.version.id == "1"
    audit = made.status.audit.spec_audit
    assert audit.created_by.id == audit.updated_by.id == "local-user"
    assert audit.created_at.seconds
    instance = await served.stubs.instance_queries.get(
        AgentInstanceId(value=made.status.default_instance_id), metadata=served.stubs.metadata
    )
    assert instance.metadata.slug == "code-helper-default"
    assert instance.spec.agent_id == made.metadata.id
    assert instance.metadata.org == "acme"
    found = await served.stubs.agent_queries.get(AgentId(value=made.metadata.id), metadata=served.stubs.metadata)
    assert found == made


async def test_a_taken_slug_is_refused_and_leaves_nothing_behind(served: Served) -> None:
    await create(served, agent())
    with refused(AlreadyExists) as refusal:
        await create(served, agent("code  helper"))
    assert "code-helper" in refusal.text
    listed = await served.stubs.service.ListAgents(ListAgentsRequest(), metadata=served.stubs.metadata)
    assert [one.metadata.slug for one in listed.agents] == ["code-helper", "assistant", "shell"]


async def test_a_taken_name_of_the_default_instance_undoes_the_whole_creation(served: Served) -> None:
    first = await create(served, agent("first"))
    await served.stubs.instances.create(instance(first, "second-default"), metadata=served.stubs.metadata)
    with refused(AlreadyExists):
        await create(served, agent("second"))
    with refused(NotFound):
        await served.stubs.agent_queries.getByReference(
            ApiResourceReference(slug="second"), metadata=served.stubs.metadata
        )


async def test_a_given_slug_is_kept_and_a_name_without_a_slug_is_refused(served: Served) -> None:
    wanted = agent("日本語")
    with refused(InvalidArgument) as refusal:
        await create(served, wanted)
    assert "slug" in refusal.text
    wanted.metadata.slug = "Nihongo_1"
    assert (await create(served, wanted)).metadata.slug == "Nihongo_1"


async def test_names_with_control_and_direction_characters_are_refused_and_brackets_are_fine(served: Served) -> None:
    for name in ("red\x1b[31m", "bell\x07", "del\x7f", "csi\x9b31m", "turn\u202etxt.exe", "tag\U000e0041", "a\u2028b"):
        with refused(InvalidArgument) as refusal:
            await create(served, agent(name))
        assert refusal.text.isprintable() or "\n" in refusal.text
        assert not set(name) & set("\x1b\x07\x7f\x9b\u202e\U000e0041\u2028") & set(refusal.text)
        assert isinstance(refusal.error, InvalidArgument)
        assert refusal.error.violations[0].field == "metadata.name"
    made = await create(served, agent("[@click=app.quit]x[/]"))
    assert made.metadata.name == "[@click=app.quit]x[/]"
    labelled = agent("labelled")
    labelled.metadata.labels["a\x1b"] = "b"
    with refused(InvalidArgument):
        await create(served, labelled)


async def test_an_update_replaces_spec_and_names_and_keeps_the_rest(served: Served) -> None:
    made = await create(served, agent(description="old"))
    change = agent("Code Helper II", description="new")
    change.metadata.id = made.metadata.id
    change.metadata.org = "other"
    change.metadata.tags.append("fast")
    change.status.default_instance_id = "forged"
    changed = await served.stubs.agents.update(change, metadata=served.stubs.metadata)
    assert changed.metadata.name == "Code Helper II"
    assert (changed.metadata.id, changed.metadata.slug, changed.metadata.org) == (
        made.metadata.id,
        "code-helper",
        "acme",
    )
    assert list(changed.metadata.tags) == ["fast"]
    assert changed.spec.description == "new"
    assert changed.status.default_instance_id == made.status.default_instance_id
    assert changed.status.audit.spec_audit.created_at == made.status.audit.spec_audit.created_at
    assert changed.status.audit.spec_audit.updated_at != made.status.audit.spec_audit.updated_at
    assert (changed.metadata.version.id, changed.metadata.version.previous_version_id) == ("2", "1")


async def test_an_update_finds_by_slug_and_refuses_what_is_unknown_or_stale(served: Served) -> None:
    made = await create(served, agent())
    by_slug = agent(description="by slug")
    changed = await served.stubs.agents.update(by_slug, metadata=served.stubs.metadata)
    assert changed.metadata.id == made.metadata.id
    stale = agent(description="stale")
    stale.metadata.version.CopyFrom(ApiResourceMetadataVersion(id="1"))
    with refused(Aborted):
        await served.stubs.agents.update(stale, metadata=served.stubs.metadata)
    stale.metadata.version.id = "2"
    assert (await served.stubs.agents.update(stale, metadata=served.stubs.metadata)).spec.description == "stale"
    with refused(NotFound):
        await served.stubs.agents.update(agent("nobody"), metadata=served.stubs.metadata)


async def test_applying_twice_changes_nothing_and_says_so(served: Served) -> None:
    outcomes: list[str] = []
    answers: list[Agent] = []
    for description in ("a", "a", "b"):
        call = served.stubs.agents.apply(agent(description=description), metadata=served.stubs.metadata)
        answers.append(await call)
        outcomes.append(str(dict(await call.trailing_metadata())[OUTCOME]))
    assert outcomes == ["created", "unchanged", "updated"]
    assert answers[0] == answers[1]
    assert answers[2].metadata.version.id == "2"


async def test_a_repeated_create_with_its_key_makes_one_agent(served: Served) -> None:
    metadata = served.stubs.keyed("key-1")
    first = await served.stubs.agents.create(agent(), metadata=metadata)
    assert await served.stubs.agents.create(agent(), metadata=metadata) == first
    with refused(InvalidArgument):
        await served.stubs.agents.create(agent("another"), metadata=metadata)


async def test_deleting_takes_the_default_instance_along_and_spares_what_others_made(served: Served) -> None:
    made = await create(served, agent())
    own = await served.stubs.instances.create(instance(made, "mine"), metadata=served.stubs.metadata)
    with refused(FailedPrecondition) as refusal:
        await served.stubs.agents.delete(AgentId(value=made.metadata.id), metadata=served.stubs.metadata)
    assert "mine" in refusal.text
    await served.stubs.agents.delete(
        AgentId(value=made.metadata.id), metadata=(*served.stubs.metadata, (FORCE, "true"))
    )
    for gone in (own.metadata.id, made.status.default_instance_id):
        with refused(NotFound):
            await served.stubs.instance_queries.get(AgentInstanceId(value=gone), metadata=served.stubs.metadata)
    again = await create(served, agent())
    deleted = await served.stubs.agents.delete(AgentId(value=again.metadata.id), metadata=served.stubs.metadata)
    assert deleted == again
    with refused(NotFound):
        await served.stubs.agents.delete(AgentId(value=again.metadata.id), metadata=served.stubs.metadata)


async def test_the_built_in_agent_is_there_and_stays(served: Served) -> None:
    shell = await served.stubs.agent_queries.getByReference(
        ApiResourceReference(slug="shell", kind=ApiResourceKind.agent), metadata=served.stubs.metadata
    )
    assert shell.spec.model == "shell"
    standard = await served.stubs.instance_queries.getByReference(
        ApiResourceReference(slug="shell-default"), metadata=served.stubs.metadata
    )
    assert standard.spec.agent_id == shell.metadata.id
    force = (*served.stubs.metadata, (FORCE, "true"))
    with refused(FailedPrecondition) as refusal:
        await served.stubs.agents.delete(AgentId(value=shell.metadata.id), metadata=force)
    assert "built in" in refusal.text
    with refused(FailedPrecondition):
        await served.stubs.instances.delete(AgentInstanceId(value=standard.metadata.id), metadata=force)
    shell.spec.model = "m-1"
    with refused(FailedPrecondition):
        await served.stubs.agents.update(shell, metadata=served.stubs.metadata)
    pretender = agent("pretender")
    pretender.spec.model = "shell"
    with refused(InvalidArgument):
        await create(served, pretender)


async def test_secret_values_come_back_masked_and_a_short_one_is_refused(served: Served) -> None:
    wanted = agent()
    wanted.spec.env_spec.CopyFrom(EnvironmentSpec(data={"KEY": EnvironmentValue(value="canary1", is_secret=True)}))
    with refused(InvalidArgument) as refusal:
        await create(served, wanted)
    assert "canary1" not in refusal.text
    wanted.spec.env_spec.data["KEY"].value = "canary-number-1"
    assert (await create(served, wanted)).spec.env_spec.data["KEY"].value == "********"


async def test_a_reference_of_another_kind_or_without_a_slug_is_refused(served: Served) -> None:
    for reference in (ApiResourceReference(slug="shell", kind=ApiResourceKind.skill), ApiResourceReference()):
        with refused(InvalidArgument):
            await served.stubs.agent_queries.getByReference(reference, metadata=served.stubs.metadata)
    for slug in ("nobody", "nul\0byte", "x" * 4000):
        with refused(NotFound):
            await served.stubs.agent_queries.getByReference(
                ApiResourceReference(slug=slug), metadata=served.stubs.metadata
            )


async def test_agents_are_listed_newest_first_in_pages(served: Served) -> None:
    for number in range(5):
        await create(served, agent(f"agent {number}"))
    seen: list[str] = []
    token = ""
    while True:
        page = await served.stubs.service.ListAgents(
            ListAgentsRequest(page_size=2, page_token=token), metadata=served.stubs.metadata
        )
        assert page.total == 7
        seen += [one.metadata.slug for one in page.agents]
        token = page.next_page_token
        if not token:
            break
    assert seen == ["agent-4", "agent-3", "agent-2", "agent-1", "agent-0", "assistant", "shell"]
    with refused(InvalidArgument):
        await served.stubs.service.ListAgents(ListAgentsRequest(page_token="bogus"), metadata=served.stubs.metadata)
    with refused(InvalidArgument):
        await served.stubs.service.ListAgents(ListAgentsRequest(page_size=1001), metadata=served.stubs.metadata)


def instance(of: Agent, name: str) -> AgentInstance:
    return AgentInstance(
        api_version=API_VERSION,
        kind="AgentInstance",
        metadata=ApiResourceMetadata(name=name, owner_scope=ApiResourceOwnerScope.organization),
        spec=AgentInstanceSpec(agent_id=of.metadata.id),
    )


async def test_instances_of_an_agent_are_listed_by_number_of_page(served: Served) -> None:
    made = await create(served, agent())
    for number in range(4):
        await served.stubs.instances.create(instance(made, f"one {number}"), metadata=served.stubs.metadata)
    pages = [
        await served.stubs.instance_queries.getByAgent(
            GetAgentInstancesByAgentRequest(agent_id=made.metadata.id, page_info=PageInfo(num=number, size=2)),
            metadata=served.stubs.metadata,
        )
        for number in (0, 1, 2, 3, 4)
    ]
    assert [[one.metadata.slug for one in page.items] for page in pages] == [
        ["one-3", "one-2"],
        ["one-3", "one-2"],
        ["one-1", "one-0"],
        ["code-helper-default"],
        [],
    ]
    assert {page.total_count for page in pages} == {5}


async def test_an_instance_needs_its_agent_and_the_default_one_stays_with_it(served: Served) -> None:
    nobody = Agent()
    nobody.metadata.id = "agt-nobody"
    with refused(NotFound):
        await served.stubs.instances.create(instance(nobody, "one"), metadata=served.stubs.metadata)
    made = await create(served, agent())
    with refused(FailedPrecondition) as refusal:
        await served.stubs.instances.delete(
            AgentInstanceId(value=made.status.default_instance_id), metadata=served.stubs.metadata
        )
    assert "default instance" in refusal.text
    one = await served.stubs.instances.create(instance(made, "one"), metadata=served.stubs.metadata)
    assert (
        await served.stubs.instances.delete(AgentInstanceId(value=one.metadata.id), metadata=served.stubs.metadata)
        == one
    )
