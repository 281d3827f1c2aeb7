"""Branches: a new session that shares the past of another up to a message, and an execution in it. Both stay."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import MessageType
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session, SessionSpec
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, SharedMessage, SharedPast
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import ReadSessionMemoryResponse
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import BranchRequest, BranchResponse
from stigmer_apis.errors import InvalidArgument
from stigmer_apis.fold import Fold, empty_fold, published_status
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.executions.creation import Creation
from stigmer_backend.executions.event_batches import decode_events
from stigmer_backend.executions.memory import as_memory, keep_past, remembered
from stigmer_backend.executions.workspace import Workspaces
from stigmer_backend.resources.catalogue import NewId
from stigmer_backend.resources.kinds import EXECUTIONS, SESSIONS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.repeats import Repeatable, made_before
from stigmer_backend.resources.sessions import WORKSPACE_KEY, Sessions
from stigmer_backend.resources.stamps import Stamps, stamp_created
from stigmer_backend.store import Lane, StateRead, StateWrite, Store

_READ_BYTES = 1 << 20
_SHOWN = 20
"""Messages of the shared past that the branch itself tells."""
_SHOWN_CHARACTERS = 500
"""Of each."""


@dataclass(slots=True)
class Asked:
    """A message of a person in an execution."""

    seq: int
    """Where it begins."""
    message_id: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Fork:
    """Where the two ways part."""

    past: AgentExecution
    """The execution, with a status as of the last message that both share."""
    text: str
    """What the new execution is asked."""


class Branching:
    """Makes branches."""

    def __init__(
        self,
        store: Store,
        creation: Creation,
        sessions: Sessions,
        workspaces: Workspaces,
        stamps: Stamps,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._creation = creation
        self._sessions = sessions
        self._workspaces = workspaces
        self._stamps = stamps
        self._new_id = new_id

    async def branch(self, request: BranchRequest, call: Repeatable | None, actor: str) -> BranchResponse:
        """Make a branch; the same `call` again finds what it made.

        Raises `NotFound`; `InvalidArgument` for a message that there is not; what the store raises.
        """
        made = await self._store.read_state(lambda state: made_before(state, call))
        if made is not None:
            execution = await self._store.read_state(lambda state: find(state, EXECUTIONS, made))
            return BranchResponse(session_id=execution.spec.session_id, execution_id=made)
        source = await self._store.read_state(lambda state: find(state, EXECUTIONS, request.execution_id))
        fork = await self._fork(source, request)
        session = await self._session(source, fork)
        wanted = wanted_again(source, session.metadata.id, fork.text, request.model)
        past = told_of(fork.past, request.message_id if request.text else "")
        execution_id = await self._creation.create(wanted, call, actor, past)
        return BranchResponse(session_id=session.metadata.id, execution_id=execution_id)

    async def _fork(self, source: AgentExecution, request: BranchRequest) -> Fork:
        """Fold the source's events up to the shared past's end."""
        fold = Fold(empty_fold(source.metadata.id))
        found = not request.message_id
        asked_at: list[Asked] = []
        seq = 0
        async for event in events_of(self._store, source.metadata.id):
            seq += 1
            note_asked(event, seq, asked_at)
            if found and request.message_id and event.HasField("message_started") and not event.sub_agent_id:
                break
            fold.apply(seq, [event])
            completed = event.message_completed.message_id if event.HasField("message_completed") else ""
            found = found or (bool(completed) and completed == request.message_id)
        if not found:
            raise InvalidArgument(
                f"{source.metadata.id} has no message {request.message_id}",
                remedy="see its messages: `stigmer logs ID --json`",
            )
        text = request.text
        if not text:
            if not asked_at:
                raise InvalidArgument(
                    "nobody has said anything in the shared past", remedy="say what the branch is to do"
                )
            return await fork_before(self._store, source, asked_at[-1])
        return Fork(_as_of(source, fold), text)

    async def _session(self, source: AgentExecution, fork: Fork) -> Session:
        """Make the session: its past, and its workspace, a copy where the other was the session's own."""
        session_id, stamp = self._new_id(SESSIONS.prefix), self._stamps.now()
        old = await self._store.read_state(lambda state: find(state, SESSIONS, source.spec.session_id))
        kept = old.spec.metadata.get(WORKSPACE_KEY, "")
        workspace = self._workspaces.of_session(old.metadata.id, kept)
        fresh = self._workspaces.own(session_id) if workspace.is_own else workspace
        if workspace.is_own:
            await self._workspaces.copy(workspace, fresh)
        session = Session(
            api_version=API_VERSION,
            kind=SESSIONS.name,
            metadata=ApiResourceMetadata(
                id=session_id,
                name=session_id,
                slug=session_id,
                org=old.metadata.org,
                owner_scope=ApiResourceOwnerScope.organization,
            ),
            spec=SessionSpec(agent_instance_id=old.spec.agent_instance_id, subject=old.spec.subject),
        )
        session.spec.metadata[WORKSPACE_KEY] = str(fresh.path)

        def change(state: StateWrite) -> None:
            stamp_created(session, stamp)
            self._sessions.put(state, session, stamp.at_ns, 0)
            keep_past(state, session_id, shared_by(state, source, fork), stamp.at_ns)

        await self._store.write(change)
        return session


