"""How an execution of a workflow begins: what it runs, its record, its first events, all or nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import (
    ExecutionPhase as WorkflowPhase,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflowinstance.v1.workflow_instance_pb2 import WorkflowInstance
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, ExecutionCreated, PhaseChanged
from stigmer_apis.errors import AlreadyExists, FailedPrecondition, FieldViolation, InvalidArgument
from stigmer_apis.fold import apply_events
from stigmer_apis.slugs import slugify
from stigmer_backend.access.principal import passed_on_by
from stigmer_backend.executions.creation import MadeMeanwhile
from stigmer_backend.executions.drives import Drives
from stigmer_backend.executions.event_batches import encode_events
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.registry import Registry, first_snapshot
from stigmer_backend.executions.run_documents import packed
from stigmer_backend.executions.run_options import check_options
from stigmer_backend.executions.snapshots import LIVE
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.executions.workspace import Workspaces
from stigmer_backend.resources.catalogue import NewId
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS, WORKFLOW_INSTANCES, WORKFLOWS
from stigmer_backend.resources.listing_keys import lists_of
from stigmer_backend.resources.lookup import find_named, named_id
from stigmer_backend.resources.removal import RUN_DOCUMENTS
from stigmer_backend.resources.repeats import Repeatable, gone_since, made_before, remember
from stigmer_backend.resources.rules import check_metadata, check_variables, refuse
from stigmer_backend.resources.secret_values import SecretValues
from stigmer_backend.resources.stamps import Stamps, stamp_created
from stigmer_backend.resources.text import quoted
from stigmer_backend.resources.workflow_executions import parents_of_run
from stigmer_backend.resources.workflow_tasks import document_calls
from stigmer_backend.store import Append, Lane, StateRead, StateWrite, Store
from stigmer_backend.workflows.documents import Document, Documents
from stigmer_backend.workflows.going_on import Going
from stigmer_backend.workflows.inputs import input_of, shown

_LARGE_CHARACTERS = 64 << 10
_SUBJECT_CHARACTERS = 80

CheckValues = Callable[[WorkflowExecution], Awaitable[None]]
"""Raises where a run could not have its variables."""


@dataclass(frozen=True, slots=True)
class Also:
    """What else is done with the beginning of an execution."""

    in_transaction: Callable[[StateWrite, str], None]
    """In the transaction that stores it; it is given the execution's id. What it raises, nothing is made."""


