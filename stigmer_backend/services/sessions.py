"""The published services of sessions."""

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
from stigmer_backend.executions.workspace import Workspaces
from stigmer_backend.resources.filters import marked_lists
from stigmer_backend.resources.kinds import AGENTS, SESSIONS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.sessions import WORKSPACE_KEY
from stigmer_backend.services.kind_services import Commands, Gets, ServiceParts, by_value
from stigmer_backend.services.published_pages import PublishedPages


class SessionCommands(Commands[Session, SessionId], SessionCommandControllerServicer):
    """Writes sessions."""

    def __init__(self, parts: ServiceParts, workspaces: Workspaces) -> None:
        super().__init__(parts, parts.catalogues.sessions, by_value)
        self._workspaces = workspaces

    async def prepare(self, request: Session) -> Session:
        """The session with its workspace, where it names one, as the absolute path that it is."""
        return await with_workspace(self._workspaces, request)


class SessionQueries(Gets[Session, SessionId], SessionQueryControllerServicer):
    """Reads sessions."""

    def __init__(self, parts: ServiceParts, board: Board, scan_rows: int) -> None:
        super().__init__(parts, SESSIONS)
        self._pages = PublishedPages(parts, board, SESSIONS, scan_rows)

    async def list(
        self, request: ListSessionsRequest, context: aio.ServicerContext[ListSessionsRequest, SessionList]
    ) -> SessionList:
        """Sessions, newest first."""
        tags = sorted(set(request.tags))
        answer, entries = await self._pages.fill(SessionList(), request, said=repr(tags), marked=marked_lists({}, tags))
        answer.entries.extend(entries)
        return answer

    async def listByAgent(
        self, request: ListSessionsByAgentRequest, context: aio.ServicerContext[ListSessionsByAgentRequest, SessionList]
    ) -> SessionList:
        """Sessions of an agent, newest first."""
        await self._parts.store.read_state(lambda state: find(state, AGENTS, request.agent_id))
        answer, entries = await self._pages.fill(SessionList(), request, parent=request.agent_id)
        answer.entries.extend(entries)
        return answer


async def with_workspace(workspaces: Workspaces, session: Session) -> Session:
    """`session` with its workspace, where it names one, as the absolute path that it is. Raises what `Workspaces.named` raises."""
    asked = session.spec.metadata.get(WORKSPACE_KEY, "")
    own = workspaces.own(session.metadata.id).path if session.metadata.id else None
    if asked and asked != str(own):
        session.spec.metadata[WORKSPACE_KEY] = str((await workspaces.named(asked)).path)
    return session
