"""What an archive brings into a store: resources one by one, skills with their files, runs with their events and files, each whole or not at all."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack

from google.protobuf.message import DecodeError

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    Belonging,
    ImportRequest,
    ImportResource,
    ImportResponse,
)
from stigmer_apis.errors import StigmerError
from stigmer_backend.maintenance.import_course import Course, Item, Means, Outcome, Taken, malformed
from stigmer_backend.maintenance.importing_resources import IMPORTED, put_resource
from stigmer_backend.maintenance.importing_runs import ImportedRun
from stigmer_backend.maintenance.importing_skills import ImportedSkill
from stigmer_backend.resources.kinds import BY_NAME, EXECUTIONS, SKILLS, WORKFLOW_EXECUTIONS, AnyKind, Resource
from stigmer_backend.resources.lookup import storable
from stigmer_backend.store import StoreFull

_WITH_MORE = (SKILLS, EXECUTIONS, WORKFLOW_EXECUTIONS)
"""Kinds of which more comes than a message."""
_MOST_BELONGINGS = 20_000
_MOST_BYTES = 64 << 20
"""What belongs to one item, in all."""


class Importing:
    """One import. `answers` gives what became of each item."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._course = Course()
        self._item: Item | None = None
        self._belongings: list[Belonging] = []
        self._bytes = 0

    async def answers(self, requests: AsyncIterator[ImportRequest]) -> AsyncGenerator[ImportResponse]:
        """Take in what `requests` bring. Raises `InvalidArgument` for what is no import; items that cannot be taken are answered."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._abandon)
            async for request in requests:
                match request.WhichOneof("part"):
                    case "start":
                        await self._start(request.start.taken, request.start.dry_run)
                    case "belonging":
                        self._note(request.belonging)
                    case "resource":
                        answer = await self._resource(request.resource)
                        self._belongings, self._bytes = [], 0
                        if answer is not None:
                            yield answer
                    case "events":
                        await self._current.events(request.events)
                    case "file":
                        await self._current.file(request.file)
                    case "end":
                        answer, self._item = await self._current.end(), None
                        yield answer
                    case _:
                        raise malformed("a part that is not known")

    async def _start(self, taken: str, dry_run: bool) -> None:
        try:
            self._course.taken = Taken(taken or Taken.REFUSE.value)
        except ValueError as error:
            raise malformed("`taken` is skip, rename or refuse") from error
        self._course.dry = dry_run
        if not dry_run:
            await self._means.store.let_ids_be_used_again()

    @property
    def _current(self) -> Item:
        if self._item is None:
            raise malformed("a run begins with its resource")
        return self._item

    def _note(self, belonging: Belonging) -> None:
        """Something of the item that comes next."""
        self._bytes += belonging.ByteSize()
        if len(self._belongings) >= _MOST_BELONGINGS or self._bytes > _MOST_BYTES:
            raise malformed("more belongs to one item than any has")
        self._belongings.append(belonging)

    async def _resource(self, given: ImportResource) -> ImportResponse | None:
        """Take in a resource, or begin an item of which more comes: then None."""
        if self._item is not None:
            raise malformed("the item before has not ended")
        kind = BY_NAME.get(given.kind)
        if kind is None or kind not in (*IMPORTED, *_WITH_MORE):
            return ImportResponse(kind=given.kind, outcome="refused", detail="this server imports none of that kind")
        try:
            resource = kind.decode(given.resource)
        except DecodeError as error:
            raise malformed(f"the bytes of a {kind.words} are not its message") from error
        name = resource.metadata.id
        if not storable(name) or not name.startswith(f"{kind.prefix}-"):
            return Outcome("", "refused", f"it has no id of {kind.words}s").told(kind, name[:80])
        match resource:
            case AgentExecution() | WorkflowExecution():
                run = ImportedRun(self._means, self._course, resource, self._belongings)
                self._item = run
                await run.begin(given.events_digest)
            case Skill():
                skill = ImportedSkill(self._means, self._course, resource, self._belongings)
                self._item = skill
                await skill.begin()
            case _:
                return await self._plain(kind, resource)
        return None

    async def _plain(self, kind: AnyKind, resource: Resource) -> ImportResponse:
        name, belongings = resource.metadata.id, self._belongings
        catalogue, stamp = self._means.catalogues.of(kind), self._means.stamps.now()
        try:
            outcome = await self._means.store.write(
                lambda state: put_resource(state, catalogue, resource, belongings, self._course, stamp)
            )
        except StigmerError as error:
            outcome = Outcome("", "refused", error.message)
        except StoreFull as error:
            outcome = Outcome("", "refused", str(error))
        self._course.note(name, outcome)
        return outcome.told(kind, name)

    async def _abandon(self) -> None:
        """The import ended in the middle of an item: nothing of that stays."""
        item, self._item = self._item, None
        if item is not None:
            await item.abandon()
