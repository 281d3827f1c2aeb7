"""For each kind: what one needs to stand on, what one looks like, and how it may change."""

import io
import zipfile
from dataclasses import dataclass, field
from typing import cast

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import PushSkillRequest, Skill
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceOwnerScope
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.kinds import (
    AGENTS,
    EXECUTION_CONTEXTS,
    EXECUTIONS,
    INSTANCES,
    KINDS,
    SESSIONS,
    SKILLS,
    WORKFLOW_EXECUTIONS,
    WORKFLOW_INSTANCES,
    WORKFLOWS,
    AnyKind,
    Kind,
    R,
    Resource,
)
from tests.conformance.wire import Wire

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

TASKS: JsonValue = [{"name": "greet", "kind": "WORKFLOW_TASK_KIND_SET", "taskConfig": {"variables": {"a": "b"}}}]


@dataclass(slots=True)
class Ground:
    """What there is for others to stand on: ids by the kind's field, made when they are asked for."""

    wire: Wire
    ids: dict[str, str] = field(default_factory=dict[str, str])

    async def of(self, kind: AnyKind) -> str:
        """Id of a resource of `kind`."""
        if kind.field not in self.ids:
            if kind is SKILLS:
                made: Resource = await push(self.wire, "ground")
            else:
                made = await self.wire.write(kind, "create", await make(self, kind, f"ground {kind.field}"))
            self.ids[kind.field] = made.metadata.id
        return self.ids[kind.field]


def document(kind: Kind[R], name: str, spec: dict[str, JsonValue], *, scope: str = "organization") -> R:
    """A resource as a file would describe it."""
    metadata: dict[str, JsonValue] = {"name": name, "ownerScope": scope}
    if kind in (EXECUTIONS, EXECUTION_CONTEXTS):
        del metadata["ownerScope"]
    text: dict[str, JsonValue] = {"apiVersion": API_VERSION, "kind": kind.name, "metadata": metadata, "spec": spec}
    return cast(R, ParseDict(text, cast(Message, kind.message())))


def workflow_spec(tasks: JsonValue = TASKS) -> dict[str, JsonValue]:
    """The spec of a workflow with these tasks."""
    return {"document": {"dsl": "1.0.0", "namespace": "tests", "name": "wf", "version": "1"}, "tasks": tasks}


async def make(ground: Ground, kind: Kind[R], name: str) -> R:
    """A resource of `kind` that can be created."""
    spec: dict[str, JsonValue]
    match kind.name:
        case "Agent":
            spec = {"instructions": "Help with whatever comes up.", "model": "m-1"}
        case "AgentInstance":
            spec = {"agentId": await ground.of(AGENTS)}
        case "Session":
            spec = {"agentInstanceId": await ground.of(INSTANCES), "subject": "A talk"}
        case "AgentExecution":
            spec = {"agentId": await ground.wire.served.shell_id(), "message": "true"}
        case "Workflow":
            spec = workflow_spec()
        case "WorkflowInstance":
            spec = {"workflowId": await ground.of(WORKFLOWS)}
        case "WorkflowExecution":
            spec = {"workflowInstanceId": await ground.of(WORKFLOW_INSTANCES), "triggerMessage": "go"}
        case "Environment":
            spec = {"description": "For tests", "data": {"COLOUR": {"value": "blue"}}}
        case "ExecutionContext":
            spec = {"executionId": await ground.of(WORKFLOW_EXECUTIONS), "data": {"COLOUR": {"value": "blue"}}}
        case "McpServer":
            spec = {"description": "A server", "stdio": {"command": "serve-tools"}}
        case _:
            raise AssertionError(f"{kind.name} is made in another way")
    return document(kind, name, spec)


def change(kind: Kind[R], resource: R, words: str) -> None:
    """Change the spec, in place, where the kind lets one; else the labels."""
    spec = resource.spec
    for name in ("description", "subject"):
        if name in spec.DESCRIPTOR.fields_by_name:
            setattr(spec, name, words)
            return
    resource.metadata.labels["changed"] = words


def archive(*files: tuple[str, str], skill_md: str = "---\nname: s\ndescription: d\n---\nDo it.\n") -> bytes:
    """A skill's ZIP, the same bytes for the same files."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as packed:
        for name, text in (("SKILL.md", skill_md), *files):
            packed.writestr(zipfile.ZipInfo(name), text)
    return body.getvalue()


async def push(wire: Wire, name: str, *files: tuple[str, str], tag: str = "") -> Skill:
    """Push a skill."""
    request = PushSkillRequest(name=name, scope=ApiResourceOwnerScope.organization, artifact=archive(*files), tag=tag)
    return cast(Skill, await wire.call(SKILLS, "push", request))


WRITTEN: tuple[AnyKind, ...] = tuple(kind for kind in KINDS if kind is not SKILLS)
"""Kinds with `create`."""
UPDATED: tuple[AnyKind, ...] = tuple(kind for kind in WRITTEN if kind is not EXECUTION_CONTEXTS)
"""Kinds with `update`."""
APPLIED: tuple[AnyKind, ...] = tuple(kind for kind in WRITTEN if kind not in (EXECUTIONS, WORKFLOW_EXECUTIONS))
"""Kinds with `apply`."""
NAMED: tuple[AnyKind, ...] = tuple(kind for kind in WRITTEN if kind not in (EXECUTIONS, WORKFLOW_EXECUTIONS, SESSIONS))
"""Kinds that are got by reference."""
