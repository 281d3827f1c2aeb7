"""The methods of the protocol."""

import logging
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from acp import PROTOCOL_VERSION, RequestError
from acp.interfaces import Agent as AcpAgent
from acp.interfaces import Client as Editor
from acp.schema import (
    AcpMcpServer,
    AgentCapabilities,
    AudioContentBlock,
    AuthenticateResponse,
    ClientCapabilities,
    CloseSessionResponse,
    EmbeddedResourceContentBlock,
    ForkSessionResponse,
    HttpMcpServer,
    ImageContentBlock,
    Implementation,
    InitializeResponse,
    ListSessionsResponse,
    LoadSessionResponse,
    McpServerStdio,
    NewSessionResponse,
    PromptCapabilities,
    PromptResponse,
    ResourceContentBlock,
    ResumeSessionResponse,
    SessionCapabilities,
    SessionInfo,
    SessionListCapabilities,
    SetSessionConfigOptionResponse,
    SetSessionModeResponse,
    SseMcpServer,
    TextContentBlock,
)

from stigmer_apis._version import __version__
from stigmer_apis.client import Client
from stigmer_apis.errors import InvalidArgument, NotFound, StigmerError
from stigmer_tui.acp.modes import AS_THE_AGENT_SAYS, is_mode, modes_with
from stigmer_tui.acp.prompts import read_prompt
from stigmer_tui.acp.sessions import WORKSPACE_KEY, EditorSession, checked_directory, new_session, open_session

McpServers = list[HttpMcpServer | SseMcpServer | AcpMcpServer | McpServerStdio]
Blocks = list[
    TextContentBlock | ImageContentBlock | AudioContentBlock | ResourceContentBlock | EmbeddedResourceContentBlock
]
Answer = TypeVar("Answer")
PAGE = 100
_INVALID_PARAMS = -32602
_NOT_FOUND = -32002
_INTERNAL = -32603
_logger = logging.getLogger(__name__)


