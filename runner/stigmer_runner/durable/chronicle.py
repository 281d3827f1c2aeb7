"""The events of an agent execution's own steps."""

from collections.abc import Callable, Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
    EXECUTION_IN_PROGRESS,
    ExecutionPhase,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    ApprovalResolved,
    AttentionCleared,
    CommandApplied,
    CommandIssued,
    CommandRejected,
    Event,
    PhaseChanged,
)
from stigmer_runner.durable.telling import approval_attention
from stigmer_runner.engine.chronicle import Cancelled, Failed, RunEnd


class ExecutionChronicle:
    """Tells the phases of an execution and which commands took effect. `clock` gives microseconds since 1970."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._issued: dict[str, CommandIssued] = {}

    def issued(self, command: CommandIssued) -> None:
        """A command is on its way: when it takes effect, what it decided is told with it."""
        self._issued[command.command_id] = command

    def of_sub_agent(self) -> "SubAgentChronicle":
        """The same for a sub-agent: its beginning and its end are its agent's to tell."""
        return SubAgentChronicle(self)

    def begun(self) -> Sequence[Event]:
        """A runner took it up."""
        return (self._phase(EXECUTION_IN_PROGRESS, ""),)

    def applied(self, command_id: str) -> Sequence[Event]:
        """A command took effect."""
        command = self._issued.pop(command_id, None)
        decided = () if command is None else self._decided(command)
        return (
            *decided,
            Event(time_unix_micros=self._clock(), command_applied=CommandApplied(command_id=command_id)),
        )

    def rejected(self, command_id: str, reason: str) -> Sequence[Event]:
        """A command will not take effect."""
        self._issued.pop(command_id, None)
        rejected = CommandRejected(command_id=command_id, reason=reason)
        return (Event(time_unix_micros=self._clock(), command_rejected=rejected),)

    def ended(self, end: RunEnd) -> Sequence[Event]:
        """It is over."""
        match end:
            case Failed(reason):
                return (self._phase(EXECUTION_FAILED, reason),)
            case Cancelled(reason):
                return (self._phase(EXECUTION_CANCELLED, reason),)
            case _:
                return (self._phase(EXECUTION_COMPLETED, ""),)

    def _decided(self, command: CommandIssued) -> Sequence[Event]:
        """What a person decided by a command."""
        now = self._clock()
        match command.WhichOneof("command"):
            case "resolve_approval":
                given = command.resolve_approval
                resolved = ApprovalResolved(
                    call_id=given.call_id, approval=given.approval, reason=given.reason, author=command.author
                )
                if given.HasField("edited_args"):
                    resolved.edited_args.CopyFrom(given.edited_args)
                attention = AttentionCleared(attention_id=approval_attention(given.call_id))
                return (
                    Event(time_unix_micros=now, approval_resolved=resolved),
                    Event(time_unix_micros=now, attention_cleared=attention),
                )
            case "answer":
                attention = AttentionCleared(attention_id=command.answer.attention_id)
                return (Event(time_unix_micros=now, attention_cleared=attention),)
            case _:
                return ()

    def _phase(self, phase: ExecutionPhase.ValueType, reason: str) -> Event:
        return Event(time_unix_micros=self._clock(), phase_changed=PhaseChanged(phase=phase, reason=reason))


class SubAgentChronicle:
    """Tells which commands took effect in a sub-agent's run."""

    def __init__(self, agent: ExecutionChronicle) -> None:
        self._agent = agent

    def begun(self) -> Sequence[Event]:
        """Nothing: `SubAgentStarted` tells it."""
        return ()

    def applied(self, command_id: str) -> Sequence[Event]:
        """A command took effect."""
        return self._agent.applied(command_id)

    def rejected(self, command_id: str, reason: str) -> Sequence[Event]:
        """A command will not take effect."""
        return self._agent.rejected(command_id, reason)

    def ended(self, end: RunEnd) -> Sequence[Event]:
        """Nothing: `SubAgentFinished` tells it."""
        return ()
