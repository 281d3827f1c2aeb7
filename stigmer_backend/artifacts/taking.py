"""Takes a file from the runner that holds its execution, and tells of it in the execution's events."""

from collections.abc import AsyncIterator, Callable

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import ArtifactAdded, Event
from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import Artifact
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import WriteArtifactRequest
from stigmer_apis.errors import InvalidArgument
from stigmer_backend.artifacts.keeping import Artifacts
from stigmer_backend.executions.appending import Appender
from stigmer_backend.executions.live import LiveExecution

Held = Callable[[str, int], LiveExecution]
"""The execution of an id under an epoch. Raises where the caller does not hold it."""


class Taking:
    """One way from a runner to a kept file."""

    def __init__(self, artifacts: Artifacts, appender: Appender) -> None:
        self._artifacts = artifacts
        self._appender = appender

    async def take(self, requests: AsyncIterator[WriteArtifactRequest], held: Held) -> Artifact:
        """Keep what `requests` bring: the first says what it is. Raises as `Artifacts.keep`, and what `held` raises, before and after the bytes."""
        first = await anext(requests, None)
        if first is None:
            raise InvalidArgument("a file begins with what it is", remedy="send its execution, epoch and name first")
        held(first.execution_id, first.epoch)

        async def tell(artifact: Artifact) -> None:
            live = held(first.execution_id, first.epoch)
            await self._appender.append(live, [Event(artifact_added=_added(artifact, first.call_id))])

        about = Artifact(
            execution_id=first.execution_id, name=first.name, media_type=first.media_type, call_id=first.call_id
        )
        return await self._artifacts.keep(about, _data(first, requests), tell)


def _added(artifact: Artifact, call_id: str) -> ArtifactAdded:
    return ArtifactAdded(
        artifact_id=artifact.artifact_id,
        name=artifact.name,
        media_type=artifact.media_type,
        size=artifact.size,
        hash=artifact.hash,
        call_id=call_id,
    )


async def _data(first: WriteArtifactRequest, requests: AsyncIterator[WriteArtifactRequest]) -> AsyncIterator[bytes]:
    yield first.data
    async for request in requests:
        yield request.data
