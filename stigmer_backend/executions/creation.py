"""How an execution begins: its session, its workspace, its record, its first events, all or nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import AgentInstance
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session, SessionSpec
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, ExecutionCreated, PhaseChanged, SharedPast
from stigmer_apis.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    NotFound,
    StigmerError,
)
from stigmer_apis.fold import apply_events
from stigmer_apis.protocol import API_VERSION
from stigmer_apis.slugs import slugify
from stigmer_backend.access.principal import passed_on_by
from stigmer_backend.executions.drives import Drives
from stigmer_backend.executions.event_batches import encode_events
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.registry import Registry, first_snapshot
from stigmer_backend.executions.run_options import check_options
from stigmer_backend.executions.session_models import model_of
from stigmer_backend.executions.snapshots import LIVE
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.executions.workspace import Workspace, Workspaces
from stigmer_backend.resources.agents import agent_and_instance
from stigmer_backend.resources.catalogue import NewId
from stigmer_backend.resources.executions import parents_of_run
from stigmer_backend.resources.kinds import AGENTS, EXECUTIONS, INSTANCES, SESSIONS
from stigmer_backend.resources.listing_keys import lists_of
from stigmer_backend.resources.lookup import find, find_record
from stigmer_backend.resources.repeats import Repeatable, gone_since, made_before, remember
from stigmer_backend.resources.rules import SHELL_MODEL, check_metadata
from stigmer_backend.resources.secret_values import SecretValues
from stigmer_backend.resources.sessions import PARENT_KEY, WORKSPACE_KEY, Sessions, other_workspace
from stigmer_backend.resources.stamps import Stamp, Stamps, stamp_created
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import Append, Lane, StateRead, StateWrite, Store, StoreError

_SUBJECT_CHARACTERS = 80

CheckValues = Callable[[AgentExecution, str, str], Awaitable[None]]
"""Raises where a run of this execution, of this agent and instance, could not have its variables."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What an execution stands on."""

    agent: Agent
    instance: AgentInstance
    session: Session | None
    """The session to go on in, None for a new one."""
    session_version: int


