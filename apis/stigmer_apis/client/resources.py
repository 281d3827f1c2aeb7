"""Resources of every kind, as a client asks for them."""

from collections.abc import AsyncGenerator, Iterable, Mapping

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ApplyResourcesRequest,
    ApplyResourcesResponse,
    DeleteResourceRequest,
    DeleteResourceResponse,
    GetResourceRequest,
    ListResourcesRequest,
    ListResourcesResponse,
    ListVersionsRequest,
    ListVersionsResponse,
    Resource,
    ResourceFilter,
    ResourceOrder,
    RestoreVersionRequest,
    WatchResourcesRequest,
    WatchResourcesResponse,
)
from stigmer_apis.client.calls import call, new_idempotency_key
from stigmer_apis.client.connection import Connection
from stigmer_apis.client.watching import follow

KindNumber = ApiResourceKind.ValueType
"""A kind, as the published enum counts them."""


class Resources:
    """What can be asked about resources. Errors are those of `stigmer_apis.errors`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(
        self,
        kind: KindNumber,
        filter: ResourceFilter | None = None,
        *,
        order: ResourceOrder.ValueType = ResourceOrder.RESOURCE_ORDER_UNSPECIFIED,
        page_size: int = 0,
        page_token: str = "",
    ) -> ListResourcesResponse:
        """A page of resources of one kind, newest first unless asked otherwise. `page_size` 1 to 1000, 0 for 50."""
        request = ListResourcesRequest(
            kind=kind, filter=filter, order=order, page_size=page_size, page_token=page_token
        )
        return await call(self._connection, lambda wire: wire.resources.ListResources, request)

    async def all(
        self,
        kind: KindNumber,
        filter: ResourceFilter | None = None,
        *,
        order: ResourceOrder.ValueType = ResourceOrder.RESOURCE_ORDER_UNSPECIFIED,
    ) -> AsyncGenerator[Resource, None]:
        """Every resource that fits, page by page."""
        token = ""
        while True:
            page = await self.list(kind, filter, order=order, page_size=500, page_token=token)
            for resource in page.resources:
                yield resource
            token = page.next_page_token
            if not token:
                return

    async def get(self, kind: KindNumber, name: str) -> Resource:
        """The resource with this id or slug. Raises `NotFound`."""
        request = GetResourceRequest(kind=kind, name=name)
        return (await call(self._connection, lambda wire: wire.resources.GetResource, request)).resource

    def watch(
        self, kinds: Iterable[KindNumber] = (), after_revision: int = 0
    ) -> AsyncGenerator[WatchResourcesResponse, None]:
        """Which resources of `kinds` change after a list's revision, without end; it connects again by itself.

        A response with `reset` says that changes were missed: list again.
        """
        wanted = list(kinds)
        return follow(
            self._connection,
            lambda wire, revision: wire.resources.WatchResources(
                WatchResourcesRequest(kinds=wanted, after_revision=revision), metadata=wire.metadata()
            ),
            WatchResourcesResponse,
            after_revision,
        )

    async def apply(
        self,
        resources: Iterable[Resource],
        *,
        dry_run: bool = False,
        prune_labels: Mapping[str, str] | None = None,
        prune_kinds: Iterable[KindNumber] = (),
        force: bool = False,
    ) -> ApplyResourcesResponse:
        """Create and update many resources, all or none, and remove those with `prune_labels` that are not among them."""
        request = ApplyResourcesRequest(
            resources=list(resources),
            dry_run=dry_run,
            prune_labels=dict(prune_labels or {}),
            prune_kinds=list(prune_kinds),
            force=force,
        )
        return await call(
            self._connection,
            lambda wire: wire.resources.ApplyResources,
            request,
            idempotency_key="" if dry_run else new_idempotency_key(),
        )

    async def delete(
        self, kind: KindNumber, name: str, *, force: bool = False, dry_run: bool = False
    ) -> DeleteResourceResponse:
        """Delete a resource, or with `dry_run` tell what would go with it and what holds it. Raises `NotFound`, `FailedPrecondition`."""
        return await call(
            self._connection,
            lambda wire: wire.resources.DeleteResource,
            DeleteResourceRequest(kind=kind, name=name, force=force, dry_run=dry_run),
            idempotency_key="" if dry_run else new_idempotency_key(),
        )

    async def versions(
        self, kind: KindNumber, name: str, *, page_size: int = 0, page_token: str = ""
    ) -> ListVersionsResponse:
        """What a resource was before, newest first."""
        request = ListVersionsRequest(kind=kind, name=name, page_size=page_size, page_token=page_token)
        return await call(self._connection, lambda wire: wire.resources.ListVersions, request)

    async def restore(self, kind: KindNumber, name: str, version_id: str) -> Resource:
        """Make an old version the newest. Raises `NotFound`."""
        response = await call(
            self._connection,
            lambda wire: wire.resources.RestoreVersion,
            RestoreVersionRequest(kind=kind, name=name, version_id=version_id),
            idempotency_key=new_idempotency_key(),
        )
        return response.resource
