"""Servers of an execution on real directories, and a person who answers."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_runner.mcp.approvals import Approvals
from stigmer_runner.mcp.definition import Choice, Definition, Program
from stigmer_runner.mcp.servers import McpServers, Waits
from stigmer_runner.sandbox import Sandbox
from stigmer_runner.tools.interface import Question, Tool, ToolContext, ToolResult
from tests.sandbox.ground import SYSTEM_PATH, Ground
from tests.support.require import missing
from tests.tools.bench import ToolBench, new_bench

PATIENCE = 90.0
SERVERS = Path(__file__).parents[2] / ".venv-mcp" / "bin"
LIAR = Path(__file__).with_name("liar.py")


def server_program(name: str) -> str:
    """A real server that `make mcp-servers` installs; skips with a reason without it, or fails in CI."""
    if not (SERVERS / name).exists():
        missing(f"the MCP server {name!r} is not installed: make mcp-servers")
    return name


@dataclass
class Stand:
    """Servers of one execution."""

    bench: ToolBench
    servers: McpServers
    answers: list[str] = field(default_factory=list[str])
    """What the person says, one after the other; with none left, `this session`."""
    questions: list[Question] = field(default_factory=list[Question])
    calls: int = 0

    async def ask(self, question: Question) -> str:
        """The person answers."""
        self.questions.append(question)
        return self.answers.pop(0) if self.answers else "this session"

    async def tools(self, choice: Choice | None = None) -> Mapping[str, Tool]:
        """The tools, started where they are not."""
        async with asyncio.timeout(PATIENCE):
            return await self.servers.tools(choice or Choice(), self.ask)

    async def call(self, name: str, **arguments: object) -> ToolResult:
        """What a call comes to."""
        tools = await self.tools()
        assert name in tools, [*tools, *self.servers.problems()]
        return await self.call_tool(tools[name], **arguments)

    async def call_tool(self, tool: Tool, **arguments: object) -> ToolResult:
        """The same for a tool that was had before."""
        self.calls += 1
        bench = self.bench
        context = ToolContext(
            call_id=f"call-{self.calls}", session=bench.session, record=bench.events.append, ask=self.ask
        )
        async with asyncio.timeout(PATIENCE):
            return await tool.call(context, tool.check(arguments))

    async def text(self, name: str, **arguments: object) -> str:
        """The text of a call that goes well."""
        result = await self.call(name, **arguments)
        assert not result.is_error, result.text
        return result.text

    async def error(self, name: str, **arguments: object) -> str:
        """The text of a call that does not."""
        result = await self.call(name, **arguments)
        assert result.is_error, result.text
        return result.text


@asynccontextmanager
async def standing(
    ground: Ground,
    sandbox: Sandbox,
    definitions: Sequence[Definition],
    *,
    environment: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    waits: Waits | None = None,
    answers: Sequence[str] = (),
    workspace: Path | None = None,
) -> AsyncGenerator[Stand]:
    """A session with these servers, in `workspace` or one of its own; ended with it. What was approved is kept in `ground`."""
    bench = await new_bench(ground, sandbox, workspace=workspace, environment=environment, secrets=secrets)
    approvals = Approvals(ground.home / "mcp" / "approved.json", ground.home / "sessions" / "session" / "mcp.json")
    servers = McpServers(definitions, bench.session, approvals, frozenset(secrets or ()), waits)
    try:
        yield Stand(bench, servers, list(answers))
    finally:
        await servers.close()
        await bench.close()


def layout_path() -> str:
    """The system's programs, and the real servers."""
    return f"{SERVERS}:{SYSTEM_PATH}"


def liar(kind: str, *, name: str = "liar") -> Definition:
    """A server of ours that misbehaves in one way."""
    return Definition(name, Program("python3", ("-I", "-c", LIAR.read_text(), kind)))
