"""The rules in the contract bind: protovalidate enforces them on the generated messages, expressions included."""

import importlib

import protovalidate
import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1 import agent_pb2
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_pb2
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1 import agent_instance_pb2
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1 import environment_pb2
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1 import execution_context_pb2
from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1 import mcp_server_pb2
from stigmer_apis._generated.ai.stigmer.agentic.session.v1 import session_pb2
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1 import skill_pb2
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1 import workflow_pb2
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.tasks import tasks_pb2
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1 import workflow_execution_pb2
from stigmer_apis._generated.ai.stigmer.agentic.workflowinstance.v1 import workflow_instance_pb2
from stigmer_apis._generated.ai.stigmer.commons.apiresource import api_resource_pb2
from tests.contract.generated import module_names

API_VERSION = "agentic.stigmer.ai/v1"

NONE = "api_resource_owner_scope_unspecified"
SCOPES = [NONE, "platform", "organization", "identity_account"]

KINDS: dict[type[Message], tuple[list[str], str]] = {
    agent_pb2.Agent: (["platform", "organization"], "agent.owner_scope.platform_or_org_only"),
    agent_execution_pb2.AgentExecution: ([NONE], "agent_execution.owner_scope.unspecified_only"),
    agent_instance_pb2.AgentInstance: (SCOPES, ""),
    environment_pb2.Environment: (
        ["organization", "identity_account"],
        "environment.owner_scope.org_or_identity_only",
    ),
    execution_context_pb2.ExecutionContext: ([NONE], "execution_context.owner_scope.unspecified_only"),
    mcp_server_pb2.McpServer: (SCOPES, ""),
    session_pb2.Session: (["organization", "identity_account"], "session.owner_scope.org_or_identity_only"),
    skill_pb2.Skill: (["platform", "organization"], "skill.owner_scope.platform_or_org_only"),
    workflow_pb2.Workflow: (["platform", "organization"], "workflow.owner_scope.platform_or_org_only"),
    workflow_execution_pb2.WorkflowExecution: (
        ["organization", "identity_account"],
        "workflow_execution.owner_scope.org_or_identity_only",
    ),
    workflow_instance_pb2.WorkflowInstance: (SCOPES, ""),
}
"""Each kind with the owner scopes that it takes and the rule that refuses the others."""


def broken(message: Message) -> list[tuple[str, str]]:
    """The field path and the id of each rule that `message` breaks."""
    paths = [
        (violation.proto.field, violation.proto.rule_id) for violation in protovalidate.collect_violations(message)
    ]
    return [(".".join(part.field_name for part in path.elements) if path else "", rule) for path, rule in paths]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.DESCRIPTOR.name)
def test_each_kind_takes_its_owner_scopes_and_no_other(kind: type[Message], scope: str) -> None:
    allowed, rule = KINDS[kind]
    resource = {"apiVersion": API_VERSION, "kind": kind.DESCRIPTOR.name, "metadata": {"ownerScope": scope}}
    assert broken(ParseDict(resource, kind())) == ([] if scope in allowed else [("metadata", rule)])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.DESCRIPTOR.name)
def test_each_kind_is_refused_under_another_name_or_version_and_without_metadata(kind: type[Message]) -> None:
    wrong = ParseDict({"apiVersion": "agentic.stigmer.ai/v2", "kind": "Other"}, kind())
    assert broken(wrong) == [("api_version", "string.const"), ("kind", "string.const"), ("metadata", "required")]


HASH = "0123456789abcdef" * 4
TASK = {"name": "one", "kind": "WORKFLOW_TASK_KIND_SET", "taskConfig": {"variables": {"a": "b"}}}

