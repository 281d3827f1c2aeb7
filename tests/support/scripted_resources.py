"""The resource service of the scripted backend: resources in memory, by kind."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1 import resource_service_pb2 as rs
from stigmer_apis.errors import NotFound

if TYPE_CHECKING:
    from tests.support.scripted_backend import ScriptedBackend


class ScriptedResources:
    """What `add` was given, less what was deleted. Agents are those of the backend."""

    def __init__(self, backend: "ScriptedBackend") -> None:
        self._backend = backend
        self._kept: list[rs.Resource] = []
        self._revision = 1
        self._changed = asyncio.Event()
        self.along: list[rs.DeleteResourceResponse.Dependant] = []
        """What every delete takes along."""
        self.past: list[rs.ListVersionsResponse.Version] = []
        """The versions of whatever one asks for, the newest first."""

    def add(self, resource: rs.Resource) -> None:
        """A resource more."""
        self._kept.append(resource)
        self._told()

    def _told(self) -> None:
        self._revision += 1
        self._changed.set()

    def _all(self, kind: "ApiResourceKind.ValueType") -> list[rs.Resource]:
        field = ApiResourceKind.Name(kind)
        agents = [rs.Resource(agent=agent) for agent in self._backend.agents] if field == "agent" else []
        return agents + [resource for resource in self._kept if resource.WhichOneof("resource") == field]

    async def list(self, request: rs.ListResourcesRequest) -> rs.ListResourcesResponse:
        """A page; the token is a number of rows."""
        text = request.filter.text.lower()
        found = [one for one in self._all(request.kind) if text in str(one).lower()]
        begin, size = int(request.page_token or 0), request.page_size or 50
        following = str(begin + size) if begin + size < len(found) else ""
        return rs.ListResourcesResponse(
            resources=found[begin : begin + size], next_page_token=following, total=len(found), revision=self._revision
        )

    async def get(self, request: rs.GetResourceRequest) -> rs.GetResourceResponse:
        """By id or slug."""
        field = ApiResourceKind.Name(request.kind)
        for resource in self._all(request.kind):
            metadata = getattr(resource, field).metadata
            if request.name in (metadata.id, metadata.slug):
                return rs.GetResourceResponse(resource=resource)
        raise NotFound(f"there is no {field.replace('_', ' ')} named {request.name!r}")

    async def versions(self, request: rs.ListVersionsRequest) -> rs.ListVersionsResponse:
        """All of them."""
        return rs.ListVersionsResponse(versions=self.past)

    async def delete(self, request: rs.DeleteResourceRequest) -> rs.DeleteResourceResponse:
        """It goes, unless it is only asked what would."""
        field = ApiResourceKind.Name(request.kind)
        for resource in self._all(request.kind):
            if getattr(resource, field).metadata.id == request.name:
                break
        else:
            raise NotFound(f"there is no {request.name}")
        if not request.dry_run:
            self._kept = [one for one in self._kept if one != resource]
            self._backend.agents = [one for one in self._backend.agents if one != resource.agent]
            self._told()
        return rs.DeleteResourceResponse(deleted=resource, along=self.along)

    async def watch(self, _: rs.WatchResourcesRequest) -> AsyncGenerator[rs.WatchResourcesResponse, None]:
        """A reset for each change: who listens lists again."""
        while True:
            self._changed.clear()
            await self._changed.wait()
            yield rs.WatchResourcesResponse(revision=self._revision, reset=True)
