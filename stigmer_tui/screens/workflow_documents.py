"""Documents of workflows, as they are stored or as a run was given one, read into what can be drawn. What is read is parsed in a child with limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow as StoredWorkflow
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.documents.nodes import Place
from stigmer_apis.documents.problems import Problem
from stigmer_apis.errors import NotFound
from stigmer_apis.workflow.model import Workflow

if TYPE_CHECKING:
    from stigmer_apis.client import Client


@dataclass(frozen=True, slots=True)
class Document:
    """A workflow, and what is wrong in it."""

    name: str
    """As the person knows it; foreign."""
    workflow_id: str
    """Empty where it is not stored."""
    text: str
    """YAML or JSON as somebody wrote it; empty where there are only messages."""
    workflow: Workflow | None
    """None where it could not be read."""
    problems: Sequence[Problem]


def read_stored(stored: StoredWorkflow) -> Document:
    """A stored workflow. Blocking."""
    from stigmer_apis.workflow.messages import check_messages

    metadata, spec = stored.metadata, stored.spec
    if spec.yaml:
        return read_text(spec.yaml, metadata.slug, metadata.id)
    checked = check_messages(metadata.slug, spec, lambda path: (Place(0, 0), path))
    return Document(metadata.slug, metadata.id, "", checked.workflow, checked.errors)


def read_text(text: str, name: str, workflow_id: str = "") -> Document:
    """A document as text. Blocking."""
    from stigmer_apis.documents.sources import Source
    from stigmer_apis.workflow.checking import check_sources

    checked = check_sources([Source(name or "document", text.encode("utf-8", "surrogatepass"), "yaml")])
    workflow = next((each.workflow for each in checked if each.workflow is not None), None)
    problems = tuple(problem for each in checked for problem in each.errors)
    called = name or (workflow.name.text if workflow is not None and workflow.name is not None else "")
    return Document(called, workflow_id, text, workflow, problems)


async def stored(client: "Client", name: str) -> StoredWorkflow:
    """The workflow of this name or id. Raises `NotFound`."""
    return (await client.resources.get(ApiResourceKind.workflow, name)).workflow


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run runs."""

    text: str = ""
    """The document that it was given."""
    stored: StoredWorkflow | None = None
    """The stored workflow as it is now."""
    document_json: str = ""
    """The document as it runs, whatever became of the stored one; empty where it is too long to be told."""


async def of_run(client: "Client", execution_id: str) -> Ran:
    """What a run runs, as far as it is still there."""
    execution = await client.workflows.get(execution_id)
    runs = execution.status.document_json
    name = execution.spec.workflow_id
    if execution.spec.document or not name:
        return Ran(execution.spec.document, document_json=runs)
    try:
        return Ran(stored=await stored(client, name), document_json=runs)
    except NotFound:
        return Ran(document_json=runs)
