"""A run that an archive brings: its events come before its record, and all of it, or nothing, is here in the end.

Until its record is stored, a note says that its events are to be removed, which the next opening heeds.
"""

import struct
from collections.abc import Coroutine, Iterable, Sequence
from hashlib import sha256

from google.protobuf.message import DecodeError

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch
from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import Artifact
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    Belonging,
    ImportEvents,
    ImportFile,
    ImportResponse,
)
from stigmer_apis.errors import SequenceGap, StigmerError
from stigmer_apis.fold import Fold, is_terminal
from stigmer_apis.ids import Prefix
from stigmer_backend.artifacts.records import find_artifact, put_artifact
from stigmer_backend.executions.runs import AnyExecution, first_fold, run_kind, show_status
from stigmer_backend.maintenance.belongings import keep_document
from stigmer_backend.maintenance.import_course import Course, Files, Means, Outcome, Taken, malformed
from stigmer_backend.resources.executions import parents_of_run as parents_of_agent_run
from stigmer_backend.resources.executions import show_labels
from stigmer_backend.resources.kinds import SESSIONS, WORKFLOW_EXECUTIONS, WORKFLOW_INSTANCES, WORKFLOWS
from stigmer_backend.resources.listing_keys import lists_of
from stigmer_backend.resources.removal import LEAVING, Removed
from stigmer_backend.resources.secret_values import without_secrets
from stigmer_backend.resources.workflow_executions import parents_of_run as parents_of_workflow_run
from stigmer_backend.store import Append, AppendRefused, Lane, StateWrite, StoreFull, UnknownExecution, WriteRefused

_READ_BYTES = 1 << 20
_LENGTH = struct.Struct(">I")
_LATE = frozenset({"command_issued", "command_applied", "command_rejected"})
"""What may stand behind the end of a run: somebody wanted something of it, and was told that it is over."""