class Beginning:
    """Makes executions of workflows."""

    def __init__(
        self,
        store: Store,
        tasks: Tasks,
        registry: Registry,
        workspaces: Workspaces,
        documents: Documents,
        stamps: Stamps,
        new_id: NewId,
        begin: Callable[[LiveExecution], None],
        secrets: SecretValues,
        check_values: CheckValues,
        drives: Drives,
    ) -> None:
        self._store = store
        self._drives = drives
        self._tasks = tasks
        self._registry = registry
        self._workspaces = workspaces
        self._documents = documents
        self._stamps = stamps
        self._new_id = new_id
        self._begin = begin
        self._secrets = secrets
        self._check_values = check_values

    async def create(
        self,
        wanted: WorkflowExecution,
        call: Repeatable | None,
        actor: str,
        also: Also | None = None,
        going: Going | None = None,
    ) -> str:
        """Create an execution and return its id; the same `call` again finds what it made. With `going` it goes on where another one failed.

        Raises `InvalidArgument`, `NotFound`, `AlreadyExists`, `FailedPrecondition` for a stored workflow that cannot be run any more, and
        what the store raises; then nothing was made.
        """
        made = await self._store.read_state(lambda state: _made(state, call))
        if made is not None:
            return made
        _check(wanted)
        asked = WorkflowExecution()
        asked.CopyFrom(wanted)
        spec = asked.spec
        if spec.options.workspace:
            spec.options.workspace = str((await self._workspaces.named(spec.options.workspace)).path)
        workflow = await self._store.read_state(lambda state: _settled(state, asked))
        if going is not None:
            document = await self._documents.of_run(going.granted)
        elif spec.document:
            document = await self._documents.of_text(spec.document, "spec.document")
            await self._store.read_state(lambda state: _check_calls(state, document))
        else:
            assert workflow is not None
            document = await self._documents.of_spec(workflow.spec)
        large = len(spec.trigger_message) + spec.input.ByteSize() > _LARGE_CHARACTERS
        if going is not None:
            given = going.granted.input_json
        else:
            given = await asyncio.to_thread(input_of, spec) if large else input_of(spec)
        await self._check_values(asked)
        name = workflow.metadata.name if workflow is not None else document.name
        try:
            making = self._create(asked, document, name, given, call, actor, also, going)
            return await asyncio.shield(self._tasks.result(making, "create"))
        except MadeMeanwhile as other:
            return other.execution_id

    async def document_of_child(self, parent: WorkflowExecution, name: str) -> str:
        """What stands beside the document of a run under a name, to be run by it; empty where nothing does."""
        return await self._documents.beginning_with(parent.spec.document, name) if parent.spec.document else ""

    async def _create(
        self,
        asked: WorkflowExecution,
        document: Document,
        name: str,
        given: str,
        call: Repeatable | None,
        actor: str,
        also: Also | None,
        going: Going | None,
    ) -> str:
        stamp = self._stamps.now(actor)
        execution = asked
        execution.ClearField("status")
        meta, spec = execution.metadata, execution.spec
        meta.id = self._new_id(WORKFLOW_EXECUTIONS.prefix)
        meta.slug = meta.slug or slugify(meta.name) or meta.id
        meta.name = meta.name or meta.slug
        stamp_created(execution, stamp)
        execution.status.phase = WorkflowPhase.EXECUTION_PENDING
        workspace = spec.options.workspace or str(self._workspaces.own(meta.id).path)
        created = ExecutionCreated(
            message=_subject(spec.trigger_message, given),
            workspace=workspace,
            author=stamp.actor,
            workflow_id=spec.workflow_id,
            workflow_name=name,
            input=shown(given),
            parent_execution_id=spec.parent_execution_id,
            retried_from=spec.retried_from,
            engine=self._drives.engine,
            engine_page=self._drives.page_of(meta.id),
            goes_on_at=going.resumption.begins if going is not None else (),
            context=going.resumption.context if going is not None else None,
        )
        events = [
            Event(time_unix_micros=stamp.micros, execution_created=created),
            Event(
                time_unix_micros=stamp.micros,
                phase_changed=PhaseChanged(phase=ExecutionPhase.EXECUTION_PENDING),
            ),
            *(going.events(spec.retried_from, stamp.micros) if going is not None else ()),
        ]
        live = LiveExecution(execution, stamp.at_ns, 1, first_snapshot(execution))
        live.origin = passed_on_by()
        row = first_snapshot(execution).fold
        apply_events(row, 1, events)
        summary = row.summary.SerializeToString()
        carried = going.resumption.carried_json if going is not None else ""
        kept = WorkflowExecution()
        runs = packed(document.json, given, published=document.published, carried_json=carried)

        def change(state: StateWrite) -> None:
            if (made := _made(state, call)) is not None:
                raise MadeMeanwhile(made)
            if state.by_slug(WORKFLOW_EXECUTIONS.table, meta.slug) is not None:
                raise AlreadyExists(
                    f"there is an execution named {quoted(meta.slug)} already",
                    remedy="choose another name, or leave it empty",
                )
            _settled(state, execution)
            kept.CopyFrom(execution)
            self._secrets.put_away(state, WORKFLOW_EXECUTIONS, None, kept, stamp.at_ns)
            state.put(
                WORKFLOW_EXECUTIONS.table,
                meta.id,
                kept.SerializeToString(),
                slug=meta.slug,
                created_ns=stamp.at_ns,
                parents=(*parents_of_run(execution), *lists_of(execution)),
                summary=summary,
                expected_version=0,
            )
            state.put(RUN_DOCUMENTS, meta.id, runs, created_ns=stamp.at_ns, summary=b"", expected_version=0)
            state.put(LIVE, meta.id, b"", created_ns=stamp.at_ns, summary=b"", expected_version=0)
            remember(state, call, meta.id, stamp.at_ns)
            if also is not None:
                also.in_transaction(state, meta.id)

        first = Append(live.id, Lane.EVENTS, encode_events(events), len(events), "", 0, 0)
        if going is None or spec.options.workspace:
            await self._store.create_execution(change, live.id, first)
        else:
            await self._create_beside(change, first, spec.retried_from)
        live.execution = kept
        live.take(1, events, len(first.body))
        self._registry.add(live)
        self._begin(live)
        return live.id

    async def _create_beside(self, change: Callable[[StateWrite], None], first: Append, before: str) -> None:
        """Create an execution whose own directory begins as that of the one before it is now."""
        own = self._workspaces.own(first.execution)
        await self._workspaces.copy(self._workspaces.own(before), own)
        try:
            await self._store.create_execution(change, first.execution, first)
        except BaseException:
            await self._workspaces.delete_own([first.execution])
            raise


