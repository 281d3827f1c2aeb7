"""Workflow documents (`document:`, `do:`) as resources: the text is kept as it was written, and beside it what older programs read."""

from collections.abc import Mapping

from google.protobuf.json_format import ParseDict

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceOwnerScope,
    WorkflowTaskKind,
)
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.documents.nodes import MapNode
from stigmer_apis.documents.problems import Problem
from stigmer_apis.protocol import API_VERSION
from stigmer_apis.slugs import slugify
from stigmer_apis.workflow.checking import check
from stigmer_apis.workflow.document_json import to_data, to_json
from stigmer_apis.workflow.model import Workflow
from stigmer_apis.workflow.reading import read_node
from stigmer_tui.manifests.kinds import WORKFLOW

_KINDS: Mapping[str, str] = {
    "set": "SET",
    "call http": "HTTP_CALL",
    "call grpc": "GRPC_CALL",
    "call agent": "AGENT_CALL",
    "call activity": "CALL_ACTIVITY",
    "switch": "SWITCH",
    "for": "FOR",
    "fork": "FORK",
    "try": "TRY",
    "listen": "LISTEN",
    "wait": "WAIT",
    "raise": "RAISE",
    "run workflow": "RUN",
    "run shell": "RUN",
    "run script": "RUN",
    "run container": "RUN",
}
"""The published kind that is nearest; SET stands for the others, which the published interface does not have."""


def resource_of(source: str, node: MapNode, text: str | None) -> tuple[Resource | None, str, tuple[Problem, ...]]:
    """The resource, what it is called, and what is wrong. `text`: as it was written; None where it stands among others in one file."""
    checked = check(read_node(source, node))
    workflow = checked.workflow
    if checked.errors or workflow is None:
        return None, "", checked.errors
    name = workflow.name.text if workflow.name is not None else ""
    resource = Resource()
    message = resource.workflow
    message.api_version, message.kind = API_VERSION, WORKFLOW.name
    message.metadata.name = name
    message.metadata.owner_scope = ApiResourceOwnerScope.organization
    message.spec.yaml = text if text is not None else to_json(node)
    message.spec.description = workflow.summary or workflow.title
    _describe(workflow, resource)
    return resource, slugify(name), ()


def _describe(workflow: Workflow, resource: Resource) -> None:
    """For programs that know the published interface alone."""
    spec = resource.workflow.spec
    spec.document.dsl = "1.0.0"
    spec.document.namespace = workflow.namespace.text if workflow.namespace is not None else "default"
    spec.document.name = resource.workflow.metadata.name
    spec.document.version = workflow.version.text if workflow.version is not None else "0.0.1"
    for task in workflow.tasks:
        told = spec.tasks.add(name=task.name.text)
        told.kind = WorkflowTaskKind.Value(f"WORKFLOW_TASK_KIND_{_KINDS.get(task.kind, 'SET')}")
        data = to_data(task.node)
        ParseDict(data if isinstance(data, dict) else {}, told.task_config)
