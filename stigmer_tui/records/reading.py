"""Events of a run as parts of a document, an event at a time. Output is passed on as it comes; only what is not over yet is held."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as events
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_tui.records.parts import Author, Begun, CallBegun, CallEnded, Changed, Ended, Noted, Output, Part, Said
from stigmer_tui.records.terminal_lines import TerminalLines
from stigmer_tui.transcript.blocks import ToolCall
from stigmer_tui.transcript.calls import finish_call, killed_words, outcome_words, shown_call
from stigmer_tui.transcript.remarks import remark_of

_AUTHORS = {enums.MESSAGE_HUMAN: Author.PERSON, enums.MESSAGE_AI: Author.AGENT}
_CHANGES = {
    events.FILE_CHANGE_CREATED: "created",
    events.FILE_CHANGE_MODIFIED: "changed",
    events.FILE_CHANGE_DELETED: "deleted",
}
_DECISIONS = {
    events.APPROVAL_ONCE: "allowed once",
    events.APPROVAL_SESSION: "allowed for this session",
    events.APPROVAL_PREFIX: "allowed, and what begins like it",
    events.APPROVAL_DENIED: "denied",
    events.APPROVAL_EXPIRED: "not answered in time",
}
_ENDS = {
    enums.EXECUTION_COMPLETED: "completed",
    enums.EXECUTION_FAILED: "failed",
    enums.EXECUTION_CANCELLED: "cancelled",
}
_TODOS = {
    enums.TODO_PENDING: "waits",
    enums.TODO_IN_PROGRESS: "now",
    enums.TODO_COMPLETED: "done",
    enums.TODO_CANCELLED: "dropped",
}


@dataclass(slots=True)
class _Message:
    """A message that is not over."""

    author: Author
    sub_agent: str
    micros: int
    text: list[str]
    reasoning: list[str]

    def said(self, interrupted: str, content: str | None = None) -> Said:
        text = "".join(self.text) if content is None else content
        return Said(self.author, text, "".join(self.reasoning), interrupted, self.sub_agent, self.micros)


@dataclass(slots=True)
class _Call:
    """A call that is not over."""

    tool: str
    summary: str
    sub_agent: str
    terminal_id: str = ""


class RecordReader:
    """`take` is given all events of a run in order."""

    def __init__(self) -> None:
        self._messages: dict[str, _Message] = {}
        self._calls: dict[str, _Call] = {}
        self._terminals: dict[str, tuple[str, TerminalLines]] = {}

    def take(self, event: Event) -> Iterable[Part]:
        """What the event adds."""
        match event.WhichOneof("body"):
            case "terminal_output":
                return self._output(event)
            case "text_delta":
                self._message(event, event.text_delta.message_id).text.append(event.text_delta.text)
                return ()
            case "reasoning_delta":
                self._message(event, event.reasoning_delta.message_id).reasoning.append(event.reasoning_delta.text)
                return ()
            case _:
                return self._rare(event)

    def finish(self) -> Iterator[Part]:
        """What was not over when the events ended."""
        for message in self._messages.values():
            yield message.said("not over yet")
        for call_id, lines in self._terminals.values():
            if left := lines.finish():
                yield Output(call_id, left)
        self._messages.clear()
        self._terminals.clear()

    def _rare(self, event: Event) -> Iterator[Part]:
        match event.WhichOneof("body"):
            case "execution_created":
                made = event.execution_created
                yield Begun(made.agent_name, made.session_id, made.workspace, made.author, event.time_unix_micros)
            case "phase_changed":
                ended = _ENDS.get(event.phase_changed.phase)
                if ended is not None:
                    yield from self.finish()
                    yield Ended(ended, event.phase_changed.reason, event.time_unix_micros)
            case "message_started":
                started = event.message_started
                self._message(event, started.message_id).author = _AUTHORS.get(started.type, Author.OTHER)
            case "message_completed":
                yield from self._completed(event)
            case "tool_call_requested":
                asked = event.tool_call_requested
                summary = shown_call(asked.name, asked.args)
                self._calls[asked.call_id] = _Call(asked.name, summary, event.sub_agent_id)
            case "approval_resolved":
                decided = event.approval_resolved
                call = self._calls.get(decided.call_id)
                words = _DECISIONS.get(decided.approval, "decided")
                if decided.HasField("edited_args"):
                    words = f"changed, and {words}"
                    if call is not None:
                        call.summary = shown_call(call.tool, decided.edited_args)
                who = f" by {decided.author}" if decided.author else ""
                why = f": {decided.reason}" if decided.reason else ""
                yield Noted(f"{call.tool if call else 'A call'} was {words}{who}{why}")
            case "tool_call_started":
                yield from self._started(event)
            case "tool_call_finished":
                yield from self._finished(event)
            case "file_changed":
                changed = event.file_changed
                what = _CHANGES.get(changed.change, "changed")
                yield Changed(changed.path, what, changed.diff, changed.lines_added, changed.lines_removed)
            case "todo_list_changed":
                todos = event.todo_list_changed.todos.values()
                lines = [f"{_TODOS.get(todo.status, '?')}: {todo.content}" for todo in todos]
                yield Noted("The list of todos:\n" + "\n".join(lines))
            case "sub_agent_started":
                began = event.sub_agent_started
                yield Noted(f"{began.name or began.sub_agent_id} begins: {began.input}")
            case "sub_agent_finished":
                over = event.sub_agent_finished
                yield Noted(f"The sub-agent ended{': ' + over.error if over.error else '.'}")
            case "artifact_added":
                added = event.artifact_added
                yield Noted(f"{added.name} is kept, {added.size:,} bytes: {added.artifact_id}")
            case "command_issued" if event.command_issued.HasField("cancel"):
                yield Noted(f"{event.command_issued.author or 'Somebody'} stopped the run.")
            case _:
                remark = remark_of(event)
                if remark is not None:
                    yield Noted(remark.text)

    def _message(self, event: Event, message_id: str) -> _Message:
        fresh = _Message(Author.AGENT, event.sub_agent_id, event.time_unix_micros, [], [])
        return self._messages.setdefault(message_id, fresh)

    def _completed(self, event: Event) -> Iterator[Part]:
        completed = event.message_completed
        message = self._message(event, completed.message_id)
        del self._messages[completed.message_id]
        said = message.said(completed.interrupted, completed.content if completed.HasField("content") else None)
        if said.text or said.reasoning or said.interrupted:
            yield said

    def _started(self, event: Event) -> Iterator[Part]:
        started = event.tool_call_started
        call = self._calls.setdefault(started.call_id, _Call("", "", event.sub_agent_id))
        call.terminal_id = started.terminal_id
        if started.terminal_id:
            self._terminals[started.terminal_id] = (started.call_id, TerminalLines())
        yield CallBegun(
            started.call_id, call.tool, call.summary, started.directory, call.sub_agent, event.time_unix_micros
        )

    def _output(self, event: Event) -> Iterator[Part]:
        output = event.terminal_output
        known = self._terminals.get(output.terminal_id)
        if known is None:
            known = self._terminals[output.terminal_id] = ("", TerminalLines())
        call_id, lines = known
        if drawn := lines.feed(output.data):
            yield Output(call_id, drawn)

    def _finished(self, event: Event) -> Iterator[Part]:
        finished = event.tool_call_finished
        call = self._calls.pop(finished.call_id, None) or _Call("", "", event.sub_agent_id)
        if not finished.background_id:
            _, lines = self._terminals.pop(call.terminal_id, ("", None))
            if lines is not None and (left := lines.finish()):
                yield Output(finished.call_id, left)
        told = ToolCall(finished.call_id, call.tool, call.summary)
        finish_call(told, finished)
        words = outcome_words(told)
        if finished.background_id:
            words = f"goes on in the background as {finished.background_id}"
        killed = killed_words(told.killed)
        yield CallEnded(
            finished.call_id,
            call.tool,
            f"{words}; {killed}" if killed else words,
            finished.result,
            finished.error,
        )
