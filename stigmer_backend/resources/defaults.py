"""The instance that comes with an agent or a workflow."""

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata


def default_metadata(owner: ApiResourceMetadata) -> ApiResourceMetadata:
    """What the default instance of `owner` is called: `<name>-default`, in the same organization."""
    return ApiResourceMetadata(
        name=f"{owner.name}-default", slug=f"{owner.slug}-default", org=owner.org, owner_scope=owner.owner_scope
    )
