"""One resource of any kind, asked for and stored."""

from typing import Any

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from stigmer_apis.errors import NotFound
from stigmer_apis.ids import Prefix
from stigmer_tui.manifests.kinds import AGENT_EXECUTION, WORKFLOW_EXECUTION, Kind


def number(kind: Kind) -> ApiResourceKind.ValueType:
    """The kind as requests have it."""
    return ApiResourceKind.ValueType(kind.number)


def meant(kind: Kind, name: str) -> Kind:
    """The kind that is meant by `kind` and `name`: an `execution` is of an agent or of a workflow, as its id says."""
    return WORKFLOW_EXECUTION if kind is AGENT_EXECUTION and name.startswith(f"{Prefix.WORKFLOW_EXECUTION}-") else kind


async def fetch(client: Client, kind: Kind, name: str) -> Any:
    """The resource with this name or id, as its kind's own message. Raises `NotFound` that says how to list what is there."""
    try:
        resource = await client.resources.get(number(kind), name)
    except NotFound as error:
        raise not_there(kind, name, error) from error
    return getattr(resource, kind.field)


def not_there(kind: Kind, name: str, said: NotFound) -> NotFound:
    """No resource of that name; with the nearest, where the server `said` one."""
    like = f"{said.remedy} " if said.remedy.startswith("did you mean") else ""
    return NotFound(f"there is no {kind.words} {name!r}", remedy=f"{like}`stigmer get {kind.plural}` lists them")
