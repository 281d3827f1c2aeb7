"""The instance that comes with an agent or a workflow."""

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_backend.resources.kinds import AnyKind
from stigmer_backend.resources.lookup import storable
from stigmer_backend.store import StateRead

DEFAULT_SUFFIX = "-default"


def default_metadata(owner: ApiResourceMetadata, instance_id: str = "") -> ApiResourceMetadata:
    """What the default instance of `owner` is called: `<name>-default`, in the same organization."""
    return ApiResourceMetadata(
        id=instance_id,
        name=f"{owner.name}{DEFAULT_SUFFIX}",
        slug=f"{owner.slug}{DEFAULT_SUFFIX}",
        org=owner.org,
        owner_scope=owner.owner_scope,
    )


def free_id(state: StateRead, kind: AnyKind, wanted: str) -> str:
    """`wanted`, where it can be the id of a new instance; else "". A resource that comes from elsewhere says which its instance had."""
    fits = wanted.startswith(f"{kind.prefix}-") and storable(wanted) and not state.has(kind.table, wanted)
    return wanted if fits else ""
