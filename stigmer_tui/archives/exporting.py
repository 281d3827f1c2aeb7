"""Takes runs and resources from a server, and puts them into an archive. Secrets are left out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import Artifact
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ResourceOrder
from stigmer_apis.client import Client, TailBatch, TailReset
from stigmer_apis.errors import DataLoss, FailedPrecondition, NotFound
from stigmer_tui.archives.layout import ORDER, RUN, SKILL
from stigmer_tui.archives.writing import ArchiveWriter, RunWriter
from stigmer_tui.cli.resources import number
from stigmer_tui.manifests import kinds
from stigmer_tui.manifests.kinds import Kind

ENDED = (ExecutionPhase.EXECUTION_COMPLETED, ExecutionPhase.EXECUTION_FAILED, ExecutionPhase.EXECUTION_CANCELLED)


@dataclass(slots=True)
class Exported:
    """What an archive holds."""

    runs: int = 0
    resources: int = 0
    left_out: list[str] = field(default_factory=list[str])
    """What is not in it, a line each."""


class Exporter:
    """One export."""

    def __init__(self, client: Client, archive: ArchiveWriter) -> None:
        self._client = client
        self._archive = archive
        self._done: set[str] = set()
        self.exported = Exported()

    async def run(self, run_id: str) -> None:
        """A run that has ended, with the session, the instance and the agent that it was of.

        Raises `NotFound`, and `FailedPrecondition` for one that goes on.
        """
        run: Any = await self._get(kinds.AGENT_EXECUTION, run_id)
        if run.status.phase not in ENDED:
            raise FailedPrecondition(
                f"the run {run_id} has not ended", remedy="wait for it, or `stigmer cancel` it; then export it"
            )
        session: Any = await self._found(kinds.SESSION, run.spec.session_id)
        instance: Any = (
            None if session is None else await self._found(kinds.AGENT_INSTANCE, session.spec.agent_instance_id)
        )
        agent = None if instance is None else await self._found(kinds.AGENT, instance.spec.agent_id)
        for kind, resource in ((kinds.AGENT, agent), (kinds.AGENT_INSTANCE, instance), (kinds.SESSION, session)):
            if resource is not None:
                await self._resource(kind, resource)
        await self._run(run)

    async def everything(self) -> None:
        """Every resource of the kinds that an archive holds, and every run that has ended."""
        for name in ORDER:
            kind = kinds.BY_NAME[name]
            async for resource in self._all(kind):
                if name != RUN:
                    await self._resource(kind, resource)
                elif resource.status.phase in ENDED:
                    await self._run(resource)
                else:
                    self.exported.left_out.append(f"the run {resource.metadata.id}: it has not ended")

    async def _all(self, kind: Kind) -> AsyncIterator[Any]:
        """The oldest first: what is imported later is listed above."""
        async for one in self._client.resources.all(number(kind), order=ResourceOrder.RESOURCE_ORDER_OLDEST):
            yield getattr(one, kind.field)

    async def _get(self, kind: Kind, name: str) -> Any:
        return getattr(await self._client.resources.get(number(kind), name), kind.field)

    async def _found(self, kind: Kind, name: str) -> Any:
        try:
            return await self._get(kind, name)
        except NotFound:
            return None

    async def _resource(self, kind: Kind, resource: Any) -> None:
        record_id = str(resource.metadata.id)
        if record_id in self._done:
            return
        self._done.add(record_id)
        files: tuple[str, ...] = ()
        if kind.name == SKILL:
            data = await self._client.skills.archive(resource)
            files = (sha256(data).hexdigest(),)
            self._archive.add_file([data], files[0])
        without_secrets(resource)
        self._archive.add_resource(kind.name, resource, record_id, files)
        self.exported.resources += 1

    async def _run(self, run: Any) -> None:
        run_id = str(run.metadata.id)
        without_secrets(run)
        with self._archive.run(run, run_id) as writer:
            async for item in self._client.tail(run_id, follow=False):
                if isinstance(item, TailReset):
                    raise DataLoss(f"the first events of {run_id} are not there any more", remedy="export another run")
                if isinstance(item, TailBatch):
                    writer.take(item.events)
            await self._files(run_id, writer)
            writer.finish()
        self.exported.runs += 1

    async def _files(self, run_id: str, writer: RunWriter) -> None:
        for digest, artifact_id in writer.files.items():
            if self._archive.has_file(digest):
                continue
            try:
                data = [
                    piece async for piece in self._client.artifacts.read(artifact_id) if not isinstance(piece, Artifact)
                ]
            except NotFound:
                self.exported.left_out.append(f"a file of the run {run_id}: it was deleted")
                continue
            self._archive.add_file(data, digest)


def without_secrets(message: Message) -> None:
    """Empty every value that says it is a secret, in place, whatever stands there; that there is one stays said."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        if descriptor.message_type.GetOptions().map_entry:
            inner = (
                [value[key] for key in value] if descriptor.message_type.fields_by_name["value"].message_type else []
            )
        else:
            inner = list(value) if _is_repeated(value) else [value]
        for one in inner:
            if getattr(one, "is_secret", False):
                one.value = ""
            else:
                without_secrets(one)


def _is_repeated(value: object) -> bool:
    return not isinstance(value, Message)