GOOD_AND_BAD: list[tuple[type[Message], dict[str, object], dict[str, object], list[tuple[str, str]]]] = [
    (
        agent_pb2.AgentSpec,
        {"instructions": "Ten chars.", "skillRefs": [{"kind": "skill"}, {"kind": "skill"}]},
        {"instructions": "Ten char.", "skillRefs": [{"kind": "skill"}, {"kind": "agent"}]},
        [("instructions", "string.min_len"), ("skill_refs", "skill_refs.kind")],
    ),
    (
        agent_pb2.SubAgent,
        {"name": "a", "instructions": "Ten chars.", "skillRefs": [{"kind": "skill"}]},
        {"instructions": "Ten chars.", "skillRefs": [{"kind": "workflow"}]},
        [("name", "required"), ("skill_refs", "skill_refs.kind")],
    ),
    (
        agent_instance_pb2.AgentInstanceSpec,
        {"agentId": "agt-1", "environmentRefs": [{"kind": "workflow_execution"}]},
        {"environmentRefs": [{"kind": "environment"}]},
        [("agent_id", "string.min_len"), ("environment_refs", "environment_refs.kind")],
    ),
    (
        api_resource_pb2.ApiResourceReference,
        {"scope": "organization", "version": HASH},
        {"scope": 7, "version": "no spaces"},
        [("scope", "enum.defined_only"), ("version", "string.pattern")],
    ),
    (
        skill_pb2.SkillStatus,
        {"versionHash": HASH},
        {"versionHash": HASH[:-1]},
        [("version_hash", "string.pattern")],
    ),
    (
        mcp_server_pb2.HttpServerConfig,
        {"url": "https://example.test/mcp", "timeoutSeconds": 300},
        {"url": "not a uri", "timeoutSeconds": 301},
        [("url", "string.uri"), ("timeout_seconds", "int32.gte_lte")],
    ),
    (
        mcp_server_pb2.PortMapping,
        {"hostPort": 1, "containerPort": 65535, "protocol": "udp"},
        {"hostPort": 0, "containerPort": 65536, "protocol": "icmp"},
        [("host_port", "int32.gte_lte"), ("container_port", "int32.gte_lte"), ("protocol", "string.in")],
    ),
    (
        workflow_pb2.WorkflowSpec,
        {"document": {"dsl": "1.0.0", "namespace": "n", "name": "w", "version": "1"}, "tasks": [TASK]},
        {"document": {"dsl": "1.0.1", "namespace": "n", "name": "w", "version": "1"}, "tasks": []},
        [("document.dsl", "string.pattern"), ("tasks", "repeated.min_items")],
    ),
    (
        tasks_pb2.AgentExecutionConfig,
        {"timeout": 3600, "temperature": 1.0},
        {"timeout": 3601, "temperature": 1.5},
        [("timeout", "int32.gte_lte"), ("temperature", "float.gte_lte")],
    ),
    (
        tasks_pb2.ForTaskConfig,
        {"each": "item", "in": "${ .items }", "do": [TASK]},
        {"each": "item", "do": []},
        [("in", "required"), ("do", "repeated.min_items")],
    ),
    (
        tasks_pb2.AgentCallTaskConfig,
        {"agent": "a" * 63, "message": "go"},
        {"agent": "a" * 64, "message": "go"},
        [("agent", "string.max_len")],
    ),
]


@pytest.mark.parametrize(
    ("kind", "good", "bad", "rules"), GOOD_AND_BAD, ids=[kind.DESCRIPTOR.name for kind, *_ in GOOD_AND_BAD]
)
def test_a_good_message_passes_and_a_bad_one_names_each_rule(
    kind: type[Message], good: dict[str, object], bad: dict[str, object], rules: list[tuple[str, str]]
) -> None:
    assert broken(ParseDict(good, kind())) == []
    assert broken(ParseDict(bad, kind())) == rules


def test_a_rule_deep_inside_is_found_from_outside() -> None:
    session = ParseDict(
        {"apiVersion": API_VERSION, "kind": "Session", "metadata": {"ownerScope": "organization"}, "spec": {}},
        session_pb2.Session(),
    )
    assert broken(session) == [("spec.agent_instance_id", "required")]
    with pytest.raises(protovalidate.ValidationError):
        protovalidate.validate(session)


def test_every_rule_of_every_message_compiles() -> None:
    checked = 0
    for name in module_names():
        if name.endswith("_pb2") and ".buf." not in name:
            for descriptor in importlib.import_module(name).DESCRIPTOR.message_types_by_name.values():
                protovalidate.collect_violations(GetMessageClass(descriptor)())
                checked += 1
    assert checked >= 132
