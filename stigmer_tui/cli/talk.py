"""What a run that a model drives says on a command line: its text as output; what it does, and what it asks, beside it."""

from collections.abc import Callable

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2
from stigmer_tui.cli.connect import note
from stigmer_tui.text import safe
from stigmer_tui.transcript.calls import shown_call

_LONGEST = 200
"""Characters of a tool call that are said."""


class ModelTalk:
    """Reads the events of a run in order. Once a model spoke in it, output of its commands is no output of the run."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """`say` is given the model's text, as it comes."""
        self._say = say
        self._messages: set[str] = set()
        self._in_line = False
        self.is_model = False
        """Whether a model drives the run, as far as it was read."""

    def take(self, event: event_pb2.Event) -> bool:
        """Whether the event belongs to a model's run and is dealt with."""
        match event.WhichOneof("body"):
            case "model_call_started":
                self.is_model = True
            case "message_started" if event.message_started.type == enums.MESSAGE_AI:
                self.is_model = True
                if not event.sub_agent_id:
                    self._messages.add(event.message_started.message_id)
            case "text_delta" if event.text_delta.message_id in self._messages:
                self._text(event.text_delta.text)
            case "message_completed" if event.message_completed.message_id in self._messages:
                self._end_line()
            case "tool_call_requested" if self.is_model:
                requested = event.tool_call_requested
                self._note(f"{requested.name} {shown_call(requested.name, requested.args)}"[:_LONGEST])
            case "tool_call_finished" if self.is_model:
                if event.tool_call_finished.error:
                    self._note(f"failed: {event.tool_call_finished.error}"[:_LONGEST])
            case "approval_requested":
                asked = event.approval_requested
                self._note(
                    f"waits for a decision about {asked.call_id}: {asked.summary}\n  stigmer approve|deny ID {asked.call_id}"
                )
            case "question_asked":
                self._note(f"asks: {event.question_asked.text}\n  stigmer answer ID TEXT")
            case "model_call_failed":
                self._note(event.model_call_failed.error)
            case "terminal_output":
                return self.is_model
            case _:
                return False
        return True

    def _text(self, text: str) -> None:
        if text:
            self._say(text)
            self._in_line = not text.endswith("\n")

    def _end_line(self) -> None:
        if self._in_line:
            self._say("\n")
            self._in_line = False

    def _note(self, text: str) -> None:
        self._end_line()
        note(f"stigmer: {safe(text, lines=True)}")
