"""Our service for the files that runs made: what there is, and the bytes of one."""

from collections.abc import AsyncIterator

from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import (
    Artifact,
    GetArtifactRequest,
    GetArtifactResponse,
    ListArtifactsRequest,
    ListArtifactsResponse,
)
from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2_grpc import ArtifactServiceServicer
from stigmer_apis.errors import NotFound
from stigmer_apis.protocol import DEFAULT_PAGE_SIZE
from stigmer_apis.transport import aio
from stigmer_backend.artifacts.keeping import Artifacts
from stigmer_backend.artifacts.records import ARTIFACTS
from stigmer_backend.executions.runs import run_kind
from stigmer_backend.resources.lookup import storable
from stigmer_backend.resources.paging import decode_token, encode_token, page_rows
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateRead, Store


class ArtifactService(ArtifactServiceServicer):
    """Kept files for people."""

    def __init__(self, store: Store, artifacts: Artifacts) -> None:
        self._store = store
        self._artifacts = artifacts

    async def ListArtifacts(
        self,
        request: ListArtifactsRequest,
        context: aio.ServicerContext[ListArtifactsRequest, ListArtifactsResponse],
    ) -> ListArtifactsResponse:
        """A page of them, newest first. Raises `NotFound` for an execution that is not there."""
        size = page_rows(request.page_size, DEFAULT_PAGE_SIZE)
        execution_id = request.execution_id
        if execution_id and not storable(execution_id):
            raise _no_execution(execution_id)
        question = f"{ARTIFACTS}/{execution_id}".encode()
        after = decode_token(question, request.page_token)

        def ask(state: StateRead) -> ListArtifactsResponse:
            if execution_id and state.get(run_kind(execution_id).table, execution_id) is None:
                raise _no_execution(execution_id)
            rows = state.page(ARTIFACTS, execution_id, after=after, limit=size + 1)
            more = len(rows) > size
            return ListArtifactsResponse(
                artifacts=[Artifact.FromString(row.summary) for row in rows[:size]],
                next_page_token=encode_token(question, rows[size - 1].key) if more else "",
                total=state.count(ARTIFACTS, execution_id),
            )

        return await self._store.read_state(ask)

    async def GetArtifact(
        self, request: GetArtifactRequest, context: aio.ServicerContext[GetArtifactRequest, GetArtifactResponse]
    ) -> AsyncIterator[GetArtifactResponse]:
        """What it is, then its bytes."""
        artifact = await self._artifacts.find(request.artifact_id)
        yield GetArtifactResponse(artifact=artifact)
        async for piece in self._artifacts.read(artifact):
            yield GetArtifactResponse(data=piece)


def _no_execution(execution_id: str) -> NotFound:
    return NotFound(f"there is no execution {quoted(execution_id)}", remedy="`stigmer get executions` lists them")