class ImportedRun:
    """A run that is being taken in."""

    def __init__(self, means: Means, course: Course, execution: AnyExecution, belongings: Sequence[Belonging]) -> None:
        """`belongings`: of a workflow's run, what it ran."""
        self._means = means
        self._course = course
        self._execution = execution
        self._belongings = belongings
        self._name = execution.metadata.id
        self._kind = run_kind(self._name)
        self._fold = Fold(first_fold(execution))
        self._head = 0
        self._settled: Outcome | None = None
        self._artifacts: list[Artifact] = []
        self._files = Files(means.artifacts)

    @property
    def id(self) -> str:
        """Its id here."""
        return self._execution.metadata.id

    async def begin(self, digest: bytes) -> None:
        """Look whether it can come. `digest` as `ImportResource.events_digest` says."""
        await self._remap()
        taken = await self._course.knows(self._means.store, self._kind, self._name)
        if taken:
            if digest and await self._digest() == digest:
                self._settled = Outcome(self._name, "same")
            elif self._course.taken is Taken.RENAME:
                self._execution.metadata.id = self._means.new_id(self._kind.prefix)
            else:
                skip = self._course.taken is Taken.SKIP
                words = "a run with this id and other events is there"
                self._settled = Outcome(self._name if skip else "", "skipped" if skip else "refused", words)
        if self._settled is None:
            missing = await self._missing()
            if missing:
                self._settled = Outcome("", "refused", f"its {missing} is neither here nor in the archive")
        self._fold = Fold(first_fold(self._execution))

    async def events(self, given: ImportEvents) -> None:
        """Its next events; where they cannot be taken, it is refused and the rest of the import goes on."""
        await self._refusable(self._events(given))

    async def file(self, given: ImportFile) -> None:
        """The next bytes of a file that it handed over; likewise."""
        await self._refusable(self._file(given))

    async def end(self) -> ImportResponse:
        """Store it, or say why not."""
        await self._refusable(self._store_run())
        await self._files.discard()
        outcome = self._settled or Outcome(self.id, "created" if self.id == self._name else "renamed")
        self._course.note(self._name, outcome)
        return outcome.told(self._kind, self._name)

    async def abandon(self) -> None:
        """The import ended in the middle of it: nothing of it stays."""
        self._remove()
        await self._files.discard()

    # -- inner -----------------------------------------------------------------------------------------------------------

    async def _remap(self) -> None:
        """Let what it belongs to be what that is here."""
        spec, course = self._execution.spec, self._course
        spec.callback_token = b""
        if isinstance(self._execution, AgentExecution):
            self._execution.spec.session_id = course.here(self._execution.spec.session_id)
            self._execution.spec.agent_id = course.here(self._execution.spec.agent_id)
        else:
            self._execution.spec.workflow_instance_id = course.here(self._execution.spec.workflow_instance_id)
            self._execution.spec.workflow_id = course.here(self._execution.spec.workflow_id)
            self._execution.spec.retried_from = course.here(self._execution.spec.retried_from)
        parent = "" if spec.parent_execution_id in course.refused else course.here(spec.parent_execution_id)
        known = bool(parent) and await course.knows(self._means.store, WORKFLOW_EXECUTIONS, parent)
        spec.parent_execution_id = parent if known else ""

    async def _missing(self) -> str:
        """What it belongs to and is not here, in words; empty where all is."""
        if isinstance(self._execution, AgentExecution):
            needed = [(SESSIONS, self._execution.spec.session_id)]
        else:
            spec = self._execution.spec
            named = ((WORKFLOWS, spec.workflow_id), (WORKFLOW_INSTANCES, spec.workflow_instance_id))
            needed = [(kind, name) for kind, name in named if name]
        for kind, name in needed:
            if not await self._course.knows(self._means.store, kind, name):
                return f"{kind.words} {name[:80]}"
        return ""

    async def _digest(self) -> bytes:
        """Of the events that are here; b"" where there are none."""
        found, seq = sha256(), 0
        try:
            while batches := await self._means.store.read(self._name, seq, _READ_BYTES):
                for batch in batches:
                    for event in EventBatch.FromString(batch.body).events[seq + 1 - batch.first_seq :]:
                        data = event.SerializeToString(deterministic=True)
                        found.update(_LENGTH.pack(len(data)) + data)
                    seq = batch.last_seq
        except UnknownExecution:
            return b""
        return found.digest()

    async def _refusable(self, step: Coroutine[None, None, None]) -> None:
        try:
            await step
        except StigmerError as error:
            self._refuse(error.message)
        except (StoreFull, WriteRefused, AppendRefused) as error:
            self._refuse(str(error))

    def _refuse(self, why: str) -> None:
        self._settled = Outcome("", "refused", why)
        self._remove()

    async def _events(self, given: ImportEvents) -> None:
        if self._settled is not None:
            return
        events = _decoded(given)
        if given.first_seq != self._head + 1 or (
            self._head == 0 and events[0].WhichOneof("body") != "execution_created"
        ):
            raise malformed(f"its events are not all there: {self._head + 1} is missing")
        for place, event in enumerate(events):
            if is_terminal(self._fold.phase) and event.WhichOneof("body") not in _LATE:
                raise malformed("it has events behind its end")
            try:
                self._fold.apply(given.first_seq + place, (event,))
            except SequenceGap as error:
                raise malformed("its events are not in order") from error
            if event.WhichOneof("body") == "artifact_added":
                self._artifacts.append(_artifact(self.id, event))
        if not self._course.dry:
            await self._store_events(given.body, len(events))
        self._head += len(events)

    async def _store_events(self, body: bytes, count: int) -> None:
        append = Append(self.id, Lane.EVENTS, body, count, "", 0, 0)
        if self._head:
            await self._means.store.append([append], urgent=False)
            return
        at_ns = self._means.stamps.now().at_ns

        def note(state: StateWrite) -> None:
            state.put(LEAVING, self.id, b"", created_ns=at_ns, summary=b"", expected_version=0)

        await self._means.store.create_execution(note, self.id, append)

    async def _file(self, given: ImportFile) -> None:
        if self._settled is not None or self._course.dry:
            return
        if all(artifact.hash != given.digest for artifact in self._artifacts):
            raise malformed("it has a file that none of its events names")
        await self._files.take(given)

    async def _store_run(self) -> None:
        if self._settled is not None:
            return
        if not is_terminal(self._fold.phase):
            raise malformed("it has no end: only runs that have ended are imported")
        await self._files.finish()
        if self._course.dry:
            return
        await self._means.store.settle(self.id)
        execution, fold = self._execution, self._fold.state()
        show_status(execution, fold)
        without_secrets(execution)
        summary = self._summary()
        now = self._means.stamps.now()
        created_ns = max(0, min(summary.created_unix_micros * 1000, now.at_ns))

        def commit(state: StateWrite) -> None:
            meta = execution.metadata
            if not meta.slug or state.by_slug(self._kind.table, meta.slug) is not None:
                meta.slug = meta.name = self.id
            state.put(
                self._kind.table,
                self.id,
                execution.SerializeToString(),
                slug=meta.slug,
                created_ns=created_ns,
                parents=(*_parents(execution), *lists_of(execution)),
                summary=summary.SerializeToString(),
                expected_version=0,
            )
            if self._kind is WORKFLOW_EXECUTIONS:
                keep_document(state, self.id, self._belongings, now)
            state.delete(LEAVING, self.id)
            for artifact in self._artifacts:
                if artifact.hash in self._files.whole:
                    if find_artifact(state, artifact.artifact_id) is not None:
                        artifact.artifact_id = self._means.new_id(Prefix.ARTIFACT)
                    put_artifact(state, artifact)

        await self._means.artifacts.place(self._files.whole, commit)
        self._head = 0
        self._means.board.add(self.id)
        self._means.board.end(self.id, summary)

    def _summary(self) -> ExecutionSummary:
        """Its row: what its events say, below what it belongs to here."""
        summary = self._fold.state().summary
        execution = self._execution
        summary.unseen = False
        summary.parent_execution_id = execution.spec.parent_execution_id
        if isinstance(execution, AgentExecution):
            summary.session_id, summary.agent_id = execution.spec.session_id, execution.spec.agent_id
        else:
            summary.workflow_id, summary.retried_from = execution.spec.workflow_id, execution.spec.retried_from
        show_labels(summary, execution)
        return summary

    def _remove(self) -> None:
        """Remove what was stored of it. Its id can be used again after the next `let_ids_be_used_again`."""
        if self._head and not self._course.dry:
            self._head = 0
            self._means.deletion.clean_up(Removed([self.id], [], [], []))


def _parents(execution: AnyExecution) -> Iterable[str]:
    if isinstance(execution, AgentExecution):
        return parents_of_agent_run(execution)
    return parents_of_workflow_run(execution)


def _decoded(given: ImportEvents) -> list[Event]:
    try:
        events = list(EventBatch.FromString(given.body).events)
    except DecodeError as error:
        raise malformed("its events are damaged") from error
    if not events or len(events) != given.count:
        raise malformed("its events are not as many as it says")
    return events


def _artifact(execution_id: str, event: Event) -> Artifact:
    added = event.artifact_added
    return Artifact(
        artifact_id=added.artifact_id,
        execution_id=execution_id,
        name=added.name,
        media_type=added.media_type,
        size=added.size,
        hash=added.hash,
        call_id=added.call_id,
        created_unix_micros=max(0, event.time_unix_micros),
    )
