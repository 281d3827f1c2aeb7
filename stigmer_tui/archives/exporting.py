"""Takes runs and resources from a server, and puts them into an archive. Secrets are left out."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import Artifact
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import Belonging
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ResourceOrder
from stigmer_apis.client import Client, TailBatch, TailReset
from stigmer_apis.client.exports import belongings
from stigmer_apis.errors import DataLoss, FailedPrecondition, NotFound
from stigmer_apis.protocol import DAMAGE_ANNOTATION
from stigmer_tui.archives.layout import ORDER, RUNS, SKILL_FILE
from stigmer_tui.archives.writing import ArchiveWriter, RunWriter
from stigmer_tui.cli.resources import number
from stigmer_tui.manifests import kinds
from stigmer_tui.manifests.kinds import Kind

ENDED = (ExecutionPhase.EXECUTION_COMPLETED, ExecutionPhase.EXECUTION_FAILED, ExecutionPhase.EXECUTION_CANCELLED)
_PAGE = 500


@dataclass(slots=True)
class Exported:
    """What an archive holds."""

    runs: int = 0
    resources: int = 0
    left_out: list[str] = field(default_factory=list[str])
    """What of that which was asked for is not in it, a line each."""
    damaged: int = 0
    """How much of that a damaged disk has taken."""


class Exporter:
    """One export."""

    def __init__(self, client: Client, archive: ArchiveWriter) -> None:
        self._client = client
        self._archive = archive
        self._done: set[str] = set()
        self.exported = Exported()

    async def run(self, run_id: str) -> None:
        """A run that has ended, with what it was of and what that names; of a workflow, with the runs that it started.

        Raises `NotFound`, and `FailedPrecondition` for one that goes on.
        """
        kind = run_kind(run_id)
        run: Any = await self._get(kind, run_id)
        if run.status.phase not in ENDED:
            raise FailedPrecondition(
                f"the run {run_id} has not ended", remedy="wait for it, or `stigmer cancel` it; then export it"
            )
        await self._with_ground(kind, run)

    async def everything(self) -> None:
        """Every resource of the kinds that an archive holds, and every run that has ended. What a damaged disk took is left out, and said."""
        for name in ORDER:
            kind = kinds.BY_NAME[name]
            async for resource in self._all(kind):
                try:
                    await self._one(kind, resource)
                except DataLoss as error:
                    self.exported.damaged += 1
                    self._leave_out(
                        f"the {kind.words} {resource.metadata.slug or resource.metadata.id}: {error.message}"
                    )

    # -- inner -----------------------------------------------------------------------------------------------------------

    async def _one(self, kind: Kind, resource: Any) -> None:
        if damage := resource.metadata.annotations.get(DAMAGE_ANNOTATION, ""):
            raise DataLoss(damage, remedy="restore a backup that holds it")
        if kind.name not in RUNS:
            await self._resource(kind, resource)
        elif resource.status.phase in ENDED:
            await self._run(kind, resource)
        else:
            self._leave_out(f"the run {resource.metadata.id}: it has not ended")

    async def _with_ground(self, kind: Kind, run: Any) -> None:
        """A run below all that it stands on, and the runs that it started below it."""
        if kind is kinds.AGENT_EXECUTION:
            await self._ground_of_agent(run)
        else:
            await self._ground_of_workflow(run)
        await self._run(kind, run)
        if kind is not kinds.WORKFLOW_EXECUTION:
            return
        for child_id in await self._children(run.metadata.id):
            child: Any = await self._get(run_kind(child_id), child_id)
            if child.status.phase in ENDED:
                await self._with_ground(run_kind(child_id), child)
            else:
                self._leave_out(f"the run {child_id}, which it started: it has not ended")

    async def _ground_of_agent(self, run: Any) -> None:
        session: Any = await self._found(kinds.SESSION, run.spec.session_id)
        if session is None:
            return
        instance: Any = await self._found(kinds.AGENT_INSTANCE, session.spec.agent_instance_id)
        if instance is not None:
            agent: Any = await self._found(kinds.AGENT, instance.spec.agent_id)
            if agent is not None:
                helpers = [reference for helper in agent.spec.sub_agents for reference in helper.skill_refs]
                await self._named(kinds.SKILL, [*agent.spec.skill_refs, *helpers])
                await self._named(kinds.MCP_SERVER, agent.spec.mcp_server_refs)
                await self._resource(kinds.AGENT, agent)
            await self._named(kinds.ENVIRONMENT, instance.spec.environment_refs)
            await self._resource(kinds.AGENT_INSTANCE, instance)
        await self._resource(kinds.SESSION, session)

    async def _ground_of_workflow(self, run: Any) -> None:
        workflow = await self._found(kinds.WORKFLOW, run.spec.workflow_id)
        if workflow is not None:
            await self._resource(kinds.WORKFLOW, workflow)
        instance: Any = await self._found(kinds.WORKFLOW_INSTANCE, run.spec.workflow_instance_id)
        if instance is not None:
            await self._named(kinds.ENVIRONMENT, instance.spec.env_refs)
            await self._resource(kinds.WORKFLOW_INSTANCE, instance)

    async def _named(self, kind: Kind, references: Iterable[Any]) -> None:
        for reference in references:
            resource = await self._found(kind, reference.slug)
            if resource is not None:
                await self._resource(kind, resource)

    async def _children(self, run_id: str) -> list[str]:
        """Ids of the runs that a run started, the oldest first."""
        found, token = list[str](), ""
        while True:
            page = await self._client.list_executions(
                ExecutionFilter(parent_execution_id=run_id), oldest_first=True, page_size=_PAGE, page_token=token
            )
            found += [row.execution_id for row in page.executions]
            token = page.next_page_token
            if not token:
                return found

    async def _all(self, kind: Kind) -> AsyncIterator[Any]:
        """The oldest first: what started something comes before it."""
        async for one in self._client.resources.all(number(kind), order=ResourceOrder.RESOURCE_ORDER_OLDEST):
            yield getattr(one, kind.field)

    async def _get(self, kind: Kind, name: str) -> Any:
        return getattr(await self._client.resources.get(number(kind), name), kind.field)

    async def _found(self, kind: Kind, name: str) -> Any:
        try:
            return await self._get(kind, name) if name else None
        except NotFound:
            return None

    def _is_new(self, record_id: str) -> bool:
        if record_id in self._done:
            return False
        self._done.add(record_id)
        return True

    async def _resource(self, kind: Kind, resource: Any) -> None:
        record_id = str(resource.metadata.id)
        if not self._is_new(record_id):
            return
        more = await self._more(record_id)
        files = [await self._skill_file(one) for one in _skills(kind, resource, more)]
        without_secrets(resource)
        self._archive.add_resource(kind.name, resource, record_id, tuple(dict.fromkeys(files)), more)
        self.exported.resources += 1

    async def _more(self, record_id: str) -> list[Belonging]:
        found = [belonging async for belonging in belongings(self._client, record_id)]
        for belonging in found:
            without_secrets(belonging)
        return found

    async def _skill_file(self, skill: Any) -> str:
        digest = str(skill.status.version_hash)
        if not self._archive.has_file(digest):
            self._archive.add_file([await self._client.skills.archive(skill)], digest)
        return digest

    async def _run(self, kind: Kind, run: Any) -> None:
        run_id = str(run.metadata.id)
        if not self._is_new(run_id):
            return
        without_secrets(run)
        run.spec.callback_token = b""
        more = await self._more(run_id)
        with self._archive.run(kind.name, run, run_id, more) as writer:
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
                self._leave_out(f"a file of the run {run_id}: it was deleted")
                continue
            self._archive.add_file(data, digest)

    def _leave_out(self, what: str) -> None:
        self.exported.left_out.append(what)
        self._archive.leave_out(what)


def run_kind(run_id: str) -> Kind:
    """The kind of the run with this id."""
    workflow = kinds.WORKFLOW_EXECUTION
    return workflow if run_id.startswith(f"{workflow.prefix}-") else kinds.AGENT_EXECUTION


def _skills(kind: Kind, resource: Any, more: Iterable[Belonging]) -> list[Any]:
    """The versions of a skill; of what is none, nothing."""
    if kind is not kinds.SKILL:
        return []
    return [*(one.skill_version for one in more if one.WhichOneof("what") == SKILL_FILE), resource]


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
