"""One resource of any kind, asked for and stored."""

from typing import Any

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from stigmer_apis.errors import NotFound
from stigmer_tui.manifests.kinds import Kind


def number(kind: Kind) -> ApiResourceKind.ValueType:
    """The kind as requests have it."""
    return ApiResourceKind.ValueType(kind.number)


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
