"""What a bad request is told: field, rule, what was seen and what to do; never a secret."""

import pytest
from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import PushSkillRequest
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_apis.transport import aio
from stigmer_backend.resources.contract_rules import violations_of
from stigmer_backend.resources.kinds import AGENTS, ENVIRONMENTS, EXECUTION_CONTEXTS, EXECUTIONS, KINDS, MCP_SERVERS
from tests.conformance.grounds import JsonValue, document
from tests.conformance.wire import Wire
from tests.support.refusals import refused
from tests.support.served_backend import Served

CANARY = "canary-8fc1b0d2"


@pytest.fixture
def wire(served: Served) -> Wire:
    """A person's connection."""
    return Wire(served, served.stubs.channel, served.stubs.metadata)


async def told(wire: Wire, wanted: Message) -> dict[str, FieldViolation]:
    kind = next(kind for kind in KINDS if isinstance(wanted, kind.message))
    with refused(InvalidArgument) as refusal:
        await wire.call(kind, "create", wanted)
    assert isinstance(refusal.error, InvalidArgument)
    return {one.field: one for one in refusal.error.violations}


async def test_a_rule_says_what_was_seen_and_how_to_mend_it(wire: Wire) -> None:
    wanted = document(AGENTS, "a", {"instructions": "short"}, scope="identity_account")
    wrong = await told(wire, wanted)
    assert wrong["spec.instructions"].rule == "string.min_len"
    assert "'short'" in wrong["spec.instructions"].message
    assert "write more" in wrong["spec.instructions"].message
    assert wrong["metadata"].rule == "agent.owner_scope.platform_or_org_only"
    assert "owner_scope" in wrong["metadata"].message
    assert "organization" in wrong["metadata"].message


async def test_what_was_seen_is_cut_and_escaped(wire: Wire) -> None:
    wanted = document(AGENTS, "a", {"instructions": "Help with whatever comes up."})
    wanted.kind = "\x1b[31m" + "k" * 5000
    message = (await told(wire, wanted))["kind"].message
    assert len(message) < 160
    assert "\x1b" not in message


def test_values_of_variables_are_never_repeated() -> None:
    environment = document(ENVIRONMENTS, "e", {"data": {CANARY: {"value": CANARY, "isSecret": True}}})
    context = document(EXECUTION_CONTEXTS, "c", {"executionId": "x", "data": {"K": {"value": "", "isSecret": True}}})
    execution = document(EXECUTIONS, "x", {"message": "m", "runtimeEnv": {"K": {"isSecret": True}}})
    push = PushSkillRequest(name="", artifact=CANARY.encode(), tag="not a tag")
    environment.kind = "Agent"
    for message in (environment, context, execution, push):
        found = violations_of(message)
        assert found
        for violation in found:
            assert CANARY not in violation.message
    assert [one.field for one in violations_of(context)] == ["spec.data['K'].value"]


@pytest.mark.parametrize("name", ["A=B", "", "nul\0", "x" * 257])
async def test_names_that_no_variable_can_have_are_refused(wire: Wire, name: str) -> None:
    wrong = await told(wire, document(ENVIRONMENTS, "e", {"data": {name: {"value": "x"}}}))
    assert all(field.startswith("spec.data[") for field in wrong)


async def test_agents_whose_parts_do_not_fit_are_told_every_mistake(wire: Wire) -> None:
    helper: dict[str, JsonValue] = {"name": "h", "instructions": "Help the other one.", "mcpServers": ["lost"]}
    wrong = await told(
        wire,
        document(
            AGENTS,
            "a",
            {
                "instructions": "Help with whatever comes up.",
                "mcpServers": [{"name": "s", "stdio": {"command": "x"}}, {"name": "s", "stdio": {"command": "y"}}],
                "subAgents": [helper, dict(helper)],
            },
        ),
    )
    assert set(wrong) == {
        "spec.mcp_servers[1].name",
        "spec.sub_agents[1].name",
        "spec.sub_agents[0].mcp_servers[0]",
        "spec.sub_agents[1].mcp_servers[0]",
    }


async def test_references_that_lead_nowhere_or_elsewhere_are_told_one_by_one(wire: Wire) -> None:
    skill: JsonValue = {"kind": "skill", "slug": "nowhere"}
    wrong = await told(
        wire,
        document(
            AGENTS,
            "a",
            {
                "instructions": "Help with whatever comes up.",
                "skillRefs": [skill],
                "mcpServerRefs": [{"kind": "mcp_server", "slug": "gone"}, {"kind": "skill", "slug": "x"}, {}],
                "subAgents": [{"name": "h", "instructions": "Help the other one.", "skillRefs": [skill]}],
            },
        ),
    )
    assert {(field, one.rule) for field, one in wrong.items()} == {
        ("spec.skill_refs[0]", "stigmer.reference.exists"),
        ("spec.sub_agents[0].skill_refs[0]", "stigmer.reference.exists"),
        ("spec.mcp_server_refs[0]", "stigmer.reference.exists"),
        ("spec.mcp_server_refs[1].kind", "stigmer.reference.kind"),
        ("spec.mcp_server_refs[2].slug", "stigmer.reference.slug"),
    }
    assert "create it first" in wrong["spec.skill_refs[0]"].message


async def test_an_mcp_server_that_cannot_be_used_is_kept_and_says_why(wire: Wire) -> None:
    made = await wire.write(MCP_SERVERS, "create", document(MCP_SERVERS, "m", {"description": "none"}))
    assert made.status.validation_state == 2
    assert "spec.stdio" in made.status.validation_message
    made.spec.stdio.command = "serve-tools"
    mended = await wire.write(MCP_SERVERS, "update", made)
    assert mended.status.validation_state == 1
    assert not mended.status.validation_message


async def test_bytes_that_are_no_message_are_an_invalid_request(wire: Wire) -> None:
    call: aio.UnaryUnaryMultiCallable[bytes, bytes] = wire.channel.unary_unary(
        "/ai.stigmer.agentic.skill.v1.SkillQueryController/get"
    )
    with refused(InvalidArgument) as refusal:
        await call(b"\xff\xff\xff\xff", metadata=wire.metadata)
    assert "cannot be read" in refusal.text
