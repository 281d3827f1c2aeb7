"""What a run that a model drives says on a command line: its text as output; what it does, and what it asks, beside it."""

from collections.abc import Callable

import click

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2
from stigmer_tui.cli.connect import note
from stigmer_tui.text import safe
from stigmer_tui.transcript.calls import shown_call
from stigmer_tui.transcript.remarks import remark_of

_LONGEST = 200
"""Characters of a tool call that are said."""
_TOLD = frozenset(
    {"model_call_failed", "model_changed", "context_compacted", "limit_neared", "log_line", "turn_undone"}
)
"""What happens to a run that a person wants to know of while it works, in the words of the transcript."""


class ModelTalk:
    """Reads the events of a run in order. Once a model spoke in it, output of its commands is no output of the run."""

    def __init__(self, say: Callable[[str], None], execution_id: str, *, live: bool) -> None:
        """`say` is given the model's text, as it comes. `live`: somebody waits for the run's end, and can still do something."""
        self._say = say
        self._execution_id = execution_id
        self._live = live
        self._messages: set[str] = set()
        self._tools: dict[str, str] = {}
        """By tool call: which tool."""
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
                self._tools[requested.call_id] = requested.name
                self._note(f"{requested.name} {shown_call(requested.name, requested.args)}"[:_LONGEST])
            case "tool_call_finished" if self.is_model:
                if event.tool_call_finished.error:
                    self._note(f"failed: {event.tool_call_finished.error}"[:_LONGEST])
            case "approval_requested":
                asked = event.approval_requested
                self._tell(
                    f"waits for a decision about {asked.call_id}: {asked.summary}\n"
                    f"  stigmer approve|deny {self._execution_id} {asked.call_id}"
                )
            case "approval_resolved" if event.approval_resolved.HasField("edited_args"):
                decided = event.approval_resolved
                tool = self._tools.get(decided.call_id, "")
                call = f"{tool} {shown_call(tool, decided.edited_args)}"
                self._note(f"changed by {decided.author or 'a person'}: {call}"[:_LONGEST])
            case "question_asked":
                question = event.question_asked
                options = f"\n  one of: {', '.join(question.options)}" if question.options else ""
                self._tell(f"asks: {question.text}{options}\n  stigmer answer {self._execution_id} TEXT")
            case "model_call_failed" if (
                not event.model_call_failed.retry_unix_micros
                and not event.sub_agent_id
                and event.model_call_failed.message_id in self._messages
            ):
                self._end_line()  # Where it is not tried again the run ends, or goes on, with these words.
            case "limit_neared" if event.limit_neared.reached:
                self._end_line()  # The run's end says it.
            case "log_line" if event.log_line.level < event_pb2.LOG_LEVEL_WARNING:
                pass
            case "artifact_added":
                kept = event.artifact_added
                self._tell(f"{kept.name} is kept ({kept.size:,} bytes): stigmer artifact get {kept.artifact_id}")
            case kind if kind in _TOLD and (remark := remark_of(event)) is not None:
                self._tell(remark.text)
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
        """What it does: for whoever watches."""
        self._end_line()
        note(f"stigmer: {safe(text, lines=True)}")

    def _tell(self, text: str) -> None:
        """What a person must know while it runs, wherever standard error goes."""
        if not self._live:
            self._note(text)
            return
        self._end_line()
        click.echo(f"stigmer: {safe(text, lines=True)}", err=True)
