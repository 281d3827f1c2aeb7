"""The lists of `ResourceService`: pages of resources, changes, versions."""

from collections.abc import AsyncGenerator

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ListResourcesRequest,
    ListResourcesResponse,
    ListVersionsRequest,
    ListVersionsResponse,
    RestoreVersionRequest,
    RestoreVersionResponse,
    WatchResourcesRequest,
    WatchResourcesResponse,
)


class ResourceLists:
    """Answers what asks for many resources, or for what one was before."""

    async def list_resources(self, request: ListResourcesRequest) -> ListResourcesResponse:
        """A page of resources of one kind."""
        raise NotImplementedError

    def watch_resources(self, request: WatchResourcesRequest) -> AsyncGenerator[WatchResourcesResponse]:
        """Which resources changed."""
        raise NotImplementedError

    async def list_versions(self, request: ListVersionsRequest) -> ListVersionsResponse:
        """What a resource was before, newest first."""
        raise NotImplementedError

    async def restore_version(self, request: RestoreVersionRequest) -> RestoreVersionResponse:
        """Make an old version of a resource its newest."""
        raise NotImplementedError
