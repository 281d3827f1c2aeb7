"""What an execution's events say: read to the end, across however many daemons."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, ToolCallFinished
from stigmer_apis.client import Client, TailBatch, TailEnd, TailReset


async def everything(client: Client, execution_id: str, *, follow: bool) -> list[Event]:
    """All events that one tail gives. Raises `AssertionError` for a number that is not the next one."""
    events: list[Event] = []
    async for item in client.tail(execution_id, follow=follow):
        match item:
            case TailBatch(first_seq, batch):
                assert first_seq == len(events) + 1, f"{first_seq} after {len(events)} events"
                events += batch
            case TailReset():
                raise AssertionError(f"a reader of {execution_id} was sent back: {item}")
            case TailEnd(final_seq):
                assert final_seq == len(events)
            case _:
                pass
    return events


@dataclass(slots=True)
class CommandRun:
    """One command line, as the events tell of it."""

    line: str
    started: int = 0
    """How often it was started."""
    output: bytes = b""
    finished: ToolCallFinished | None = None


@dataclass(slots=True)
class Story:
    """What happened in an execution of `shell`."""

    commands: list[CommandRun] = field(default_factory=list[CommandRun])
    """In the order in which they were asked for."""
    phase: "ExecutionPhase.ValueType" = ExecutionPhase.EXECUTION_PHASE_UNSPECIFIED
    reason: str = ""
    issued: set[str] = field(default_factory=set[str])
    """Commands of people that were accepted."""
    settled: set[str] = field(default_factory=set[str])
    """Of these, applied or rejected."""


def story_of(events: Sequence[Event]) -> Story:
    """Read the events. Raises `AssertionError` where they contradict themselves."""
    story = Story()
    by_call: dict[str, CommandRun] = {}
    by_terminal: dict[str, CommandRun] = {}
    for event in events:
        match event.WhichOneof("body"):
            case "tool_call_requested":
                requested = event.tool_call_requested
                assert requested.call_id not in by_call, "a call was requested twice"
                command = by_call[requested.call_id] = CommandRun(str(requested.args["command"]))
                story.commands.append(command)
            case "tool_call_started":
                command = by_call[event.tool_call_started.call_id]
                command.started += 1
                by_terminal[event.tool_call_started.terminal_id] = command
            case "terminal_output":
                by_terminal[event.terminal_output.terminal_id].output += event.terminal_output.data
            case "tool_call_finished":
                command = by_call[event.tool_call_finished.call_id]
                assert command.finished is None, "a call finished twice"
                command.finished = event.tool_call_finished
            case "phase_changed":
                story.phase, story.reason = event.phase_changed.phase, event.phase_changed.reason
            case "command_issued":
                assert event.command_issued.command_id not in story.issued, "a command was issued twice"
                story.issued.add(event.command_issued.command_id)
            case "command_applied":
                story.settled.add(event.command_applied.command_id)
            case "command_rejected":
                story.settled.add(event.command_rejected.command_id)
            case _:
                pass
    return story
