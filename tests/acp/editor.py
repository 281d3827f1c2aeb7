"""An editor: the protocol library's own client, at `stigmer acp` as a program of its own."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from acp import PROTOCOL_VERSION, RequestError, spawn_agent_process, text_block
from acp.interfaces import Agent
from acp.interfaces import Client as AcpClient
from acp.schema import (
    AgentMessageChunk,
    AgentPlanContentUpdate,
    AgentPlanRemovedUpdate,
    AgentPlanUpdate,
    AgentThoughtChunk,
    AllowedOutcome,
    AvailableCommandsUpdate,
    ConfigOptionUpdate,
    ContentToolCallContent,
    CreateElicitationResponse,
    CreateTerminalResponse,
    CurrentModeUpdate,
    DeniedOutcome,
    ElicitationMode,
    EnvVariable,
    FileEditToolCallContent,
    KillTerminalResponse,
    PermissionOption,
    PromptResponse,
    ReadTextFileResponse,
    ReleaseTerminalResponse,
    RequestPermissionResponse,
    SessionInfoUpdate,
    TerminalOutputResponse,
    TextContentBlock,
    ToolCallProgress,
    ToolCallStart,
    ToolCallUpdate,
    UsageUpdate,
    UserMessageChunk,
    WaitForTerminalExitResponse,
    WriteTextFileResponse,
)

from tests.loop.stage import LIVENESS, Stage
from tests.support.waiting import eventually

Update = (
    UserMessageChunk
    | AgentMessageChunk
    | AgentThoughtChunk
    | ToolCallStart
    | ToolCallProgress
    | AgentPlanUpdate
    | AgentPlanContentUpdate
    | AgentPlanRemovedUpdate
    | AvailableCommandsUpdate
    | CurrentModeUpdate
    | ConfigOptionUpdate
    | SessionInfoUpdate
    | UsageUpdate
)
Kind = TypeVar("Kind")
NEVER = "never"
"""An answer that does not come."""


@dataclass
class Editor(AcpClient):
    """Keeps what it is told, and answers permissions from a list."""

    answers: list[str] = field(default_factory=list[str])
    """Ids of options, in the order of the questions; `cancelled` for none of them."""
    updates: list[Update] = field(default_factory=list[Update])
    asked: list[tuple[ToolCallUpdate, list[PermissionOption]]] = field(
        default_factory=list[tuple[ToolCallUpdate, list[PermissionOption]]]
    )

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The updates of one kind."""
        return [update for update in self.updates if isinstance(update, kind)]

    def text(self) -> str:
        """What the agent said."""
        blocks = [update.content for update in self.of(AgentMessageChunk)]
        return "".join(block.text for block in blocks if isinstance(block, TextContentBlock))

    def thoughts(self) -> str:
        """What it thought."""
        blocks = [update.content for update in self.of(AgentThoughtChunk)]
        return "".join(block.text for block in blocks if isinstance(block, TextContentBlock))

    def words_of_person(self) -> list[str]:
        """What persons said."""
        blocks = [update.content for update in self.of(UserMessageChunk)]
        return [block.text for block in blocks if isinstance(block, TextContentBlock)]

    def statuses(self, tool_call_id: str) -> list[str]:
        """How a tool call went."""
        told = [each for each in self.updates if isinstance(each, ToolCallStart | ToolCallProgress)]
        return [each.status for each in told if each.tool_call_id == tool_call_id and each.status]

    def content(self, tool_call_id: str) -> str:
        """The last text that a tool call shows."""
        for update in reversed(self.of(ToolCallProgress)):
            if update.tool_call_id == tool_call_id and update.content:
                parts = [part.content for part in update.content if isinstance(part, ContentToolCallContent)]
                return "".join(part.text for part in parts if isinstance(part, TextContentBlock))
        return ""

    def diffs(self) -> list[FileEditToolCallContent]:
        """The diffs, each once."""
        found: list[FileEditToolCallContent] = []
        for update in self.of(ToolCallProgress):
            parts = [part for part in update.content or [] if isinstance(part, FileEditToolCallContent)]
            found += [part for part in parts if part not in found]
        return found

    async def until(self, found: Callable[[], bool]) -> None:
        """Wait until it holds."""
        await eventually(found)

    async def session_update(self, session_id: str, update: Update, **kwargs: object) -> None:
        """Keep it."""
        self.updates.append(update)

    async def request_permission(
        self, session_id: str, tool_call: ToolCallUpdate, options: list[PermissionOption], **kwargs: object
    ) -> RequestPermissionResponse:
        """Answer with what comes next."""
        self.asked.append((tool_call, options))
        answer = self.answers.pop(0)
        if answer == NEVER:
            await asyncio.Event().wait()
        if answer == "cancelled":
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        return RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id=answer))

    async def write_text_file(
        self, session_id: str, path: str, content: str, **kwargs: object
    ) -> WriteTextFileResponse | None:
        """Not offered."""
        raise RequestError.method_not_found("fs/write_text_file")

    async def read_text_file(
        self, session_id: str, path: str, line: int | None = None, limit: int | None = None, **kwargs: object
    ) -> ReadTextFileResponse:
        """Not offered."""
        raise RequestError.method_not_found("fs/read_text_file")

    async def create_terminal(
        self,
        session_id: str,
        command: str,
        args: list[str] | None = None,
        env: list[EnvVariable] | None = None,
        cwd: str | None = None,
        output_byte_limit: int | None = None,
        **kwargs: object,
    ) -> CreateTerminalResponse:
        """Not offered."""
        raise RequestError.method_not_found("terminal/create")

    async def terminal_output(self, session_id: str, terminal_id: str, **kwargs: object) -> TerminalOutputResponse:
        """Not offered."""
        raise RequestError.method_not_found("terminal/output")

    async def release_terminal(
        self, session_id: str, terminal_id: str, **kwargs: object
    ) -> ReleaseTerminalResponse | None:
        """Not offered."""
        raise RequestError.method_not_found("terminal/release")

    async def wait_for_terminal_exit(
        self, session_id: str, terminal_id: str, **kwargs: object
    ) -> WaitForTerminalExitResponse:
        """Not offered."""
        raise RequestError.method_not_found("terminal/wait_for_exit")

    async def kill_terminal(self, session_id: str, terminal_id: str, **kwargs: object) -> KillTerminalResponse | None:
        """Not offered."""
        raise RequestError.method_not_found("terminal/kill")

    async def create_elicitation(
        self, message: str, mode: ElicitationMode, **kwargs: object
    ) -> CreateElicitationResponse:
        """Not offered."""
        raise RequestError.method_not_found("elicitation/create")

    async def complete_elicitation(self, elicitation_id: str, **kwargs: object) -> None:
        """Not offered."""

    async def ext_method(self, method: str, params: dict[str, object]) -> dict[str, object]:
        """There are none."""
        raise RequestError.method_not_found(method)

    async def ext_notification(self, method: str, params: dict[str, object]) -> None:
        """There are none."""

    def on_connect(self, conn: Agent) -> None:
        """Connected."""


@asynccontextmanager
async def editing(stage: Stage, agent: str, *answers: str) -> AsyncGenerator[tuple[Editor, Agent]]:
    """An editor with `stigmer acp --agent AGENT`."""
    editor = Editor(list(answers))
    words = [*stage.workstation.command("acp", "--agent", agent)]
    async with spawn_agent_process(
        editor, words[0], *words[1:], env=stage.workstation.environ(), transport_kwargs={"stderr": None}
    ) as (connection, _):
        async with asyncio.timeout(LIVENESS):
            await connection.initialize(PROTOCOL_VERSION)
        yield editor, connection


async def say(agent: Agent, session_id: str, text: str) -> PromptResponse:
    """Prompt, and wait for the end of the turn."""
    async with asyncio.timeout(LIVENESS):
        return await agent.prompt(session_id, [text_block(text)])
