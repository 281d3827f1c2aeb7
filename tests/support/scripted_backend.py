"""A server that says what a test tells it to: real gRPC on a real unix socket, executions in memory.

    async with ScriptedBackend(home) as backend:
        execution_id = backend.add_execution(message="echo hi")
        backend.emit(execution_id, *line_events("echo hi", output=b"hi\\r\\n"))
        async with Client(home, start_daemon=False) as client:
            ...

It answers as the daemon does, as far as a client can see: sequences, cursors, heartbeats, resets, revisions. It checks the token's presence, not its
value. What clients asked stands in `calls`, with the idempotency key of each; a repeat with a known key is answered as the first was.

What happens when a person asks something is scripted: by default `create` adds an execution that stays pending, `SendMessage` is applied at once,
and `Cancel` ends the execution. Replace `on_create`, `on_send`, `on_cancel` to script more; each is told the id, after the default events. `Shutdown` only calls `on_shutdown`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from google.protobuf.message import Message

from stigmer_apis import __version__
from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import TailRequest, TailResponse
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary, FoldState
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_apis.fold import Fold, empty_fold, is_terminal
from stigmer_apis.home import Home
from stigmer_apis.ids import Prefix, new_id
from stigmer_apis.protocol import API_VERSION, HEARTBEAT_SECONDS, PROTOCOL
from stigmer_apis.slugs import slugify
from stigmer_apis.transport import aio, server_options, unix_target
from tests.support.scripted_resources import ScriptedResources
from tests.support.scripted_services import register
from tests.support.scripted_workflows import ScriptedWorkflows

Hook = Callable[[str], Awaitable[None]]
"""Told the id of an execution."""

Mangle = Callable[
    ["ScriptedBackend", TailRequest, AsyncGenerator[TailResponse, None]], AsyncGenerator[TailResponse, None]
]
"""Takes the frames of a tail and gives others."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a client asked."""

    method: str
    """The method's name: `Tail`, `create`."""
    request: Message
    idempotency_key: str


@dataclass(slots=True)
class Terminal:
    """An attached person, as the script sees it."""

    execution_id: str
    terminal_id: str
    input: bytearray = field(default_factory=bytearray)
    """All keys so far."""
    size: tuple[int, int] = (0, 0)
    """Columns and rows, as told last."""
    ended: bool = False
    """Set by `end_terminal`."""
    reason: str = ""
    """Told with the end."""


@dataclass(slots=True)
class ScriptedExecution:
    """An execution and its events."""

    resource: AgentExecution
    fold: Fold
    events: list[ev.Event] = field(default_factory=list[ev.Event])
    revision: int = 0
    first_available: int = 1
    """Lower events were removed: a tail from before gets a reset."""
    snapshot: FoldState | None = None

    @property
    def summary(self) -> ExecutionSummary:
        """Its row in a list."""
        return self.fold.state().summary

    @property
    def ended(self) -> bool:
        """Whether nothing changes any more."""
        return is_terminal(self.fold.phase)