async def events_of(store: Store, execution_id: str) -> AsyncIterator[Event]:
    """The events of an execution, from the first one on."""
    after = 0
    while batches := await store.read(execution_id, after, _READ_BYTES, Lane.EVENTS):
        for batch in batches:
            events = decode_events(batch.body)
            for number, event in enumerate(events, batch.first_seq):
                if number > after:
                    yield event
            after = batch.first_seq + len(events) - 1


async def fork_before(store: Store, source: AgentExecution, asked: Asked) -> Fork:
    """The past of `source` before a person's message, which is asked again."""
    fold = Fold(empty_fold(source.metadata.id))
    seq = 0
    async for event in events_of(store, source.metadata.id):
        seq += 1
        if seq >= asked.seq:
            break
        fold.apply(seq, [event])
    return Fork(_as_of(source, fold), asked.text)


def _as_of(source: AgentExecution, fold: Fold) -> AgentExecution:
    past = AgentExecution()
    past.CopyFrom(source)
    past.status.CopyFrom(published_status(fold.state()))
    return past


def shared_by(state: StateRead, source: AgentExecution, fork: Fork) -> Sequence[ReadSessionMemoryResponse]:
    """What both sessions remember."""
    record = state.get(EXECUTIONS.table, source.metadata.id)
    created = record.created_ns if record is not None else 0
    before = [
        told
        for told in remembered(state, source.spec.session_id, source.metadata.id)
        if (older := state.get(EXECUTIONS.table, told.execution_id)) is None or older.created_ns < created
    ]
    return [*before, as_memory(state, fork.past)]


def told_of(past: AgentExecution, message_id: str) -> SharedPast:
    """What the branch's transcript shows of what came before."""
    messages = [each for each in past.status.messages if each.content.strip()]
    shown = messages[-_SHOWN:]
    last = [SharedMessage(type=each.type, text=_beginning(each.content)) for each in shown]
    return SharedPast(
        session_id=past.spec.session_id,
        execution_id=past.metadata.id,
        message_id=message_id,
        messages=last,
        earlier=len(messages) - len(shown),
    )


def _beginning(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} …"


def wanted_again(source: AgentExecution, session_id: str, text: str, model: str) -> AgentExecution:
    """An execution as `source` was, of another text. Secrets of that one alone are gone with it, and attachments belong to its first message."""
    wanted = AgentExecution(
        api_version=API_VERSION, kind=EXECUTIONS.name, metadata=ApiResourceMetadata(org=source.metadata.org)
    )
    wanted.spec.CopyFrom(source.spec)
    wanted.spec.session_id, wanted.spec.message = session_id, text
    wanted.spec.ClearField("callback_token")
    for name in [name for name, value in wanted.spec.runtime_env.items() if value.is_secret]:
        del wanted.spec.runtime_env[name]
    wanted.spec.options.ClearField("workspace")
    wanted.spec.options.ClearField("attachments")
    if model:
        wanted.spec.execution_config.model_name = model
    return wanted


def note_asked(event: Event, seq: int, asked: list[Asked]) -> None:
    """Note where a person's messages begin, and what they say. Those of sub-agents are no person's."""
    if event.sub_agent_id:
        return
    match event.WhichOneof("body"):
        case "message_started" if event.message_started.type == MessageType.MESSAGE_HUMAN:
            asked.append(Asked(seq, event.message_started.message_id))
        case "text_delta" if asked and event.text_delta.message_id == asked[-1].message_id:
            asked[-1].text += event.text_delta.text
        case "message_completed" if (
            event.message_completed.HasField("content")
            and asked
            and event.message_completed.message_id == asked[-1].message_id
        ):
            asked[-1].text = event.message_completed.content
        case _:
            return
