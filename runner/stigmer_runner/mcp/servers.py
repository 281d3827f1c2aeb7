"""The servers of one execution: approved, started when its agent begins, called one call at a time, ended with it."""

import asyncio
import importlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, ToolCallProgress
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.errors import RunnerError
from stigmer_runner.mcp.approvals import Approvals
from stigmer_runner.mcp.contained import ContainerHost, client_of, covers
from stigmer_runner.mcp.definition import Address, Choice, Container, Definition, Program
from stigmer_runner.mcp.listing import Listing, difference
from stigmer_runner.mcp.placeholders import filled, filled_in_arguments
from stigmer_runner.mcp.tool import McpTool
from stigmer_runner.policy.protected import present
from stigmer_runner.policy.showing import shown
from stigmer_runner.redaction import redact_message
from stigmer_runner.sandbox import ExecutionRequest
from stigmer_runner.tools.execute.engine import Engine, find_engine
from stigmer_runner.tools.interface import Arguments, Question, Tool, ToolContext, ToolResult
from stigmer_runner.tools.session import ToolSession

if TYPE_CHECKING:
    from stigmer_runner.mcp.connection import Connection
    from stigmer_runner.mcp.walled import Start

CONNECTION = "stigmer_runner.mcp.connection"
"""The module that brings the SDK in."""

RESTARTS = 3
"""How often a server that ended is started again in one execution."""
PROGRESS_APART = 0.1
"""Seconds between two events that tell of progress."""
LONGEST_PROGRESS = 400

ALWAYS, SESSION, NO = "always", "this session", "no"

Ask: TypeAlias = Callable[[Question], Awaitable[str]]

_logger = logging.getLogger(__name__)


class ServerRefused(RunnerError):
    """A server is not used. The message says why."""


@dataclass(frozen=True)
class Waits:
    """How long servers are waited for, in seconds; see `connection.Patience`."""

    start: float = 60.0
    call: float = 120.0


@dataclass
class _Server:
    """One server, as it stands."""

    definition: Definition
    number: int
    connection: "Connection | None" = None
    listing: Listing = field(default_factory=Listing)
    refused: str = ""
    """Why it is not used; empty while it may be."""
    starts: int = 0
    calling: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def name(self) -> str:
        return self.definition.name

    def values(self, of_run: Mapping[str, str]) -> Mapping[str, str]:
        """What is filled in for it: its own secrets, over what the run has."""
        return {**of_run, **self.definition.secrets}

    def secrets(self, of_run: frozenset[str]) -> frozenset[str]:
        """The names of those of them that nothing may show."""
        return of_run | self.definition.secrets.keys()


