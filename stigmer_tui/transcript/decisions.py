"""What a run asks a person: tool calls that wait for a decision, and questions. A fold over its events."""

from dataclasses import dataclass, field

from google.protobuf.struct_pb2 import Struct

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, QuestionAsked


@dataclass(frozen=True, slots=True)
class Asked:
    """A tool call that waits for a decision. Its texts are untrusted."""

    call_id: str
    tool: str
    args: Struct
    """Its arguments, as the model gave them."""
    summary: str
    """What will happen, whole."""
    reason: str
    """Why a person is asked."""
    binding: bytes
    """What an answer is good for."""
    prefix: tuple[str, ...]
    """First words that may be allowed from here on; empty where that is not offered."""
    number: int = 0
    """Counts what was asked in this run: the same call asked about again is another question."""
    execution_id: str = ""
    """Whose call it is, where calls of several runs stand side by side."""
    origin: str = ""
    """Who asks, where several may."""
    is_cut: bool = False
    """Whether the summary is not whole: then nothing can be allowed by it."""

    @property
    def key(self) -> str:
        """Tells it from others that wait; calls of several runs may have the same id."""
        return f"{self.execution_id}/{self.call_id}" if self.execution_id else self.call_id


@dataclass(slots=True)
class Decisions:
    """What is open, the oldest first."""

    approvals: dict[str, Asked] = field(default_factory=dict[str, Asked])
    """By call."""
    questions: dict[str, QuestionAsked] = field(default_factory=dict[str, QuestionAsked])
    """By attention."""
    _asked_so_far: int = 0
    _calls: dict[str, tuple[str, Struct]] = field(default_factory=dict[str, tuple[str, Struct]])

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        match event.WhichOneof("body"):
            case "tool_call_requested":
                requested = event.tool_call_requested
                self._calls[requested.call_id] = (requested.name, requested.args)
            case "approval_requested":
                self._asked(event)
            case "approval_resolved":
                self.approvals.pop(event.approval_resolved.call_id, None)
            case "tool_call_started":
                self.approvals.pop(event.tool_call_started.call_id, None)
            case "tool_call_finished":
                self.approvals.pop(event.tool_call_finished.call_id, None)
                self._calls.pop(event.tool_call_finished.call_id, None)
            case "question_asked":
                self.questions[event.question_asked.attention_id] = event.question_asked
            case "attention_cleared":
                self.questions.pop(event.attention_cleared.attention_id, None)
            case _:
                return

    def over(self) -> None:
        """The run has ended: nobody waits any more."""
        self.approvals.clear()
        self.questions.clear()
        self._calls.clear()

    def _asked(self, event: Event) -> None:
        requested = event.approval_requested
        self._asked_so_far += 1
        tool, args = self._calls.get(requested.call_id, ("a tool", Struct()))
        self.approvals[requested.call_id] = Asked(
            requested.call_id,
            tool,
            args,
            requested.summary,
            requested.reason,
            requested.binding,
            tuple(requested.prefix),
            self._asked_so_far,
        )