def _made(state: StateRead, call: Repeatable | None) -> str | None:
    made = made_before(state, call)
    if made is not None and state.get(WORKFLOW_EXECUTIONS.table, made) is None:
        raise gone_since(WORKFLOW_EXECUTIONS.words, made)
    return made


def _check(wanted: WorkflowExecution) -> None:
    """The rules of a spec that need no look at the state."""
    check_metadata(wanted.metadata)
    spec = wanted.spec
    if not (spec.document or spec.workflow_id or spec.workflow_instance_id):
        raise InvalidArgument(
            "the execution names neither a workflow instance nor a workflow",
            remedy="set spec.workflow_id, spec.workflow_instance_id, or give a whole document in spec.document",
            violations=[
                FieldViolation(
                    "spec.workflow_id", "stigmer.execution.target", "or spec.workflow_instance_id must be set"
                )
            ],
        )
    check_options(spec.options)
    refuse("execution", wanted.metadata, list(check_variables("spec.runtime_env", spec.runtime_env)))


def _check_calls(state: StateRead, document: Document) -> None:
    """Everything that a document calls and runs by name has to be there before it begins. Raises `FailedPrecondition`."""
    missing = {
        f"the {call.kind.words} {quoted(call.slug)}"
        for each in (document.workflow, *document.others)
        for call in document_calls(each)
        if not (call.kind is WORKFLOWS and document.holds(call.slug)) and named_id(state, call.kind, call.slug) is None
    }
    if missing:
        names = sorted(missing)
        more = [f"{len(names) - 3} more"] if len(names) > 3 else []
        raise FailedPrecondition(
            f"the document calls {' and '.join(names[:3] + more)}, and nothing of that name is stored",
            remedy="`stigmer apply -f FILE` stores what a file describes; a workflow may also stand behind the document in the same file, after `---`",
        )


def _settled(state: StateRead, asked: WorkflowExecution) -> Workflow | None:
    """Put ids where `asked` gives names, and return its workflow; None for a document alone. Raises `NotFound`, `InvalidArgument`."""
    spec = asked.spec
    instance: WorkflowInstance | None = None
    if spec.workflow_instance_id:
        instance = find_named(state, WORKFLOW_INSTANCES, spec.workflow_instance_id)
        spec.workflow_instance_id = instance.metadata.id
    if not spec.workflow_id and instance is None:
        return None
    workflow = find_named(state, WORKFLOWS, spec.workflow_id or (instance.spec.workflow_id if instance else ""))
    spec.workflow_id = workflow.metadata.id
    if instance is None:
        spec.workflow_instance_id = workflow.status.default_instance_id
    elif instance.spec.workflow_id != workflow.metadata.id:
        raise InvalidArgument(
            f"the workflow instance {quoted(instance.metadata.name)} is one of another workflow",
            remedy="leave spec.workflow_id empty to run the instance",
            violations=[FieldViolation("spec.workflow_id", "stigmer.execution.workflow", "must be the instance's")],
        )
    return workflow


def _subject(said: str, given: str) -> str:
    """What a row shows of the input."""
    text = said or ("" if given == "null" else given)
    lines = (line.strip() for line in text[:4096].splitlines())
    return next((line for line in lines if line), "")[:_SUBJECT_CHARACTERS]
