"""Executions that a workflow starts: one for each key, seen to their end, cancelled with it."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionSpec,
    ExecutionConfig,
)
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_pb2 import ExecutionValue
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    WorkflowExecution,
    WorkflowExecutionSpec,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import (
    AwaitExecutionResponse,
    CancelChildResponse,
    StartChildExecutionRequest,
)
from stigmer_apis.errors import AlreadyExists, FailedPrecondition, NotFound, StigmerError
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.executions.commands import Commands
from stigmer_backend.executions.creation import Creation
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.pauses import Pauses
from stigmer_backend.executions.placing import LABEL
from stigmer_backend.executions.reading import Reading
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.runs import AnyExecution, RunKind, ground_of, parent_of, phase_of, run_kind
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.executions.workspace import Workspace, Workspaces
from stigmer_backend.resources.kinds import AGENTS, EXECUTIONS, WORKFLOW_EXECUTIONS
from stigmer_backend.resources.lookup import find_named
from stigmer_backend.resources.rules import SHELL_MODEL
from stigmer_backend.resources.secret_values import SHORTEST_BYTES
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import Store, StoreFull
from stigmer_backend.workflows.beginning import Beginning
from stigmer_backend.workflows.inputs import checked
from stigmer_backend.workflows.outputs import output_of

DEEPEST = 16
"""Executions that may be below each other."""
_OF_WORKFLOW = "workflow"


class Children:
    """Starts, follows and ends the children of workflow executions."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        creation: Creation,
        beginning: Beginning,
        commands: Commands,
        reading: Reading,
        workspaces: Workspaces,
        tasks: Tasks,
        options: ExecutionOptions,
        prepare_secrets: Callable[[], Awaitable[object]],
    ) -> None:
        self._store = store
        self._registry = registry
        self._creation = creation
        self._beginning = beginning
        self._commands = commands
        self._reading = reading
        self._workspaces = workspaces
        self._tasks = tasks
        self._options = options
        self._prepare_secrets = prepare_secrets

    async def start(self, parent: LiveExecution, request: StartChildExecutionRequest) -> str:
        """Start what `request` says, or find what the same key started; its id. Raises what creating it raises."""
        kind: RunKind = EXECUTIONS if request.WhichOneof("what") == "agent" else WORKFLOW_EXECUTIONS
        slug = _slug(parent.id, request.key)
        known = await self._known(kind, slug)
        if known is not None:
            return known
        self._check_depth(parent)
        meta = ApiResourceMetadata(
            name=slug,
            slug=slug,
            org=parent.execution.metadata.org,
            owner_scope=parent.execution.metadata.owner_scope or ApiResourceOwnerScope.organization,
        )
        runner = parent.execution.metadata.labels.get(LABEL)
        if runner:
            meta.labels[LABEL] = runner
        try:
            if request.HasField("agent"):
                return await self._start_agent(parent, request.agent, meta)
            return await self._start_workflow(parent, request.workflow, meta)
        except AlreadyExists:
            known = await self._known(kind, slug)
            if known is None:
                raise
            return known

    async def follow(self, parent: LiveExecution, child_id: str) -> AsyncIterator[AwaitExecutionResponse]:
        """How a child stands, now and at each change, until it has ended. Raises `NotFound` for what is no child."""
        told: AwaitExecutionResponse | None = None
        while True:
            live = self._registry.get(child_id)
            if live is None or live.ended:
                break
            if live.parent_id != parent.id:
                raise _no_child(parent.id, child_id)
            now = AwaitExecutionResponse(
                phase=live.phase, attention_count=live.glance().attention_count + live.child_attention()
            )
            if now != told:
                yield now
                told = now
                continue
            await live.changed.wait()
        yield await self._ended(parent.id, child_id)

    async def cancel(self, parent: LiveExecution, child_id: str, reason: str) -> CancelChildResponse:
        """Ask a child to end. Raises `NotFound` for what is no child."""
        if parent_of(await self._stored(child_id)) != parent.id:
            raise _no_child(parent.id, child_id)
        told = await self._commands.cancel(child_id, reason or "its workflow wants it no more", 0, _OF_WORKFLOW, "")
        return CancelChildResponse(already_ended=told.already_ended)

    # -- inner -----------------------------------------------------------------------------------------------------------

    def left(self, parent: LiveExecution) -> None:
        """A workflow execution has ended: what it leaves behind goes on only where it was completed."""
        if parent.phase == ExecutionPhase.EXECUTION_COMPLETED:
            return
        for child_id in list(parent.children):
            self._tasks.start(self._stop(child_id, f"{parent.id} has ended"), f"stop {child_id}")

    async def open(self) -> None:
        """After the start: stop what a stop of the daemon kept from being stopped with its parent."""
        for live in self._registry.all():
            if not live.parent_id or self._registry.get(live.parent_id) is not None:
                continue
            kind = run_kind(live.parent_id)
            data = await self._store.read_state(
                lambda state, one=kind, name=live.parent_id: state.data(one.table, name)
            )
            if data is None or phase_of(kind.decode(data)) != ExecutionPhase.EXECUTION_COMPLETED:
                self._tasks.start(self._stop(live.id, f"{live.parent_id} has ended"), f"stop {live.id}")

    async def _stop(self, child_id: str, reason: str) -> None:
        pauses = Pauses(self._options)
        while True:
            try:
                await self._commands.cancel(child_id, reason, 0, _OF_WORKFLOW, "")
                return
            except StoreFull:
                await pauses.next()
            except StigmerError:
                return

    async def _known(self, kind: RunKind, slug: str) -> str | None:
        return await self._store.read_state(lambda state: state.by_slug(kind.table, slug))

    def _check_depth(self, parent: LiveExecution) -> None:
        depth, above = 1, parent
        while above.parent_id:
            depth += 1
            higher = self._registry.get(above.parent_id)
            if higher is None:
                break
            above = higher
        if depth >= DEEPEST:
            raise FailedPrecondition(
                f"{parent.id} is below {depth - 1} other executions: nothing more is started below it",
                remedy="look for a workflow that runs itself without an end",
            )

    async def _start_agent(
        self, parent: LiveExecution, asked: StartChildExecutionRequest.Agent, meta: ApiResourceMetadata
    ) -> str:
        agent = await self._store.read_state(lambda state: find_named(state, AGENTS, asked.agent))
        spec = AgentExecutionSpec(
            agent_id=agent.metadata.id,
            message=asked.message if agent.spec.model == SHELL_MODEL else _message(asked),
            parent_execution_id=parent.id,
            runtime_env={
                name: ExecutionValue(value=value, is_secret=len(value.encode()) >= SHORTEST_BYTES)
                for name, value in asked.env.items()
            },
        )
        if any(value.is_secret for value in spec.runtime_env.values()):
            await self._prepare_secrets()
        if asked.model:
            spec.execution_config.CopyFrom(ExecutionConfig(model_name=asked.model))
        options = parent.execution.spec.options
        spec.options.client.CopyFrom(options.client)
        if options.HasField("policy"):
            spec.options.policy.CopyFrom(options.policy)
        wanted = AgentExecution(api_version=API_VERSION, kind=EXECUTIONS.name, metadata=meta, spec=spec)
        place = self._place(parent) if asked.share_workspace else None
        return await self._creation.create(wanted, None, _OF_WORKFLOW, within=place)

    async def _start_workflow(
        self, parent: LiveExecution, asked: StartChildExecutionRequest.Workflow, meta: ApiResourceMetadata
    ) -> str:
        document = asked.document
        if asked.name and not document and isinstance(parent.execution, WorkflowExecution):
            document = await self._beginning.document_of_child(parent.execution, asked.name)
        spec = WorkflowExecutionSpec(
            workflow_id="" if document else asked.name,
            document=document,
            trigger_message=checked(asked.input_json, "input_json") if asked.input_json else "",
            parent_execution_id=parent.id,
        )
        options = parent.execution.spec.options
        if options.ByteSize():
            spec.options.CopyFrom(options)
            spec.options.ClearField("attachments")
        wanted = WorkflowExecution(api_version=API_VERSION, kind=WORKFLOW_EXECUTIONS.name, metadata=meta, spec=spec)
        return await self._beginning.create(wanted, None, _OF_WORKFLOW)

    def _place(self, parent: LiveExecution) -> Workspace:
        """Where the parent works: to the child it is somebody else's."""
        place = self._workspaces.of_session(ground_of(parent.execution), parent.execution.spec.options.workspace)
        return Workspace(place.path, is_own=False)

    async def _stored(self, execution_id: str) -> AnyExecution:
        return await self._reading.any(execution_id)

    async def _ended(self, parent_id: str, child_id: str) -> AwaitExecutionResponse:
        execution = await self._stored(child_id)
        if parent_of(execution) != parent_id:
            raise _no_child(parent_id, child_id)
        answer = AwaitExecutionResponse(phase=phase_of(execution), error=execution.status.error, ended=True)
        if isinstance(execution, AgentExecution):
            answer.text = _last_words(execution)
        else:
            answer.output_json = await output_of(self._store, child_id)
        return answer


def _slug(parent_id: str, key: str) -> str:
    """One for each key of an execution."""
    digest = hashlib.sha256(f"{parent_id}\0{key}".encode("utf-8", "surrogateescape")).hexdigest()
    return f"{parent_id}-{digest[:16]}"


def _message(asked: StartChildExecutionRequest.Agent) -> str:
    if not asked.HasField("output_schema"):
        return asked.message
    schema = json.dumps(MessageToDict(asked.output_schema), ensure_ascii=False, indent=2)
    return f"{asked.message}\n\nAnswer with one JSON text and nothing else, neither before nor behind it. It fits this JSON schema:\n{schema}"


def _last_words(execution: AgentExecution) -> str:
    """The last message of an agent; of `shell`, which says nothing, what its last line printed."""
    for message in reversed(execution.status.messages):
        if message.type == MessageType.MESSAGE_AI and message.content:
            return message.content
    return next((call.result for call in reversed(execution.status.tool_calls) if call.result), "")


def _no_child(parent_id: str, child_id: str) -> NotFound:
    return NotFound(f"{parent_id} has started no execution {quoted(child_id)}")