class McpServers:
    """The servers of an execution. `secrets`: names of the run's values that nothing may show. Made without starting anything."""

    def __init__(
        self,
        definitions: Sequence[Definition],
        session: ToolSession,
        approvals: Approvals,
        secrets: frozenset[str] = frozenset(),
        waits: Waits | None = None,
    ) -> None:
        self._session = session
        self._approvals = approvals
        self._secrets = secrets
        self._waits = waits or Waits()
        self._servers = {each.name: _Server(each, number) for number, each in enumerate(definitions, 1)}
        self._settling = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._settled = not definitions
        self._closed = False
        self._engine: Engine | None = None

    async def tools(self, choice: Choice, ask: Ask) -> Mapping[str, Tool]:
        """The tools that an agent has, by the names that models use. The first time all servers are approved and started."""
        async with self._settling:
            if not self._settled:
                await asyncio.to_thread(importlib.import_module, CONNECTION)
                async with asyncio.TaskGroup() as group:
                    for server in self._servers.values():
                        group.create_task(self._settle(server, ask))
                self._settled = True
        found: dict[str, Tool] = {}
        for server in self._servers.values():
            for tool in self._tools_of(server, choice):
                found.setdefault(tool.spec.name, tool)
        return found

    def problems(self) -> Sequence[str]:
        """What is to be told of servers that are not used, and of tools that were left out."""
        found: list[str] = []
        for server in self._servers.values():
            if server.refused:
                found.append(f"The MCP server {shown(server.name)} is not used: {server.refused}")
            found += [f"The MCP server {shown(server.name)}: {note}" for note in server.listing.notes]
            missing = sorted(set(server.definition.enabled) - server.listing.hashes.keys())
            if missing and not server.refused:
                found.append(f"The MCP server {shown(server.name)} has no tool {shown(', '.join(missing))}")
        return [self._session.redactor.text(words) for words in found]

    async def close(self) -> None:
        """End all servers, and wait for that."""
        self._closed = True
        await asyncio.gather(*(server.connection.close() for server in self._servers.values() if server.connection))

    def _tools_of(self, server: _Server, choice: Choice) -> Sequence[McpTool]:
        if server.refused:
            return ()
        enabled = server.definition.enabled
        return [
            McpTool(server.name, listed, self._calling(server))
            for listed in server.listing.tools
            if (not enabled or listed.name in enabled) and choice.has(server.name, listed.name)
        ]

    # Starting

    async def _settle(self, server: _Server, ask: Ask) -> None:
        """Have it approved and start it; or note why not."""
        try:
            await self._begin(server, ask)
        except RunnerError as error:
            server.refused = str(error)
            _logger.info("the MCP server %r is not used", server.name)
        except Exception as error:
            server.refused = f"Stigmer itself failed: {type(error).__name__}: {error}"
            _logger.exception("the MCP server %r could not be started", server.name)

    async def _begin(self, server: _Server, ask: Ask) -> None:
        """Raises `RunnerError` where it is not to be used, or cannot be."""
        definition, approvals = server.definition, self._approvals
        if "/" in definition.name or not definition.name.isprintable():
            raise ServerRefused(
                "its name holds a `/` or what cannot be shown, and policies go by it: give it another name"
            )
        if isinstance(definition.reach, Container):
            shows = covers(definition.reach, self._session.hidden)
            if shows:
                raise ServerRefused(f"its volume {shows} would show directories of Stigmer's own: give it another")
            self._engine = self._engine or await find_engine()
        approved = await asyncio.to_thread(approvals.find, self._key(definition))
        always = await asyncio.to_thread(approvals.is_always, self._key(definition))
        if approved is None:
            always = await self._approve(server, ask)
        connection = await self._connected(server)
        try:
            listing = await connection.tools()
            if approved is not None and dict(approved.tools) != dict(listing.hashes):
                always = await self._approve_change(server, difference(approved.tools, listing.hashes), ask)
            await asyncio.to_thread(approvals.keep, self._key(definition), server.name, listing.hashes, always=always)
        except BaseException:
            await asyncio.shield(connection.close())
            raise
        server.listing, server.connection = listing, connection

    async def _approve(self, server: _Server, ask: Ask) -> bool:
        """Ask whether it may be started; whether always. Raises `ServerRefused`."""
        known = await asyncio.to_thread(self._approvals.knows, server.name)
        first = (
            f"The MCP server {shown(server.name)} is defined otherwise than when you approved it."
            if known
            else f"The agent wants to use the MCP server {shown(server.name)}, which you have not approved yet."
        )
        told = shown(server.definition.told(self._around(server.definition)))
        last = "Start it, and let the agent use its tools? You are asked again when it, or what it says of its tools, changes."
        return await self._decided(f"{first}\n{told}\n{last}", ask)

    async def _approve_change(self, server: _Server, changes: Sequence[str], ask: Ask) -> bool:
        """Ask whether its tools may be used as they are now; whether always. Raises `ServerRefused`."""
        told = "\n".join(f"  {change}" for change in changes)
        words = f"The tools of the MCP server {shown(server.name)} are not as they were when you approved it:\n{told}\nUse them as they are now?"
        return await self._decided(words, ask)

    async def _decided(self, words: str, ask: Ask) -> bool:
        async with self._asking:
            answer = (await ask(Question(self._session.redactor.text(words), (SESSION, ALWAYS, NO)))).strip().lower()
        if answer not in (SESSION, ALWAYS):
            raise ServerRefused("you did not approve it")
        return answer == ALWAYS

    async def _connected(self, server: _Server) -> "Connection":
        """Start it, or reach it. Raises `RunnerError`."""
        from stigmer_runner.mcp.connection import Connection, Patience
        from stigmer_runner.mcp.guard import FlowLimits, Guard
        from stigmer_runner.mcp.walled import End, Start, walled_program
        from stigmer_runner.mcp.web import web_server

        if self._closed:
            raise ServerRefused("the run is over")
        server.starts += 1
        limits, end, values = FlowLimits(), End(), server.values(self._session.place.environment)
        match server.definition.reach:
            case Program() as program:
                request = await self._request(server, program)
                transport = walled_program(Start(self._session.place.sandbox, request), Guard(limits), end)
            case Address() as address:
                transport = web_server(server.name, address, values, limits, end)
            case Container() as container:
                transport = walled_program(await self._contained(server, container), Guard(limits), end)
        connection = Connection(server.name, transport, end, Patience(self._waits.start, self._waits.call))
        await connection.open()
        return connection

    async def _request(self, server: _Server, program: Program) -> ExecutionRequest:
        """Its program, with its own variables and no others of the run."""
        session, place = self._session, self._session.place
        where, values = f"the MCP server {server.name}", server.values(place.environment)
        secrets = server.secrets(self._secrets)
        arguments = [filled_in_arguments(each, values, secrets, where) for each in program.arguments]
        command = filled_in_arguments(program.command, values, secrets, where)
        environment = {name: filled(value, values, where) for name, value in program.environment.items()}
        number = f"{server.number}-{server.starts}"
        return ExecutionRequest(
            command=(command, *arguments),
            workspace=session.workspace,
            marker=f"{place.marker_prefix}{place.execution_id}:mcp-{number}"[-200:],
            directory=str(session.workspace / program.directory) if program.directory else None,
            environment=environment,
            network=session.network_of(Policy()) == Network.MODE_OPEN,
            scratch=place.state_directory / "mcp" / f"{place.execution_id}-{number}",
            read_only=await asyncio.to_thread(present, session.workspace),
            limits=place.limits,
        )

    async def _contained(self, server: _Server, container: Container) -> "Start":
        """Its container, with its own variables and no others of the run."""
        from stigmer_runner.mcp.walled import Start

        session, place = self._session, self._session.place
        engine = self._engine = self._engine or await find_engine()
        number = f"{server.number}-{server.starts}"
        name = f"stigmer-{place.execution_id}-mcp-{number}"[-100:].lstrip("-_.")
        client, environment = client_of(
            engine,
            container,
            name,
            server.values(place.environment),
            server.secrets(self._secrets),
            place.limits,
            network=session.network_of(Policy()) == Network.MODE_OPEN,
            where=f"the MCP server {server.name}",
            marker=(marker := f"{place.marker_prefix}{place.execution_id}:mcp-{number}"[-200:]),
        )
        request = ExecutionRequest(
            command=client,
            workspace=session.workspace,
            marker=marker,
            environment=environment,
            scratch=place.state_directory / "mcp" / f"{place.execution_id}-{number}",
        )
        return Start(ContainerHost(engine, name), request)

    def _key(self, definition: Definition) -> str:
        """What an approval is kept under: one that was given behind walls is not one for without."""
        walls = self._session.place.sandbox.description.whole or not isinstance(definition.reach, Program)
        return definition.hash if walls else f"{definition.hash} without walls"

    def _around(self, definition: Definition) -> str:
        if isinstance(definition.reach, Container):
            open_ = self._session.network_of(Policy()) == Network.MODE_OPEN
            return f"in a container of its own, {'with' if open_ else 'without'} the network, and sees nothing of this machine but what follows"
        if not self._session.place.sandbox.description.walls:
            return "without walls: it may do whatever you may do"
        open_ = self._session.network_of(Policy()) == Network.MODE_OPEN
        return f"in the sandbox, {'with' if open_ else 'without'} the network, and may change the workspace"

    # Calling

    def _calling(self, server: _Server) -> Callable[[ToolContext, str, Arguments], Awaitable[ToolResult]]:
        async def call(context: ToolContext, tool: str, arguments: Arguments) -> ToolResult:
            async with server.calling:
                try:
                    return await self._call(server, context, tool, arguments)
                except RunnerError as error:
                    return ToolResult(f"The MCP server {server.name}: {error}", is_error=True)

        return call

    async def _call(self, server: _Server, context: ToolContext, tool: str, arguments: Arguments) -> ToolResult:
        from stigmer_runner.mcp.results import result_of

        ask = context.ask or _nobody
        connection = await self._ready(server, tool, ask)
        seconds = server.definition.call_seconds or self._waits.call
        answer = await connection.call(tool, arguments, seconds, context.ask, _Progress(context).tell)
        return result_of(answer)

    async def _ready(self, server: _Server, tool: str, ask: Ask) -> "Connection":
        """Its connection: started again where it ended, its tools approved again where they changed. Raises `RunnerError`."""
        if server.refused:
            raise ServerRefused(server.refused)
        connection = server.connection
        before = dict(server.listing.hashes)
        if connection is None or connection.over:
            if connection is not None:
                await connection.close()
            if server.starts > RESTARTS:
                raise ServerRefused(
                    f"it ended, and was started {server.starts} times: it is not started again in this run"
                )
            await self._begin(server, ask)
        elif connection.changed:
            await self._look_again(server, connection, ask)
        after = server.listing.hashes
        if after.get(tool) != before.get(tool):
            raise ServerRefused(
                f"its tool {tool!r} is not what you were told any more: the new one can be used from the next run on"
            )
        assert server.connection is not None
        return server.connection

    async def _look_again(self, server: _Server, connection: "Connection", ask: Ask) -> None:
        """It said that its tools changed: they are used as they are now only if the person says so."""
        listing = await connection.tools()
        changes = difference(server.listing.hashes, listing.hashes)
        if not changes:
            return
        try:
            always = await self._approve_change(server, changes, ask)
        except ServerRefused as error:
            server.refused = f"its tools changed, and {error}"
            await connection.close()
            raise ServerRefused(server.refused) from error
        hashes = listing.hashes
        await asyncio.to_thread(self._approvals.keep, self._key(server.definition), server.name, hashes, always=always)
        server.listing = listing


class _Progress:
    """Tells of a call's progress, not oftener than anybody could read."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._told = 0.0

    def tell(self, done: float, total: float | None, message: str) -> None:
        """So far it came."""
        now = time.monotonic()
        if now - self._told < PROGRESS_APART and done != total:
            return
        self._told = now
        context = self._context
        text = shown(message[:LONGEST_PROGRESS]) or (f"{done:g} of {total:g}" if total else f"{done:g}")
        progress = ToolCallProgress(call_id=context.call_id, text=text)
        if total and total > 0 and 0 <= done <= total:
            progress.fraction = done / total
        event = Event(tool_call_progress=progress, time_unix_micros=context.session.clock())
        event.sub_agent_id = context.sub_agent_id
        redact_message(context.session.redactor, event)
        context.record(event)


async def _nobody(question: Question) -> str:
    """Where nobody can be asked, nothing is approved."""
    return NO
