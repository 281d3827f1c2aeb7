"""A client of a served home: the calls of the model's machine, through real sockets."""

from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_service_pb2_grpc import AgentCommandControllerStub
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_service_pb2_grpc import (
    EnvironmentCommandControllerStub,
)
from stigmer_apis._generated.ai.stigmer.agentic.mcpserver.v1.mcp_server_service_pb2_grpc import (
    McpServerCommandControllerStub,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ApplyResourcesRequest,
    DeleteResourceRequest,
    GetResourceRequest,
    ListResourcesRequest,
    ListResourcesResponse,
    ListVersionsRequest,
    Resource,
    RestoreVersionRequest,
)
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2_grpc import ResourceServiceStub
from stigmer_apis.errors import NotFound
from stigmer_apis.errors_grpc import error_from_rpc
from stigmer_apis.home import Home
from stigmer_apis.protocol import AUTHORIZATION
from stigmer_apis.transport import aio, client_options, unix_target
from tests.stateful.model import KindNumber, Said, part_of, resource_of


class Asking:
    """One connection. Refusals are raised as the errors of `stigmer_apis.errors`."""

    def __init__(self, root: Path) -> None:
        home = Home(root=root, run=root / "run")
        self._channel = aio.insecure_channel(unix_target(home.operator_socket), options=client_options())
        self._metadata = ((AUTHORIZATION, f"Bearer {home.operator_token.read_text().strip()}"),)
        self._resources = ResourceServiceStub(self._channel)
        self._agents = AgentCommandControllerStub(self._channel)
        self._environments = EnvironmentCommandControllerStub(self._channel)
        self._servers = McpServerCommandControllerStub(self._channel)

    async def close(self) -> None:
        """Give the connection up."""
        await self._channel.close()

    async def create(self, kind: KindNumber, slug: str, said: Said) -> str:
        """Its id. By the published service of the kind."""
        wanted = resource_of(kind, slug, said)
        try:
            match kind:
                case ApiResourceKind.agent:
                    return (await self._agents.create(wanted.agent, metadata=self._metadata)).metadata.id
                case ApiResourceKind.mcp_server:
                    return (await self._servers.create(wanted.mcp_server, metadata=self._metadata)).metadata.id
                case _:
                    made = await self._environments.create(wanted.environment, metadata=self._metadata)
                    return made.metadata.id
        except aio.AioRpcError as error:
            raise error_from_rpc(error) from error

    async def update(self, kind: KindNumber, slug: str, said: Said, version: str = "") -> None:
        """By the published service of the kind."""
        wanted = resource_of(kind, slug, said)
        try:
            match kind:
                case ApiResourceKind.agent:
                    wanted.agent.metadata.version.id = version
                    await self._agents.update(wanted.agent, metadata=self._metadata)
                case ApiResourceKind.mcp_server:
                    wanted.mcp_server.metadata.version.id = version
                    await self._servers.update(wanted.mcp_server, metadata=self._metadata)
                case _:
                    wanted.environment.metadata.version.id = version
                    await self._environments.update(wanted.environment, metadata=self._metadata)
        except aio.AioRpcError as error:
            raise error_from_rpc(error) from error

    async def apply(self, *wanted: Resource) -> list[str]:
        """Ids of what was applied, together."""
        try:
            answer = await self._resources.ApplyResources(
                ApplyResourcesRequest(resources=wanted), metadata=self._metadata
            )
        except aio.AioRpcError as error:
            raise error_from_rpc(error) from error
        return [part_of(applied.after)[1] for applied in answer.applied]

    async def delete(self, kind: KindNumber, slug: str) -> None:
        """Raises `NotFound`."""
        try:
            await self._resources.DeleteResource(DeleteResourceRequest(kind=kind, name=slug), metadata=self._metadata)
        except aio.AioRpcError as error:
            raise error_from_rpc(error) from error

    async def get(self, kind: KindNumber, slug: str) -> Said | None:
        """What the resource says, or None."""
        try:
            answer = await self._resources.GetResource(
                GetResourceRequest(kind=kind, name=slug), metadata=self._metadata
            )
        except aio.AioRpcError as error:
            raised = error_from_rpc(error)
            if isinstance(raised, NotFound):
                return None
            raise raised from error
        return part_of(answer.resource)[2]

    async def page(self, request: ListResourcesRequest) -> ListResourcesResponse:
        """A page."""
        try:
            return await self._resources.ListResources(request, metadata=self._metadata)
        except aio.AioRpcError as error:
            raise error_from_rpc(error) from error

    async def versions(self, kind: KindNumber, slug: str) -> list[Said]:
        """What it was, the oldest first."""
        found: list[Said] = []
        token = ""
        while True:
            request = ListVersionsRequest(kind=kind, name=slug, page_size=7, page_token=token)
            try:
                answer = await self._resources.ListVersions(request, metadata=self._metadata)
            except aio.AioRpcError as error:
                raise error_from_rpc(error) from error
            found += [part_of(version.resource)[2] for version in answer.versions]
            token = answer.next_page_token
            if not token:
                return found[::-1]

    async def restore(self, kind: KindNumber, slug: str, version: str) -> None:
        """Raises `NotFound`."""
        request = RestoreVersionRequest(kind=kind, name=slug, version_id=version)
        try:
            await self._resources.RestoreVersion(request, metadata=self._metadata)
        except aio.AioRpcError as error:
            raise error_from_rpc(error) from error