class MadeMeanwhile(Exception):
    """The same call made the execution a moment ago, from another connection."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(execution_id)
        self.execution_id = execution_id


class Creation:
    """Makes executions."""

    def __init__(
        self,
        store: Store,
        tasks: Tasks,
        registry: Registry,
        workspaces: Workspaces,
        sessions: Sessions,
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
        self._sessions = sessions
        self._stamps = stamps
        self._new_id = new_id
        self._begin = begin
        self._secrets = secrets
        self._check_values = check_values

    async def create(
        self,
        wanted: AgentExecution,
        call: Repeatable | None,
        actor: str,
        past: SharedPast | None = None,
        within: Workspace | None = None,
    ) -> str:
        """Create an execution and return its id; the same `call` again finds what it made. `past`: of a branch, what it goes on from;
        `within`: where it works, for one that a workflow starts.

        Raises `InvalidArgument`, `NotFound`, `AlreadyExists`, `FailedPrecondition` for an agent that cannot run here, `Aborted` where its
        session was changed at the same moment, and what the store raises; then nothing was made.
        """
        made = await self._store.read_state(lambda state: _made(state, call))
        if made is not None:
            return made
        _check(wanted)
        named = wanted.spec.options.workspace
        asked = await self._workspaces.named(named) if named else within
        ground = await self._store.read_state(lambda state: _ground(state, wanted))
        _check_model(ground.agent, wanted)
        await self._check_values(wanted, ground.agent.metadata.id, ground.instance.metadata.id)
        try:
            making = self._tasks.result(self._create(wanted, call, actor, ground, asked, past), "create")
            return await asyncio.shield(making)
        except MadeMeanwhile as other:
            return other.execution_id

    async def _create(
        self,
        wanted: AgentExecution,
        call: Repeatable | None,
        actor: str,
        ground: Ground,
        asked: Workspace | None,
        past: SharedPast | None,
    ) -> str:
        stamp = self._stamps.now(actor)
        session = ground.session or self._new_session(wanted, ground)
        session_id = session.metadata.id
        workspace = self._place(session, asked)
        session.spec.metadata[WORKSPACE_KEY] = str(workspace.path)
        if ground.session is None and wanted.spec.parent_execution_id:
            session.spec.metadata[PARENT_KEY] = wanted.spec.parent_execution_id
        execution = self._execution(wanted, ground, session_id, workspace, stamp)
        if not execution.spec.execution_config.model_name and (model := model_of(session, ground.agent)):
            execution.spec.execution_config.model_name = model
        events = _first_events(execution, ground.agent, workspace, stamp, past)
        events[0].execution_created.engine = self._drives.engine
        events[0].execution_created.engine_page = self._drives.page_of(execution.metadata.id)
        live = LiveExecution(execution, stamp.at_ns, 1, first_snapshot(execution))
        live.origin = passed_on_by()
        row = first_snapshot(execution).fold
        apply_events(row, 1, events)
        summary = row.summary.SerializeToString()
        await self._workspaces.make_ready(workspace)

        kept = AgentExecution()

        def change(state: StateWrite) -> None:
            if (made := _made(state, call)) is not None:
                raise MadeMeanwhile(made)
            self._put_session(state, session, ground, stamp)
            if state.by_slug(EXECUTIONS.table, execution.metadata.slug) is not None:
                raise AlreadyExists(
                    f"there is an execution named {quoted(execution.metadata.slug)} already",
                    remedy="choose another name, or leave it empty",
                )
            kept.CopyFrom(execution)
            self._secrets.put_away(state, EXECUTIONS, None, kept, stamp.at_ns)
            state.put(
                EXECUTIONS.table,
                execution.metadata.id,
                kept.SerializeToString(),
                slug=execution.metadata.slug,
                created_ns=stamp.at_ns,
                parents=(*parents_of_run(execution), *lists_of(execution)),
                summary=summary,
                expected_version=0,
            )
            state.put(LIVE, execution.metadata.id, b"", created_ns=stamp.at_ns, summary=b"", expected_version=0)
            remember(state, call, execution.metadata.id, stamp.at_ns)

        first = Append(live.id, Lane.EVENTS, encode_events(events), len(events), "", 0, 0)
        try:
            await self._store.create_execution(change, live.id, first)
        except (StigmerError, StoreError, MadeMeanwhile):
            if ground.session is None:
                await self._workspaces.unmake(workspace)
            raise
        live.execution = kept
        live.take(1, events, len(first.body))
        self._registry.add(live)
        self._begin(live)
        return live.id

    def _new_session(self, wanted: AgentExecution, ground: Ground) -> Session:
        """A session on the agent's default instance. It is named by its id."""
        session_id = self._new_id(SESSIONS.prefix)
        return Session(
            api_version=API_VERSION,
            kind=SESSIONS.name,
            metadata=ApiResourceMetadata(
                id=session_id,
                name=session_id,
                slug=session_id,
                org=wanted.metadata.org,
                owner_scope=ApiResourceOwnerScope.organization,
            ),
            spec=SessionSpec(agent_instance_id=ground.instance.metadata.id, subject=_subject(wanted.spec.message)),
        )

    def _place(self, session: Session, asked: Workspace | None) -> Workspace:
        """Where the execution works: where its session does. Raises `FailedPrecondition` for another directory than that."""
        session_id = session.metadata.id
        kept = session.spec.metadata.get(WORKSPACE_KEY, "")
        if asked is None:
            return self._workspaces.of_session(session_id, kept)
        if kept and kept != str(asked.path):
            refusal = other_workspace(session_id, kept, str(asked.path))
            raise InvalidArgument(
                refusal.message,
                remedy=refusal.remedy,
                violations=[FieldViolation("spec.options.workspace", "stigmer.workspace.session", refusal.message)],
            )
        return asked

    def _execution(
        self, wanted: AgentExecution, ground: Ground, session_id: str, workspace: Workspace, stamp: Stamp
    ) -> AgentExecution:
        execution = AgentExecution()
        execution.CopyFrom(wanted)
        execution.ClearField("status")
        meta, spec = execution.metadata, execution.spec
        meta.id = self._new_id(EXECUTIONS.prefix)
        meta.slug = meta.slug or slugify(meta.name) or meta.id
        meta.name = meta.name or meta.slug
        spec.session_id, spec.agent_id = session_id, ground.agent.metadata.id
        if spec.options.workspace:
            spec.options.workspace = str(workspace.path)
        stamp_created(execution, stamp)
        execution.status.phase = ExecutionPhase.EXECUTION_PENDING
        return execution

    def _put_session(self, state: StateWrite, session: Session, ground: Ground, stamp: Stamp) -> None:
        """Store a new session, or the workspace that an old one has from now on."""
        if ground.session is None:
            find(state, INSTANCES, session.spec.agent_instance_id)
            stamp_created(session, stamp)
            self._sessions.put(state, session, stamp.at_ns, 0)
            return
        stored, record = find_record(state, SESSIONS, session.metadata.id)
        if record.version != ground.session_version:
            raise Aborted(f"the session {session.metadata.id} was changed at the same moment", remedy="repeat the call")
        if stored.spec.metadata.get(WORKSPACE_KEY) != session.spec.metadata[WORKSPACE_KEY]:
            self._sessions.put(state, session, record.created_ns, record.version)