class ScriptedBackend:
    """A daemon's outside without its inside. `async with`, or `start` and `stop`; what it holds stays between the two."""

    def __init__(
        self,
        home: Home,
        *,
        version: str = __version__,
        protocol: int = PROTOCOL,
        heartbeat: float = HEARTBEAT_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """A backend at the operator socket of `home`. `heartbeat`: seconds between those of an idle tail."""
        self.home = home
        self.version = version
        self.protocol = protocol
        self.heartbeat = heartbeat
        self.pid = 1
        self.incarnation = "scripted-1"
        self.revision = 1
        self.oldest_revision = 0
        """A watch from an older revision is reset."""
        self.executions: dict[str, ScriptedExecution] = {}
        self.removed: dict[str, int] = {}
        self.seen: set[str] = set()
        """Failures that somebody saw."""
        self.agents: list[Agent] = []
        self.resources = ScriptedResources(self)
        self.workflows = ScriptedWorkflows(self)
        self.terminals: list[Terminal] = []
        self.calls: list[Call] = []
        self.answers: dict[str, Message] = {}
        """By idempotency key."""
        self.on_create: Hook = _nothing
        self.on_send: Hook = _nothing
        self.on_cancel: Hook = _nothing
        self.on_shutdown: Hook = _nothing
        self.mangle_tail: Mangle | None = None
        """Stands between a tail and its reader: it may leave out, repeat or change frames."""
        self.mute = False
        """Streams stay open and say nothing, as those of a stopped process."""
        self.tokens: set[str] | None = None
        """The tokens that are known; None knows all."""
        self._clock = clock
        self._server: aio.Server | None = None
        self._changed: set[asyncio.Event] = set()
        self.add_agent("shell", "Runs command lines. Needs no model.")

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Answer at the socket."""
        self.home.prepare()
        self.home.operator_token.write_text("scripted-operator\n")
        self.home.viewer_token.write_text("scripted-viewer\n")
        self.home.operator_socket.unlink(missing_ok=True)
        server = aio.server(options=server_options())
        register(self, server)
        server.add_insecure_port(unix_target(self.home.operator_socket))
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Answer no more: calls break, the socket is gone, what happened stays."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(0)
        self.home.operator_socket.unlink(missing_ok=True)

    async def drop_connections(self) -> None:
        """Break every connection; the next one is answered."""
        await self.stop()
        await self.start()

    def add_agent(self, name: str, description: str = "") -> Agent:
        """An agent more."""
        metadata = ApiResourceMetadata(name=name, slug=slugify(name), id=new_id(Prefix.AGENT, clock=self._clock))
        agent = Agent(api_version=API_VERSION, kind="Agent", metadata=metadata, spec=AgentSpec(description=description))
        self.agents.insert(0, agent)
        self._told()
        return agent

    def add_execution(
        self,
        *,
        message: str = "true",
        agent: str = "shell",
        execution_id: str = "",
        session_id: str = "",
        phase: "ExecutionPhase.ValueType" = ExecutionPhase.EXECUTION_PENDING,
        events: tuple[ev.Event, ...] = (),
    ) -> str:
        """An execution more, with its first events, `events`, and the events that lead to `phase`. Its id."""
        execution_id = execution_id or new_id(Prefix.AGENT_EXECUTION, clock=self._clock)
        session_id = session_id or new_id(Prefix.SESSION, clock=self._clock)
        agent_id = next((a.metadata.id for a in self.agents if a.metadata.name == agent), "")
        resource = AgentExecution(
            api_version=API_VERSION,
            kind="AgentExecution",
            metadata=ApiResourceMetadata(id=execution_id, name=execution_id),
        )
        resource.spec.session_id, resource.spec.agent_id, resource.spec.message = session_id, agent_id, message
        self.executions[execution_id] = ScriptedExecution(resource, _fold_of(resource))
        created = ev.ExecutionCreated(agent_name=agent, session_id=session_id, message=message, author="local-user")
        self.emit(execution_id, ev.Event(execution_created=created))
        self.move(execution_id, ExecutionPhase.EXECUTION_PENDING)
        if phase > ExecutionPhase.EXECUTION_PENDING:
            self.move(execution_id, ExecutionPhase.EXECUTION_IN_PROGRESS)
            self.emit(execution_id, *events)
        if is_terminal(phase):
            self.move(execution_id, phase)
        return execution_id

    def add_workflow_execution(self, execution_id: str, name: str, *events: ev.Event) -> None:
        """A workflow's run that goes on, with its first events. `ScriptedWorkflows.add` also keeps what it runs."""
        resource = AgentExecution(metadata=ApiResourceMetadata(id=execution_id, name=execution_id))
        self.executions[execution_id] = ScriptedExecution(resource, _fold_of(resource))
        created = ev.ExecutionCreated(workflow_name=name, author="local-user")
        self.emit(execution_id, ev.Event(execution_created=created))
        self.move(execution_id, ExecutionPhase.EXECUTION_PENDING)
        self.move(execution_id, ExecutionPhase.EXECUTION_IN_PROGRESS)
        self.emit(execution_id, *events)

    def emit(self, execution_id: str, *events: ev.Event) -> int:
        """Append events to an execution, and tell whoever tails or watches. The sequence of the last one. An event without a time gets one."""
        execution = self.get(execution_id)
        stamped: list[ev.Event] = []
        for event in events:
            copy = ev.Event()
            copy.CopyFrom(event)
            copy.time_unix_micros = copy.time_unix_micros or int(self._clock() * 1_000_000)
            stamped.append(copy)
        execution.fold.apply(len(execution.events) + 1, stamped)
        execution.events += stamped
        self.revision += 1
        execution.revision = self.revision
        self._told()
        return len(execution.events)

    def move(self, execution_id: str, phase: "ExecutionPhase.ValueType", reason: str = "") -> int:
        """Append a change of phase. Its sequence."""
        return self.emit(execution_id, ev.Event(phase_changed=ev.PhaseChanged(phase=phase, reason=reason)))

    def touch(self, execution_id: str) -> None:
        """An execution has another row."""
        self.revision += 1
        self.get(execution_id).revision = self.revision
        self._told()

    def row(self, execution: ScriptedExecution) -> ExecutionSummary:
        """Its row, with what is no event."""
        row = ExecutionSummary()
        row.CopyFrom(execution.summary)
        row.unseen = row.phase == ExecutionPhase.EXECUTION_FAILED and row.execution_id not in self.seen
        for key, value in execution.resource.metadata.labels.items():
            row.labels[key] = value
        return row

    def remove(self, execution_id: str) -> None:
        """An execution less."""
        del self.executions[execution_id]
        self.revision += 1
        self.removed[execution_id] = self.revision
        self._told()

    def rewind(self, execution_id: str, seq: int) -> None:
        """Events after `seq` are lost, as by a power cut: the store has another incarnation, and cursors are unknown."""
        execution = self.get(execution_id)
        kept = execution.events[:seq]
        execution.fold, execution.events = _fold_of(execution.resource), kept
        execution.fold.apply(1, kept)
        self.incarnation = f"scripted-{int(self.incarnation.rpartition('-')[2]) + 1}"
        self.revision += 1
        execution.revision = self.oldest_revision = self.revision
        self._told()

    def remove_events(self, execution_id: str, up_to: int) -> None:
        """Events up to `up_to` are removed, as from an old execution: a tail from before them gets a snapshot."""
        execution = self.get(execution_id)
        fold = _fold_of(execution.resource)
        fold.apply(1, execution.events[:up_to])
        execution.snapshot, execution.first_available = fold.state(), up_to + 1

    def get(self, execution_id: str) -> ScriptedExecution:
        """An execution. Raises `NotFound`."""
        execution = self.executions.get(execution_id)
        if execution is None:
            raise NotFound(f"there is no execution {execution_id}", remedy="`stigmer get executions` lists them")
        return execution

    def calls_of(self, method: str) -> list[Call]:
        """What was asked by this method, in order."""
        return [call for call in self.calls if call.method == method]

    def create(self, execution: AgentExecution) -> str:
        """What `create` does before `on_create`. The new id."""
        agent = next((a.metadata.name for a in self.agents if a.metadata.id == execution.spec.agent_id), "")
        if not agent and not execution.spec.session_id:
            raise NotFound("there is no such agent", remedy="`stigmer get agents` lists them")
        execution_id = self.add_execution(
            message=execution.spec.message, agent=agent or "shell", session_id=execution.spec.session_id
        )
        self.get(execution_id).resource.spec.options.CopyFrom(execution.spec.options)
        return execution_id

    def send(self, execution_id: str, text: str) -> str:
        """What `SendMessage` does before `on_send`. The command's id."""
        if self.get(execution_id).ended:
            raise FailedPrecondition("the execution had ended", remedy="start another one")
        command_id = new_id(Prefix.COMMAND, clock=self._clock)
        command = ev.CommandIssued(command_id=command_id, author="local-user")
        command.send_message.text = text
        applied = ev.CommandApplied(command_id=command_id)
        self.emit(execution_id, ev.Event(command_issued=command), ev.Event(command_applied=applied))
        return command_id

    def cancel(self, execution_id: str, reason: str) -> str:
        """What `Cancel` of a living execution does before `on_cancel`. The command's id."""
        command_id = new_id(Prefix.COMMAND, clock=self._clock)
        command = ev.CommandIssued(command_id=command_id, author="local-user")
        command.cancel.reason = reason
        self.emit(
            execution_id,
            ev.Event(command_issued=command),
            ev.Event(command_applied=ev.CommandApplied(command_id=command_id)),
            ev.Event(phase_changed=ev.PhaseChanged(phase=ExecutionPhase.EXECUTION_CANCELLED, reason=reason)),
        )
        return command_id

    def attached(self, execution_id: str, terminal_id: str) -> Terminal:
        """A person attaches."""
        terminal = Terminal(execution_id, terminal_id)
        self.terminals.append(terminal)
        return terminal

    def end_terminal(self, terminal: Terminal, reason: str) -> None:
        """The person's session ends, for `reason`."""
        terminal.ended, terminal.reason = True, reason
        self._told()

    def note(self, method: str, request: Message, idempotency_key: str) -> None:
        """A client asked something."""
        self.calls.append(Call(method, request, idempotency_key))

    @contextmanager
    def changes(self) -> Generator[asyncio.Event]:
        """An event that is set whenever something changes; who waits for it clears it."""
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            yield changed
        finally:
            self._changed.discard(changed)

    def say(self, *, mute: bool) -> None:
        """Streams say nothing, or go on."""
        self.mute = mute
        self._told()

    def _told(self) -> None:
        for changed in self._changed:
            changed.set()


def line_events(
    line: str, *, output: bytes = b"", exit_code: int = 0, number: int = 1, finished: bool = True
) -> tuple[ev.Event, ...]:
    """The events of one command line of `shell`, in the runner's order. `number` makes ids unique; not `finished`: it still runs."""
    message_id, call_id, terminal_id = f"msg-{number}", f"call-{number}", f"term-{number}"
    requested = ev.ToolCallRequested(call_id=call_id, message_id=message_id, name="shell")
    requested.args.fields["command"].string_value = line
    started = ev.ToolCallStarted(call_id=call_id, terminal_id=terminal_id, directory="/workspace", columns=80, rows=24)
    started.sandbox.kind, started.sandbox.walls, started.sandbox.network = "bwrap", True, True
    events = [
        ev.Event(message_started=ev.MessageStarted(message_id=message_id, type=MessageType.MESSAGE_HUMAN)),
        ev.Event(text_delta=ev.TextDelta(message_id=message_id, text=line)),
        ev.Event(message_completed=ev.MessageCompleted(message_id=message_id)),
        ev.Event(tool_call_requested=requested),
        ev.Event(tool_call_started=started),
    ]
    if output:
        events.append(ev.Event(terminal_output=ev.TerminalOutput(terminal_id=terminal_id, data=output)))
    if finished:
        over = ev.ToolCallFinished(
            call_id=call_id,
            outcome=ev.ToolOutcome.TOOL_OUTCOME_ENDED,
            exit_code=exit_code,
            duration_micros=1000,
            directory="/workspace",
            output_bytes=len(output),
        )
        events.append(ev.Event(tool_call_finished=over))
    return tuple(events)


def _fold_of(execution: AgentExecution) -> Fold:
    """The fold before the first event."""
    state = empty_fold(execution.metadata.id)
    state.summary.agent_id = execution.spec.agent_id
    return Fold(state)


async def _nothing(_: str) -> None:
    """A hook that does nothing."""
