"""A person's client of ResourceService, and what it stores."""

from collections.abc import Iterable

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceOwnerScope
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ApplyResourcesRequest,
    DeleteResourceRequest,
    ListResourcesRequest,
    ListResourcesResponse,
    ListVersionsRequest,
    Resource,
    ResourceFilter,
    ResourceOrder,
    RestoreVersionRequest,
)
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2_grpc import ResourceServiceStub
from stigmer_apis.protocol import API_VERSION
from tests.support.served_backend import Served

UNSAID = ResourceOrder.RESOURCE_ORDER_UNSPECIFIED
OLDEST, NAME = ResourceOrder.RESOURCE_ORDER_OLDEST, ResourceOrder.RESOURCE_ORDER_NAME


def environment(
    name: str, *, team: str = "", tags: Iterable[str] = (), description: str = "", **values: str
) -> Resource:
    wanted = Resource()
    one = wanted.environment
    one.api_version, one.kind, one.metadata.name = API_VERSION, "Environment", name
    one.metadata.owner_scope = ApiResourceOwnerScope.organization
    if team:
        one.metadata.labels["team"] = team
    one.metadata.tags.extend(tags)
    one.spec.description = description
    for key, value in values.items():
        one.spec.data[key].value = value
    return wanted


class Asking:
    """A person's client of ResourceService."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.stub = ResourceServiceStub(served.stubs.channel)
        self.metadata = served.stubs.metadata

    async def apply(self, *wanted: Resource) -> list[str]:
        """Ids of what was applied."""
        answer = await self.stub.ApplyResources(ApplyResourcesRequest(resources=wanted), metadata=self.metadata)
        return [applied.after.environment.metadata.id for applied in answer.applied]

    async def page(
        self,
        *,
        kind: ApiResourceKind.ValueType = ApiResourceKind.environment,
        order: ResourceOrder.ValueType = UNSAID,
        page_size: int = 0,
        page_token: str = "",
        filter: ResourceFilter | None = None,
    ) -> ListResourcesResponse:
        request = ListResourcesRequest(
            kind=kind, filter=filter, order=order, page_size=page_size, page_token=page_token
        )
        return await self.stub.ListResources(request, metadata=self.metadata)

    async def delete(self, name: str) -> None:
        request = DeleteResourceRequest(kind=ApiResourceKind.environment, name=name)
        await self.stub.DeleteResource(request, metadata=self.metadata)

    async def versions(self, name: str, page_size: int = 0, page_token: str = "") -> tuple[list[tuple[str, ...]], str]:
        request = ListVersionsRequest(
            kind=ApiResourceKind.environment, name=name, page_size=page_size, page_token=page_token
        )
        answer = await self.stub.ListVersions(request, metadata=self.metadata)
        told = [(one.version_id, one.event, one.resource.environment.spec.description) for one in answer.versions]
        return told, answer.next_page_token

    async def restore(self, name: str, version: str) -> Resource:
        request = RestoreVersionRequest(kind=ApiResourceKind.environment, name=name, version_id=version)
        return (await self.stub.RestoreVersion(request, metadata=self.metadata)).resource


def names(answer: ListResourcesResponse) -> list[str]:
    return [resource.environment.metadata.slug for resource in answer.resources]