def _made(state: StateRead, call: Repeatable | None) -> str | None:
    made = made_before(state, call)
    if made is not None and state.get(EXECUTIONS.table, made) is None:
        raise gone_since(EXECUTIONS.words, made)
    return made


def _check(wanted: AgentExecution) -> None:
    """The rules of a spec that need no look at the state."""
    check_metadata(wanted.metadata)
    if not wanted.spec.message:
        raise InvalidArgument(
            "the execution has no message",
            remedy="say in spec.message what it shall do",
            violations=[FieldViolation("spec.message", "string.min_len", "value length must be at least 1 characters")],
        )
    check_options(wanted.spec.options)


def _ground(state: StateRead, wanted: AgentExecution) -> Ground:
    """Session, instance and agent of an execution; `agent_id` may be that of an instance. Raises `NotFound`, `InvalidArgument`."""
    spec = wanted.spec
    if not spec.session_id and not spec.agent_id:
        raise InvalidArgument(
            "the execution names neither a session nor an agent",
            remedy="set spec.session_id to go on in a session, or spec.agent_id for a new one",
            violations=[FieldViolation("spec.agent_id", "stigmer.execution.target", "or spec.session_id must be set")],
        )
    if not spec.session_id:
        return Ground(*agent_and_instance(state, spec.agent_id), None, 0)
    session, record = find_record(state, SESSIONS, spec.session_id)
    instance = find(state, INSTANCES, session.spec.agent_instance_id)
    agent = find(state, AGENTS, instance.spec.agent_id)
    if spec.agent_id and spec.agent_id not in (agent.metadata.id, instance.metadata.id):
        if (lines := _own_lines(state, spec.agent_id)) is not None:
            return Ground(*lines, session, record.version)
        raise InvalidArgument(
            f"the session {spec.session_id} is one of the agent {quoted(agent.metadata.name)}, not of {quoted(spec.agent_id)}",
            remedy="leave spec.agent_id empty to go on in the session",
            violations=[FieldViolation("spec.agent_id", "stigmer.execution.agent", "must be the session's agent")],
        )
    return Ground(agent, instance, session, record.version)


def _own_lines(state: StateRead, wanted: str) -> tuple[Agent, AgentInstance] | None:
    """The agent `shell`, where that is who is `wanted`: a person's own lines go on in any session, whoever else works in it."""
    try:
        agent, instance = agent_and_instance(state, wanted)
    except NotFound:
        return None
    return (agent, instance) if agent.spec.model == SHELL_MODEL else None


def _check_model(agent: Agent, wanted: AgentExecution) -> None:
    """The model `shell` is the built-in agent's, and that agent has no other."""
    model = wanted.spec.execution_config.model_name or agent.spec.model
    if (model == SHELL_MODEL) != (agent.spec.model == SHELL_MODEL):
        raise FailedPrecondition(
            f"the agent {quoted(agent.metadata.name)} cannot work with the model {quoted(model)}",
            remedy="the model `shell`, which runs command lines, is that of the built-in agent `shell` alone",
        )


def _first_events(
    execution: AgentExecution, agent: Agent, workspace: Workspace, stamp: Stamp, past: SharedPast | None
) -> list[Event]:
    created = ExecutionCreated(
        agent_name=agent.metadata.name,
        session_id=execution.spec.session_id,
        message=execution.spec.message,
        workspace=str(workspace.path),
        author=stamp.actor,
        shared_past=past,
        parent_execution_id=execution.spec.parent_execution_id,
    )
    pending = PhaseChanged(phase=ExecutionPhase.EXECUTION_PENDING)
    return [
        Event(time_unix_micros=stamp.micros, execution_created=created),
        Event(time_unix_micros=stamp.micros, phase_changed=pending),
    ]


def _subject(message: str) -> str:
    """The first line of a message that says something, as far as a row shows it."""
    lines = (line.strip() for line in message.splitlines())
    return next((line for line in lines if line), "")[:_SUBJECT_CHARACTERS]
