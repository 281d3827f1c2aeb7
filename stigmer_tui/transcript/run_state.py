"""Where a run stands, for the line above it: its phase, what runs in it, what waits, how far a stop came."""

from dataclasses import dataclass, field
from enum import Enum

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, Event, ToolCallFinished
from stigmer_tui.theme.phases import LIVE
from stigmer_tui.transcript.decisions import Decisions


class StopState(Enum):
    """How far stopping a run came."""

    NOT_ASKED = "not asked"
    REQUESTED = "stop requested"
    """Somebody asked here; not stored yet."""
    STOPPING = "stopping"
    """It is stored and on its way to whoever runs it."""
    STOPPED = "stopped"


@dataclass(slots=True)
class RunState:
    """A fold over the events of one execution, small enough to look at."""

    execution_id: str = ""
    agent: str = ""
    session_id: str = ""
    workspace: str = ""
    subject: str = ""
    phase: "enums.ExecutionPhase.ValueType" = enums.EXECUTION_PENDING
    reason: str = ""
    started_micros: int = 0
    ended_micros: int = 0
    exit_code: int | None = None
    stop: StopState = StopState.NOT_ASKED
    killed: list[tuple[int, str]] = field(default_factory=lambda: list[tuple[int, str]]())
    no_walls: str | None = None
    sandbox: str = ""
    """What its last command ran in, as the runner calls it; empty before the first."""
    terminals: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    """Terminals that run now, to their calls; the last one is what Enter attaches to."""
    call_started_micros: int = 0
    queued: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    """Commands with a message that waits, and its text: taken by the agent or not, it has not begun."""
    withdrawing: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    """Commands that take a message back, and the command that brought it."""
    waits_for: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    """What waits for a person: by id, in words."""
    decisions: Decisions = field(default_factory=Decisions)
    """Tool calls that wait for a decision, and questions."""
    model: str = ""
    """What answers, empty where no model does."""
    tokens: int = 0
    cost_micro_usd: int = 0
    """Millionths of a US dollar, as far as prices are known."""
    paused: bool = False
    damage: str = ""
    """Why no more of it can be read, where a damaged disk took something of it."""

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.phase in LIVE

    @property
    def known(self) -> bool:
        """Whether anything of it was read yet."""
        return bool(self.started_micros or self.agent or self.reason) or self.phase != enums.EXECUTION_PENDING

    @property
    def terminal_id(self) -> str:
        """The terminal that runs, empty where none does."""
        return next(reversed(self.terminals), "")

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        self.decisions.apply(event)
        match event.WhichOneof("body"):
            case "execution_created":
                created = event.execution_created
                self.agent, self.session_id = created.agent_name, created.session_id
                self.workspace, self.subject = created.workspace, created.message.split("\n")[0]
                self.started_micros = event.time_unix_micros
            case "phase_changed":
                self._phase(event)
            case "status_replaced":
                self.phase = event.status_replaced.status.phase
            case "tool_call_started":
                self._call_started(event)
            case "tool_call_finished":
                self._call_finished(event.tool_call_finished)
            case "command_issued":
                self._issued(event.command_issued)
            case "message_started":
                self.queued.pop(event.message_started.command_id, None)
            case "command_applied":
                self.queued.pop(self.withdrawing.pop(event.command_applied.command_id, ""), None)
            case "command_rejected":
                self.queued.pop(event.command_rejected.command_id, None)
                self.withdrawing.pop(event.command_rejected.command_id, None)
            case "attention_raised":
                self.waits_for[event.attention_raised.attention_id] = event.attention_raised.text
            case "attention_cleared":
                self.waits_for.pop(event.attention_cleared.attention_id, None)
            case "model_call_started":
                self.model = event.model_call_started.model
            case "model_changed":
                self.model = event.model_changed.model
            case "usage_reported":
                used = event.usage_reported
                self.tokens += used.input_tokens + used.output_tokens
                self.cost_micro_usd += used.cost_micro_usd
            case _:
                return

    def _phase(self, event: Event) -> None:
        self.phase, self.reason = event.phase_changed.phase, event.phase_changed.reason
        if not self.live:
            self.ended_micros = event.time_unix_micros
            self.terminals.clear()
            self.queued.clear()
            self.waits_for.clear()
            self.decisions.over()
            self.paused = False
            if self.stop is not StopState.NOT_ASKED:
                cancelled = self.phase == enums.EXECUTION_CANCELLED
                self.stop = StopState.STOPPED if cancelled else StopState.NOT_ASKED

    def _call_started(self, event: Event) -> None:
        started = event.tool_call_started
        self.call_started_micros = event.time_unix_micros
        if started.terminal_id:
            self.terminals[started.terminal_id] = started.call_id
        if started.HasField("sandbox"):
            self.sandbox = started.sandbox.kind
            if not started.sandbox.walls:
                self.no_walls = started.sandbox.reason

    def _call_finished(self, finished: ToolCallFinished) -> None:
        self.terminals = {terminal: call for terminal, call in self.terminals.items() if call != finished.call_id}
        self.killed += [(process.pid, process.command) for process in finished.killed]
        if finished.HasField("exit_code"):
            self.exit_code = finished.exit_code

    def _issued(self, issued: CommandIssued) -> None:
        if issued.HasField("cancel"):
            self.stop = StopState.STOPPING
        elif issued.HasField("send_message"):
            self.queued[issued.command_id] = issued.send_message.text
        elif issued.HasField("withdraw_message"):
            self.withdrawing[issued.command_id] = issued.withdraw_message.sent_by
        elif issued.HasField("pause"):
            self.paused = True
        elif issued.HasField("resume"):
            self.paused = False
