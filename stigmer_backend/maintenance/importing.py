"""What an archive brings into a store: resources one by one, runs with their events and files, each whole or not at all.

A run's events come before its record: until that is stored, a note says that they are to be removed, which the next opening heeds.
"""

import asyncio
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256

from google.protobuf.message import DecodeError

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import AgentInstance
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch
from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import Artifact
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    ImportEvents,
    ImportFile,
    ImportRequest,
    ImportResource,
    ImportResponse,
)
from stigmer_apis.errors import InvalidArgument, StigmerError
from stigmer_apis.fold import apply_events, empty_fold, is_terminal, published_status
from stigmer_apis.ids import Prefix
from stigmer_backend.artifacts.files import Incoming
from stigmer_backend.artifacts.keeping import Artifacts
from stigmer_backend.artifacts.records import find_artifact, put_artifact
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.deletion import Deletion
from stigmer_backend.maintenance.importing_resources import IMPORTED, Outcome, Taken, put_resource
from stigmer_backend.resources.catalogues import Catalogues
from stigmer_backend.resources.executions import show_labels
from stigmer_backend.resources.kinds import BY_NAME, EXECUTIONS, SESSIONS
from stigmer_backend.resources.listing_keys import lists_of
from stigmer_backend.resources.lookup import storable
from stigmer_backend.resources.removal import LEAVING, Removed
from stigmer_backend.resources.secret_values import without_secrets
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.store import (
    Append,
    AppendRefused,
    Lane,
    StateWrite,
    Store,
    StoreFull,
    UnknownExecution,
    WriteRefused,
)

_READ_BYTES = 1 << 20
_LENGTH = struct.Struct(">I")


@dataclass(slots=True)
class _Run:
    """A run that is being taken in."""

    execution: AgentExecution
    name: str
    """Its id in the archive."""
    fold: FoldState
    head: int = 0
    settled: Outcome | None = None
    """What became of it already; what still comes is left out."""
    artifacts: list[Artifact] = field(default_factory=list[Artifact])
    files: dict[str, Incoming] = field(default_factory=dict[str, Incoming])
    receiving: tuple[str, Incoming] | None = None

    @property
    def id(self) -> str:
        """Its id here."""
        return self.execution.metadata.id


