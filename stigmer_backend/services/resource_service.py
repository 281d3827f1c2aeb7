"""Our service for resources of every kind: each method is one collaborator's."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ApplyResourcesRequest,
    ApplyResourcesResponse,
    DeleteResourceRequest,
    DeleteResourceResponse,
    GetResourceRequest,
    GetResourceResponse,
    ListResourcesRequest,
    ListResourcesResponse,
    ListVersionsRequest,
    ListVersionsResponse,
    RestoreVersionRequest,
    RestoreVersionResponse,
    WatchResourcesRequest,
    WatchResourcesResponse,
)
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2_grpc import ResourceServiceServicer
from stigmer_apis.transport import aio
from stigmer_backend.services.calls import idempotency_key
from stigmer_backend.services.resource_applying import AnyResources
from stigmer_backend.services.resource_lists import ResourceLists


class ResourceService(ResourceServiceServicer):
    """Resources of every kind, for the command line and the workstation."""

    def __init__(self, lists: ResourceLists, resources: AnyResources) -> None:
        self._lists = lists
        self._resources = resources

    async def ListResources(
        self, request: ListResourcesRequest, context: aio.ServicerContext[ListResourcesRequest, ListResourcesResponse]
    ) -> ListResourcesResponse:
        """A page of resources of one kind."""
        return await self._lists.list_resources(request)

    async def GetResource(
        self, request: GetResourceRequest, context: aio.ServicerContext[GetResourceRequest, GetResourceResponse]
    ) -> GetResourceResponse:
        """One resource, by id or by slug."""
        return await self._resources.get(request)

    async def WatchResources(
        self,
        request: WatchResourcesRequest,
        context: aio.ServicerContext[WatchResourcesRequest, WatchResourcesResponse],
    ) -> AsyncIterator[WatchResourcesResponse]:
        """Which resources of some kinds changed."""
        async with aclosing(self._lists.watch_resources(request)) as changes:
            async for change in changes:
                yield change

    async def ApplyResources(
        self,
        request: ApplyResourcesRequest,
        context: aio.ServicerContext[ApplyResourcesRequest, ApplyResourcesResponse],
    ) -> ApplyResourcesResponse:
        """Create, update and prune many, all or nothing."""
        return await self._resources.apply(request, idempotency_key(context))

    async def DeleteResource(
        self,
        request: DeleteResourceRequest,
        context: aio.ServicerContext[DeleteResourceRequest, DeleteResourceResponse],
    ) -> DeleteResourceResponse:
        """Delete one, or tell what would go with it."""
        return await self._resources.delete(request)

    async def ListVersions(
        self, request: ListVersionsRequest, context: aio.ServicerContext[ListVersionsRequest, ListVersionsResponse]
    ) -> ListVersionsResponse:
        """What a resource was before, newest first."""
        return await self._lists.list_versions(request)

    async def RestoreVersion(
        self,
        request: RestoreVersionRequest,
        context: aio.ServicerContext[RestoreVersionRequest, RestoreVersionResponse],
    ) -> RestoreVersionResponse:
        """Make an old version of a resource its newest."""
        return await self._lists.restore_version(request)
