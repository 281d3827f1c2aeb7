"""The commands of one execution: what was asked, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandApplied, CommandIssued, CommandRejected, Event
from stigmer_backend.executions.event_batches import decode_events, encode_events


class CommandState(Enum):
    """What became of a command."""

    PENDING = "pending"
    APPLIED = "applied"
    REJECTED = "rejected"


@dataclass(slots=True)
class Command:
    """A command and what became of it. Of one that is settled, what was asked is kept no longer."""

    issued: CommandIssued
    state: CommandState = CommandState.PENDING
    reason: str = ""
    """Why it was rejected."""


class Ledger:
    """All commands of an execution, by id, in the order in which they were issued."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}

    @classmethod
    def decode(cls, body: bytes) -> "Ledger":
        """What `encode` wrote."""
        ledger = cls()
        ledger.take(decode_events(body))
        return ledger

    def take(self, events: Iterable[Event]) -> None:
        """Note what `events` say of commands."""
        for event in events:
            match event.WhichOneof("body"):
                case "command_issued":
                    issued = event.command_issued
                    self._commands.setdefault(issued.command_id, Command(issued))
                case "command_applied":
                    self._settle(event.command_applied.command_id, CommandState.APPLIED, "")
                case "command_rejected":
                    rejected = event.command_rejected
                    self._settle(rejected.command_id, CommandState.REJECTED, rejected.reason)
                case _:
                    pass

    def get(self, command_id: str) -> Command | None:
        """The command, or None."""
        return self._commands.get(command_id)

    def pending(self) -> list[CommandIssued]:
        """Commands that nothing became of yet, in order."""
        return [command.issued for command in self._commands.values() if command.state is CommandState.PENDING]

    def pending_cancel(self) -> CommandIssued | None:
        """The first cancel that nothing became of yet, or None."""
        return next((issued for issued in self.pending() if issued.WhichOneof("command") == "cancel"), None)

    def encode(self) -> bytes:
        """The ledger as an encoded batch of events."""
        events: list[Event] = []
        for command_id, command in self._commands.items():
            events.append(Event(command_issued=command.issued))
            if command.state is CommandState.APPLIED:
                events.append(Event(command_applied=CommandApplied(command_id=command_id)))
            elif command.state is CommandState.REJECTED:
                events.append(Event(command_rejected=CommandRejected(command_id=command_id, reason=command.reason)))
        return encode_events(events)

    def _settle(self, command_id: str, state: CommandState, reason: str) -> None:
        command = self._commands.get(command_id)
        if command is not None and command.state is CommandState.PENDING:
            command.state, command.reason = state, reason
            command.issued = kind_alone(command.issued)


def settled_commands(events: Iterable[Event]) -> set[str]:
    """Ids of the commands that `events` settle."""
    applied = {event.command_applied.command_id for event in events if event.HasField("command_applied")}
    return applied | {event.command_rejected.command_id for event in events if event.HasField("command_rejected")}


def kind_alone(issued: CommandIssued) -> CommandIssued:
    """`issued` without what was asked: its id, author, and which kind of command it is."""
    bare = CommandIssued(command_id=issued.command_id, author=issued.author)
    match issued.WhichOneof("command"):
        case "cancel":
            bare.cancel.SetInParent()
        case "send_message":
            bare.send_message.SetInParent()
        case "pause":
            bare.pause.SetInParent()
        case "resume":
            bare.resume.SetInParent()
        case "resolve_approval":
            bare.resolve_approval.SetInParent()
        case "answer":
            bare.answer.SetInParent()
        case "signal":
            bare.signal.SetInParent()
        case "interrupt":
            bare.interrupt.SetInParent()
        case "change_model":
            bare.change_model.SetInParent()
        case "change_policy":
            bare.change_policy.SetInParent()
        case "undo_turn":
            bare.undo_turn.SetInParent()
        case _:
            pass
    return bare