class StigmerAgent(AcpAgent):
    """One agent of Stigmer's, as an editor drives it. Errors of the daemon become errors of the protocol, with their remedy."""

    def __init__(self, client: Client, agent_name: str) -> None:
        """`agent_name`: whom new sessions talk to."""
        self._client = client
        self._agent_name = agent_name
        self._editor: Editor | None = None
        self._sessions: dict[str, EditorSession] = {}

    def on_connect(self, conn: Editor) -> None:
        """The editor is there."""
        self._editor = conn

    async def close(self) -> None:
        """The editor has gone. What runs goes on."""
        for session in self._sessions.values():
            if session.running is not None:
                await session.running.close()

    async def initialize(
        self,
        protocol_version: int,
        client_capabilities: ClientCapabilities | None = None,
        client_info: Implementation | None = None,
        **kwargs: object,
    ) -> InitializeResponse:
        """Who this is, and what it can."""
        return InitializeResponse(
            protocol_version=min(protocol_version, PROTOCOL_VERSION) or PROTOCOL_VERSION,
            agent_capabilities=AgentCapabilities(
                load_session=True,
                prompt_capabilities=PromptCapabilities(image=True, embedded_context=True),
                session_capabilities=SessionCapabilities(list=SessionListCapabilities()),
            ),
            agent_info=Implementation(name="stigmer", title=f"Stigmer: {self._agent_name}", version=__version__),
            auth_methods=[],
        )

    async def authenticate(self, method_id: str, **kwargs: object) -> AuthenticateResponse | None:
        """Nothing is to be proved: whoever may start this program may use its agents."""
        raise RequestError(_INVALID_PARAMS, "there is no way to authenticate, and no need to")

    async def new_session(
        self,
        cwd: str,
        additional_directories: list[str] | None = None,
        mcp_servers: McpServers | None = None,
        **kwargs: object,
    ) -> NewSessionResponse:
        """A session in the directory."""
        _only_what_is_served(additional_directories, mcp_servers)
        session = await _said(self._new(cwd))
        self._sessions[session.id] = session
        return NewSessionResponse(
            session_id=session.id, modes=None if session.is_shell else modes_with(AS_THE_AGENT_SAYS)
        )

    async def load_session(
        self,
        cwd: str,
        session_id: str,
        mcp_servers: McpServers | None = None,
        additional_directories: list[str] | None = None,
        **kwargs: object,
    ) -> LoadSessionResponse | None:
        """A session of before: its past is told, and what still runs is followed."""
        _only_what_is_served(additional_directories, mcp_servers)
        known = self._sessions.pop(session_id, None)
        if known is not None and known.running is not None:
            await known.running.close()
        session = await _said(self._open(cwd, session_id))
        self._sessions[session_id] = session
        await _said(session.replay())
        return LoadSessionResponse(modes=None if session.is_shell else modes_with(AS_THE_AGENT_SAYS))

    async def list_sessions(
        self, cwd: str | None = None, cursor: str | None = None, **kwargs: object
    ) -> ListSessionsResponse:
        """A page of the sessions that were in a directory, newest first."""
        page = await _said(self._client.list_sessions(page_size=PAGE, page_token=cursor or ""))
        found: list[SessionInfo] = []
        for session in page.entries:
            directory = session.spec.metadata.get(WORKSPACE_KEY, "")
            if directory and (cwd is None or directory == cwd):
                info = SessionInfo(session_id=session.metadata.id, cwd=directory, title=session.spec.subject or None)
                found.append(info)
        return ListSessionsResponse(sessions=found, next_cursor=page.next_page_token or None)

    async def set_session_mode(self, session_id: str, mode_id: str, **kwargs: object) -> SetSessionModeResponse | None:
        """Another policy."""
        session = self._session(session_id)
        if session.is_shell or not is_mode(mode_id):
            raise RequestError(_INVALID_PARAMS, f"this session has no mode {mode_id!r}")
        await _said(session.choose_mode(mode_id))
        return SetSessionModeResponse()

    async def prompt(self, session_id: str, prompt: Blocks, **kwargs: object) -> PromptResponse:
        """Do what the prompt says; the answer comes when the turn is over, or waits for the person."""
        session = self._session(session_id)
        return await _said(self._prompt(session, prompt))

    async def cancel(self, session_id: str, **kwargs: object) -> None:
        """Stop the turn that goes on."""
        session = self._sessions.get(session_id)
        if session is None:
            return
        try:
            await session.cancel()
        except StigmerError as error:
            _logger.error("the turn of %s was not stopped: %s", session_id, error)

    async def set_config_option(
        self, config_id: str, session_id: str, value: str | bool, **kwargs: object
    ) -> SetSessionConfigOptionResponse | None:
        """There are none."""
        raise RequestError(_INVALID_PARAMS, f"there is no option {config_id!r}")

    async def fork_session(
        self,
        session_id: str,
        cwd: str,
        additional_directories: list[str] | None = None,
        mcp_servers: McpServers | None = None,
        **kwargs: object,
    ) -> ForkSessionResponse:
        """Not offered: `stigmer branch` does it."""
        raise RequestError.method_not_found("session/fork")

    async def resume_session(
        self,
        session_id: str,
        cwd: str,
        additional_directories: list[str] | None = None,
        mcp_servers: McpServers | None = None,
        **kwargs: object,
    ) -> ResumeSessionResponse:
        """Not offered: `session/load` does more."""
        raise RequestError.method_not_found("session/resume")

    async def close_session(self, session_id: str, **kwargs: object) -> CloseSessionResponse | None:
        """Not offered: a session stays."""
        raise RequestError.method_not_found("session/close")

    async def ext_method(self, method: str, params: dict[str, object]) -> dict[str, object]:
        """There are none."""
        raise RequestError.method_not_found(f"_{method}")

    async def ext_notification(self, method: str, params: dict[str, object]) -> None:
        """They are passed over, as the protocol says."""
        _logger.info("the editor sent the notification %s, which means nothing here", method)

    async def _new(self, cwd: str) -> EditorSession:
        return await new_session(self._client, self._connected, self._agent_name, checked_directory(cwd))

    async def _open(self, cwd: str, session_id: str) -> EditorSession:
        return await open_session(self._client, self._connected, session_id, checked_directory(cwd))

    async def _prompt(self, session: EditorSession, blocks: Blocks) -> PromptResponse:
        prompt = read_prompt(blocks, is_command=session.is_shell)
        running = await session.prompt(prompt)
        return await running.rest()

    def _session(self, session_id: str) -> EditorSession:
        session = self._sessions.get(session_id)
        if session is None:
            raise RequestError(_NOT_FOUND, f"there is no session {session_id!r} here: make one, or load it")
        return session

    @property
    def _connected(self) -> Editor:
        if self._editor is None:
            raise RequestError.internal_error({"details": "no editor is connected"})
        return self._editor


async def _said(work: Awaitable[Answer]) -> Answer:
    """What the work gives; what the daemon has against it, as the protocol says it."""
    try:
        return await work
    except StigmerError as error:
        words = f"{error.message}: {error.remedy}" if error.remedy else error.message
        code = _INTERNAL
        if isinstance(error, InvalidArgument):
            code = _INVALID_PARAMS
        elif isinstance(error, NotFound):
            code = _NOT_FOUND
        raise RequestError(code, words, {"remedy": error.remedy}) from error


def _only_what_is_served(directories: Sequence[str] | None, servers: McpServers | None) -> None:
    """Directories beside the workspace are refused; servers of the editor's are left out: an agent has those that its definition names."""
    if directories:
        raise RequestError(_INVALID_PARAMS, "a session has one directory; additional ones are not supported")
    if servers:
        _logger.warning("%d MCP servers of the editor are left out: an agent has those of its definition", len(servers))
