"""The published services of sessions."""

from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import (
    ListSessionsByAgentRequest,
    ListSessionsRequest,
    Session,
    SessionId,
    SessionList,
)
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_service_pb2_grpc import (
    SessionCommandControllerServicer,
    SessionQueryControllerServicer,
)
from stigmer_apis.transport import aio
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.deletion import Deletion
from stigmer_backend.executions.workspace import Workspaces
from stigmer_backend.resources.kinds import AGENTS, SESSIONS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.pages import Question
from stigmer_backend.resources.paging import PUBLISHED_PAGE_SIZE, decode_token, encode_token, page_rows, pages_of
from stigmer_backend.resources.removal import delete_session
from stigmer_backend.resources.sessions import WORKSPACE_KEY
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.services.writes import Writes
from stigmer_backend.store import Store


class SessionCommands(SessionCommandControllerServicer):
    """Writes sessions."""

    def __init__(
        self, store: Store, writes: Writes[Session], deletion: Deletion, stamps: Stamps, workspaces: Workspaces
    ) -> None:
        self._store = store
        self._writes = writes
        self._deletion = deletion
        self._stamps = stamps
        self._workspaces = workspaces

    async def apply(self, request: Session, context: aio.ServicerContext[Session, Session]) -> Session:
        """Create or update by slug."""
        return await self._writes.apply(await self._checked(request), context)

    async def create(self, request: Session, context: aio.ServicerContext[Session, Session]) -> Session:
        """Store a new session on an agent instance."""
        return await self._writes.create(await self._checked(request), context)

    async def update(self, request: Session, context: aio.ServicerContext[Session, Session]) -> Session:
        """Replace a stored session's spec; the workspace stays once it was worked in."""
        return await self._writes.update(await self._checked(request), context)

    async def delete(self, request: SessionId, context: aio.ServicerContext[SessionId, Session]) -> Session:
        """Delete a session with its executions and its own directory."""
        at_ns = self._stamps.now().at_ns
        return await self._deletion.delete(lambda state: delete_session(state, request.value, at_ns))

    async def _checked(self, request: Session) -> Session:
        """The session with its workspace, where it names one, as the absolute path that it is."""
        asked = request.spec.metadata.get(WORKSPACE_KEY, "")
        own = self._workspaces.own(request.metadata.id).path if request.metadata.id else None
        if asked and asked != str(own):
            request.spec.metadata[WORKSPACE_KEY] = str((await self._workspaces.named(asked)).path)
        return request


class SessionQueries(SessionQueryControllerServicer):
    """Reads sessions."""

    def __init__(self, store: Store, board: Board, scan_rows: int) -> None:
        self._store = store
        self._board = board
        self._scan_rows = scan_rows

    async def get(self, request: SessionId, context: aio.ServicerContext[SessionId, Session]) -> Session:
        """The session with this id."""
        return await self._store.read_state(lambda state: find(state, SESSIONS, request.value))

    async def list(
        self, request: ListSessionsRequest, context: aio.ServicerContext[ListSessionsRequest, SessionList]
    ) -> SessionList:
        """Sessions, newest first."""
        return await self._page("", request.page_size, request.page_token, request.tags)

    async def listByAgent(
        self, request: ListSessionsByAgentRequest, context: aio.ServicerContext[ListSessionsByAgentRequest, SessionList]
    ) -> SessionList:
        """Sessions of an agent, newest first."""
        await self._store.read_state(lambda state: find(state, AGENTS, request.agent_id))
        return await self._page(request.agent_id, request.page_size, request.page_token, ())

    async def _page(self, parent: str, page_size: int, page_token: str, tags: Sequence[str]) -> SessionList:
        size = page_rows(page_size, PUBLISHED_PAGE_SIZE)
        wanted = frozenset(tags)
        question = repr(("sessions", parent, sorted(wanted))).encode()
        after = decode_token(question, page_token)
        revision = self._board.revision

        def has_tags(session: Session) -> bool:
            return wanted <= set(session.metadata.tags)

        asked = Question(SESSIONS, parent, after, size, self._scan_rows, has_tags if wanted else None)
        page = await self._store.read_state(asked.ask)
        answer = SessionList(
            entries=page.entries,
            revision=revision,
            total_rows=page.total,
            total_pages=pages_of(page.total, size),
            total_is_lower_bound=page.is_lower_bound,
        )
        if page.next_place is not None:
            answer.next_page_token = encode_token(question, page.next_place)
        return answer