class Importing:
    """One import. `answers` gives what became of each item."""

    def __init__(
        self,
        store: Store,
        catalogues: Catalogues,
        artifacts: Artifacts,
        deletion: Deletion,
        board: Board,
        stamps: Stamps,
        new_id: Callable[[str], str],
    ) -> None:
        self._store = store
        self._catalogues = catalogues
        self._artifacts = artifacts
        self._deletion = deletion
        self._board = board
        self._stamps = stamps
        self._new = new_id
        self._ids: dict[str, str] = {}
        self._taken = Taken.REFUSE
        self._dry = False
        self._run: _Run | None = None

    async def answers(self, requests: AsyncIterator[ImportRequest]) -> AsyncGenerator[ImportResponse]:
        """Take in what `requests` bring. Raises `InvalidArgument` for what is no import; items that cannot be taken are answered."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._abandon)
            async for request in requests:
                match request.WhichOneof("part"):
                    case "start":
                        await self._start(request.start.taken, request.start.dry_run)
                    case "resource":
                        answer = await self._resource(request.resource)
                        if answer is not None:
                            yield answer
                    case "events":
                        await self._refusable(self._events(self._current, request.events))
                    case "file":
                        await self._refusable(self._file(self._current, request.file))
                    case "end":
                        yield await self._end(self._current)
                    case _:
                        raise _malformed("a part that is not known")

    async def _start(self, taken: str, dry_run: bool) -> None:
        try:
            self._taken = Taken(taken or Taken.REFUSE.value)
        except ValueError as error:
            raise _malformed("`taken` is skip, rename or refuse") from error
        self._dry = dry_run
        if not dry_run:
            await self._store.let_ids_be_used_again()

    @property
    def _current(self) -> _Run:
        if self._run is None:
            raise _malformed("a run begins with its resource")
        return self._run

    # -- resources -------------------------------------------------------------------------------------------------------

    async def _resource(self, given: ImportResource) -> ImportResponse | None:
        """Take in a resource; of a run, begin it. None where more has to come."""
        if self._run is not None:
            raise _malformed("the run before has not ended")
        kind = BY_NAME.get(given.kind)
        if kind is None or (kind is not EXECUTIONS and kind not in IMPORTED):
            return ImportResponse(kind=given.kind, outcome="refused", detail="this server imports none of that kind")
        try:
            resource = kind.decode(given.resource)
        except DecodeError as error:
            raise _malformed(f"the bytes of a {kind.words} are not its message") from error
        name = resource.metadata.id
        if not storable(name) or not name.startswith(f"{kind.prefix}-"):
            return ImportResponse(
                kind=kind.name, name=name[:80], outcome="refused", detail=f"it has no id of {kind.words}s"
            )
        if isinstance(resource, AgentExecution):
            self._run = await self._begin(resource, given.events_digest)
            return None
        self._remap(resource)
        catalogue, stamp = self._catalogues.of(kind), self._stamps.now()

        try:
            outcome = await self._store.write(
                lambda state: put_resource(state, catalogue, resource, self._taken, stamp, dry_run=self._dry)
            )
        except StigmerError as error:
            outcome = Outcome(name, "refused", error.message)
        except StoreFull as error:
            outcome = Outcome(name, "refused", str(error))
        if outcome.id:
            self._ids[name] = outcome.id
        return ImportResponse(kind=kind.name, name=name, id=outcome.id, outcome=outcome.word, detail=outcome.detail)

    def _remap(self, resource: object) -> None:
        """Let what `resource` belongs to be what that is here."""

        def here(name: str) -> str:
            return self._ids.get(name, name)

        match resource:
            case AgentInstance():
                resource.spec.agent_id = here(resource.spec.agent_id)
            case Session():
                resource.spec.agent_instance_id = here(resource.spec.agent_instance_id)
            case AgentExecution():
                resource.spec.session_id = here(resource.spec.session_id)
                resource.spec.agent_id = here(resource.spec.agent_id)
            case _:
                pass

    # -- runs ------------------------------------------------------------------------------------------------------------

    async def _begin(self, execution: AgentExecution, digest: bytes) -> _Run:
        name = execution.metadata.id
        self._remap(execution)
        run = _Run(execution, name, empty_fold(name))
        there = await self._store.read_state(lambda state: state.get(EXECUTIONS.table, name) is not None)
        if there:
            if digest and await self._digest(name) == digest:
                run.settled = Outcome(name, "same")
            elif self._taken is Taken.RENAME:
                execution.metadata.id = self._new(EXECUTIONS.prefix)
                run.fold = empty_fold(run.id)
            else:
                word = "skipped" if self._taken is Taken.SKIP else "refused"
                run.settled = Outcome(name, word, "a run with this id and other events is there")
        if run.settled is None:
            session = execution.spec.session_id
            known = await self._store.read_state(lambda state: state.get(SESSIONS.table, session) is not None)
            if not known and not (self._dry and session in self._ids.values()):
                run.settled = Outcome("", "refused", f"its session {session[:80]} is neither here nor in the archive")
        run.fold.summary.agent_id = execution.spec.agent_id
        return run

    async def _digest(self, execution_id: str) -> bytes:
        """As `ImportResource.events_digest` says; b"" where there are none."""
        found, seq = sha256(), 0
        try:
            while batches := await self._store.read(execution_id, seq, _READ_BYTES):
                for batch in batches:
                    for event in EventBatch.FromString(batch.body).events[seq + 1 - batch.first_seq :]:
                        data = event.SerializeToString(deterministic=True)
                        found.update(_LENGTH.pack(len(data)) + data)
                    seq = batch.last_seq
        except UnknownExecution:
            return b""
        return found.digest()

    async def _refusable(self, step: Coroutine[None, None, None]) -> None:
        """Do a step of a run; where it cannot be done, the run is refused and the rest of the import goes on."""
        run = self._current
        try:
            await step
        except StigmerError as error:
            run.settled = Outcome("", "refused", error.message)
            await self._remove(run)
        except (StoreFull, WriteRefused, AppendRefused) as error:
            run.settled = Outcome("", "refused", str(error))
            await self._remove(run)

    async def _events(self, run: _Run, given: ImportEvents) -> None:
        if run.settled is not None:
            return
        events = _decoded(given)
        if given.first_seq != run.head + 1 or (run.head == 0 and events[0].WhichOneof("body") != "execution_created"):
            raise _malformed(f"its events are not all there: {run.head + 1} is missing")
        for place, event in enumerate(events):
            if is_terminal(run.fold.summary.phase):
                raise _malformed("it has events behind its end")
            apply_events(run.fold, given.first_seq + place, (event,))
            if event.WhichOneof("body") == "artifact_added":
                run.artifacts.append(_artifact(run, event))
        if not self._dry:
            await self._store_events(run, given.body, len(events))
        run.head += len(events)

    async def _store_events(self, run: _Run, body: bytes, count: int) -> None:
        append = Append(run.id, Lane.EVENTS, body, count, "", 0, 0)
        if run.head:
            await self._store.append([append], urgent=False)
            return
        at_ns = self._stamps.now().at_ns

        def note(state: StateWrite) -> None:
            state.put(LEAVING, run.id, b"", created_ns=at_ns, summary=b"", expected_version=0)

        await self._store.create_execution(note, run.id, append)

    async def _file(self, run: _Run, given: ImportFile) -> None:
        if run.settled is not None or self._dry:
            return
        if given.digest in run.files or all(artifact.hash != given.digest for artifact in run.artifacts):
            raise _malformed("it has a file that none of its events names")
        if run.receiving is None or run.receiving[0] != given.digest:
            await self._received(run)
            run.receiving = given.digest, await asyncio.to_thread(self._artifacts.incoming().open)
        await asyncio.to_thread(run.receiving[1].write, given.data)

    async def _received(self, run: _Run) -> None:
        """The file that was being received is whole. Raises `InvalidArgument` where it is not what it should be."""
        if run.receiving is None:
            return
        digest, incoming = run.receiving
        run.receiving, run.files[digest] = None, incoming
        if await asyncio.to_thread(incoming.sync) != digest:
            raise _malformed("a file of it is not what its events say")

    async def _end(self, run: _Run) -> ImportResponse:
        await self._refusable(self._store_run(run))
        self._run = None
        await self._discard(run)
        outcome = run.settled or Outcome(run.id, "created" if run.id == run.name else "renamed")
        return ImportResponse(
            kind=EXECUTIONS.name, name=run.name, id=outcome.id, outcome=outcome.word, detail=outcome.detail
        )

    async def _store_run(self, run: _Run) -> None:
        if run.settled is not None:
            return
        if not is_terminal(run.fold.summary.phase):
            raise _malformed("it has no end: only runs that have ended are imported")
        await self._received(run)
        if self._dry:
            return
        await self._store.settle(run.id)
        execution = run.execution
        audit = execution.status.audit
        execution.ClearField("status")
        execution.status.CopyFrom(published_status(run.fold))
        execution.status.audit.CopyFrom(audit)
        without_secrets(execution)
        summary = run.fold.summary
        summary.unseen = False
        show_labels(summary, execution)
        created_ns = min(summary.created_unix_micros * 1000, self._stamps.now().at_ns)

        def commit(state: StateWrite) -> None:
            slug = execution.metadata.slug
            if not slug or state.by_slug(EXECUTIONS.table, slug) is not None:
                execution.metadata.slug = execution.metadata.name = run.id
            spec = execution.spec
            state.put(
                EXECUTIONS.table,
                run.id,
                execution.SerializeToString(),
                slug=execution.metadata.slug,
                created_ns=max(0, created_ns),
                parents=(*(name for name in (spec.session_id, spec.agent_id) if name), *lists_of(execution)),
                summary=summary.SerializeToString(),
                expected_version=0,
            )
            state.delete(LEAVING, run.id)
            for artifact in run.artifacts:
                if artifact.hash in run.files:
                    if find_artifact(state, artifact.artifact_id) is not None:
                        artifact.artifact_id = self._new(Prefix.ARTIFACT)
                    put_artifact(state, artifact)

        await self._artifacts.place(run.files, commit)
        self._board.add(run.id)
        self._board.end(run.id, summary)

    async def _abandon(self) -> None:
        """The import ended in the middle of a run: nothing of that stays."""
        run, self._run = self._run, None
        if run is not None:
            await self._remove(run)
            await self._discard(run)

    async def _remove(self, run: _Run) -> None:
        """Remove what was stored of a run. Its id can be used again after the next `let_ids_be_used_again`."""
        if run.head and not self._dry:
            run.head = 0
            self._deletion.follow(Removed([run.id], [], [], []))

    async def _discard(self, run: _Run) -> None:
        incoming = [*run.files.values(), *([run.receiving[1]] if run.receiving is not None else [])]
        for one in incoming:
            await asyncio.to_thread(one.discard)


def _decoded(given: ImportEvents) -> list[Event]:
    try:
        events = list(EventBatch.FromString(given.body).events)
    except DecodeError as error:
        raise _malformed("its events are damaged") from error
    if not events or len(events) != given.count:
        raise _malformed("its events are not as many as it says")
    return events


def _artifact(run: _Run, event: Event) -> Artifact:
    added = event.artifact_added
    return Artifact(
        artifact_id=added.artifact_id,
        execution_id=run.id,
        name=added.name,
        media_type=added.media_type,
        size=added.size,
        hash=added.hash,
        call_id=added.call_id,
        created_unix_micros=max(0, event.time_unix_micros),
    )


def _malformed(what: str) -> InvalidArgument:
    return InvalidArgument(f"the import is not understood: {what}", remedy="export the archive again")
