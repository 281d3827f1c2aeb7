"""Events of runs that never were."""

from collections.abc import Iterable, Mapping

from google.protobuf.struct_pb2 import Struct

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev

BEGUN = 1_700_000_000_000_000
"""Microseconds since 1970."""


class Run:
    """Events, each a tenth of a second after the one before unless told otherwise."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self.micros = BEGUN
        self.calls = 0

    def add(self, event: ev.Event, after: float = 0.1) -> "Run":
        """Another event, so many seconds later."""
        self.micros += round(after * 1_000_000)
        event.time_unix_micros = self.micros
        self.events.append(event)
        return self

    def created(
        self, *, agent_name: str = "", session_id: str = "", message: str = "", workspace: str = "", author: str = ""
    ) -> "Run":
        """It is asked for."""
        created = ev.ExecutionCreated(
            agent_name=agent_name, session_id=session_id, message=message, workspace=workspace, author=author
        )
        return self.add(ev.Event(execution_created=created))

    def says(
        self,
        text: str,
        kind: "enums.MessageType.ValueType" = enums.MESSAGE_AI,
        reasoning: str = "",
        interrupted: str = "",
        cut: int = 7,
    ) -> "Run":
        """A message, in pieces."""
        name = f"msg-{len(self.events)}"
        self.add(ev.Event(message_started=ev.MessageStarted(message_id=name, type=kind)))
        for place in range(0, len(reasoning), cut):
            delta = ev.ReasoningDelta(message_id=name, text=reasoning[place : place + cut])
            self.add(ev.Event(reasoning_delta=delta))
        for place in range(0, len(text), cut):
            self.add(ev.Event(text_delta=ev.TextDelta(message_id=name, text=text[place : place + cut])))
        return self.add(ev.Event(message_completed=ev.MessageCompleted(message_id=name, interrupted=interrupted)))

    def begins(
        self,
        command: str,
        *,
        terminal: str = "",
        size: tuple[int, int] = (80, 24),
        name: str = "shell",
        args: Mapping[str, str] | None = None,
        directory: str = "",
    ) -> str:
        """A call begins; its id."""
        self.calls += 1
        call = f"call-{self.calls}"
        given = Struct()
        given.update(dict(args) if args is not None else {"command": command})
        self.add(ev.Event(tool_call_requested=ev.ToolCallRequested(call_id=call, name=name, args=given)))
        started = ev.ToolCallStarted(
            call_id=call,
            terminal_id=terminal or f"term-{self.calls}",
            columns=size[0],
            rows=size[1],
            directory=directory,
        )
        self.add(ev.Event(tool_call_started=started))
        return call

    def prints(self, data: bytes, terminal: str = "", after: float = 0.1) -> "Run":
        """Output."""
        output = ev.TerminalOutput(terminal_id=terminal or f"term-{self.calls}", data=data)
        return self.add(ev.Event(terminal_output=output), after)

    def resized(self, columns: int, rows: int, terminal: str = "") -> "Run":
        """Another size."""
        told = ev.TerminalResized(terminal_id=terminal or f"term-{self.calls}", columns=columns, rows=rows)
        return self.add(ev.Event(terminal_resized=told))

    def ends(
        self, call: str = "", code: int = 0, *, background_id: str = "", result: str = "", error: str = ""
    ) -> "Run":
        """A call ends."""
        finished = ev.ToolCallFinished(
            call_id=call or f"call-{self.calls}",
            outcome=ev.TOOL_OUTCOME_ENDED,
            exit_code=code,
            background_id=background_id,
            result=result,
            error=error,
        )
        return self.add(ev.Event(tool_call_finished=finished))

    def over(self, phase: "enums.ExecutionPhase.ValueType" = enums.EXECUTION_COMPLETED, reason: str = "") -> "Run":
        """The run ends."""
        return self.add(ev.Event(phase_changed=ev.PhaseChanged(phase=phase, reason=reason)))


def printed(events: Iterable[ev.Event]) -> bytes:
    """Everything that terminals printed, in order."""
    return b"".join(event.terminal_output.data for event in events)
