"""From events to blocks."""

from collections.abc import Callable, Iterable

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as events
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_tui.theme.phases import LIVE
from stigmer_tui.transcript.blocks import (
    AgentText,
    Block,
    FileDiff,
    LineState,
    PersonLine,
    Remark,
    Step,
    TodoList,
    Tone,
    ToolCall,
)
from stigmer_tui.transcript.calls import finish_call, shown_call, start_call
from stigmer_tui.transcript.remarks import remark_of

_TODO_SHAPES = {
    enums.TODO_PENDING: "○",
    enums.TODO_IN_PROGRESS: "▶",
    enums.TODO_COMPLETED: "✓",
    enums.TODO_CANCELLED: "■",
}
_DECISIONS = {
    events.APPROVAL_ONCE: "allowed once",
    events.APPROVAL_SESSION: "allowed for this session",
    events.APPROVAL_PREFIX: "allowed, and what begins like it",
    events.APPROVAL_DENIED: "denied",
    events.APPROVAL_EXPIRED: "not answered in time",
}


_CHANGES = {
    events.FILE_CHANGE_CREATED: "created",
    events.FILE_CHANGE_MODIFIED: "changed",
    events.FILE_CHANGE_DELETED: "deleted",
}


SILENT = frozenset(
    {
        "command_applied",
        "terminal_output",
        "terminal_resized",
        "usage_reported",
        "attention_cleared",
        "tool_call_progress",
        "model_call_started",
    }
)
"""Events that leave no block: they only count, or belong to the output."""


class Transcript:
    """The blocks of one run, or of several in one session one after the other. `apply` takes events in order."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._messages: dict[str, PersonLine | AgentText] = {}
        self._lines: dict[str, PersonLine] = {}
        self._calls: dict[str, ToolCall] = {}
        self._steps: dict[str, Step] = {}
        self._todos: TodoList | None = None
        self._changed: int | None = None
        self._depth = 0
        self._readers: dict[str, Callable[[Event], None]] = {
            "execution_created": self._created,
            "phase_changed": self._phase,
            "status_replaced": self._replaced,
            "message_started": self._message_started,
            "text_delta": self._text,
            "reasoning_delta": self._reasoning,
            "message_completed": self._message_completed,
            "tool_call_requested": self._requested,
            "approval_requested": self._approval_requested,
            "approval_resolved": self._approval_resolved,
            "tool_call_started": self._started,
            "tool_call_finished": self._finished,
            "file_changed": self._file_changed,
            "command_issued": self._issued,
            "command_rejected": self._rejected,
            "todo_list_changed": self._todo_list,
            "sub_agent_started": self._sub_agent_started,
            "sub_agent_finished": self._sub_agent_finished,
            "workflow_task_started": self._task_started,
            "workflow_task_finished": self._task_finished,
        }

    def apply(self, batch: Iterable[Event]) -> None:
        """Take in the next events."""
        for event in batch:
            self._depth = 1 if event.sub_agent_id else 0
            reader = self._readers.get(event.WhichOneof("body") or "")
            remark = remark_of(event) if reader is None else None
            if reader is not None:
                reader(event)
            elif remark is not None:
                self._add(remark)

    def call(self, call_id: str) -> ToolCall | None:
        """The tool call of the present run with this id."""
        return self._calls.get(call_id)

    def take_changed(self) -> int | None:
        """The first block that changed since the last call; None where none did."""
        changed, self._changed = self._changed, None
        return changed

    def begin_next(self) -> None:
        """Another execution of the same session follows: ids of the one before mean nothing now."""
        for known in (self._messages, self._lines, self._calls, self._steps):
            known.clear()
        self._todos = None

    def forget(self) -> None:
        """What was read is not there any more."""
        self.begin_next()
        self.blocks.clear()
        self._changed = 0

    def say(self, text: str, tone: Tone = Tone.QUIET, mark: str = "·") -> None:
        """Add a remark that no event made."""
        self._add(Remark(text, tone, mark))

    def _add(self, block: Block) -> None:
        block.depth = self._depth
        self._touch_index(len(self.blocks))
        self.blocks.append(block)

    def _touch(self, block: Block) -> None:
        """A block changed: it is searched from the end, where it nearly always is."""
        block.version += 1
        for index in range(len(self.blocks) - 1, -1, -1):
            if self.blocks[index] is block:
                self._touch_index(index)
                return

    def _touch_index(self, index: int) -> None:
        self._changed = index if self._changed is None else min(self._changed, index)

    def _created(self, event: Event) -> None:
        created = event.execution_created
        self.say(f"{created.agent_name} in {created.workspace or 'its own directory'}", mark="─")

    def _phase(self, event: Event) -> None:
        if event.phase_changed.phase not in LIVE:
            self._give_up_queued()
        reason = event.phase_changed.reason
        match event.phase_changed.phase:
            case enums.EXECUTION_COMPLETED:
                self.say(reason or "Completed.", Tone.GOOD, "✓")
            case enums.EXECUTION_FAILED:
                self.say(reason or "Failed, and nobody said why.", Tone.ERROR, "✗")
            case enums.EXECUTION_CANCELLED:
                self.say(reason or "Stopped.", Tone.WARNING, "■")
            case _ if reason:
                self.say(reason)
            case _:
                return

    def _give_up_queued(self) -> None:
        for line in self._lines.values():
            line.state, line.reason = LineState.REFUSED, "the run ended before its turn"
            self._touch(line)
        self._lines.clear()

    def _replaced(self, event: Event) -> None:
        status = event.status_replaced.status
        self.say(status.error or "The runner replaced what was known of this run.", Tone.WARNING)

    def _message_started(self, event: Event) -> None:
        started = event.message_started
        line = self._lines.pop(started.command_id, None)
        if started.type == enums.MESSAGE_HUMAN:
            if line is not None:
                self._remove(line)
            message: PersonLine | AgentText = PersonLine("")
        else:
            message = AgentText()
        self._messages[started.message_id] = message
        self._add(message)

    def _remove(self, block: Block) -> None:
        for index in range(len(self.blocks) - 1, -1, -1):
            if self.blocks[index] is block:
                del self.blocks[index]
                self._touch_index(index)
                return

    def _text(self, event: Event) -> None:
        message = self._messages.get(event.text_delta.message_id)
        if message is not None:
            message.text += event.text_delta.text
            self._touch(message)

    def _reasoning(self, event: Event) -> None:
        message = self._messages.get(event.reasoning_delta.message_id)
        if isinstance(message, AgentText):
            message.reasoning += event.reasoning_delta.text
            self._touch(message)

    def _message_completed(self, event: Event) -> None:
        completed = event.message_completed
        message = self._messages.get(completed.message_id)
        if message is None:
            return
        if completed.HasField("content"):
            message.text = completed.content
        if isinstance(message, AgentText):
            message.interrupted = completed.interrupted
        self._touch(message)

    def _requested(self, event: Event) -> None:
        requested = event.tool_call_requested
        shown = shown_call(requested.name, requested.args)
        above = self.blocks[-1] if self.blocks else None
        call = ToolCall(
            requested.call_id,
            requested.name,
            shown,
            shown_above=isinstance(above, PersonLine) and above.text.strip() == shown.strip(),
        )
        self._calls[requested.call_id] = call
        self._add(call)

    def _approval_requested(self, event: Event) -> None:
        requested = event.approval_requested
        call = self._calls.get(requested.call_id)
        if call is None:
            self.say(f"Asks whether it may: {requested.summary}", Tone.WARNING, "!")
            return
        call.waits = requested.reason or "may it?"
        self._touch(call)

    def _approval_resolved(self, event: Event) -> None:
        resolved = event.approval_resolved
        reason = f": {resolved.reason}" if resolved.reason else ""
        words = f"{_DECISIONS.get(resolved.approval, 'decided')} by {resolved.author or 'nobody'}{reason}"
        call = self._calls.get(resolved.call_id)
        if call is None:
            self.say(words)
            return
        call.waits, call.decision = "", words
        if resolved.HasField("edited_args"):
            call.command = shown_call(call.name, resolved.edited_args)
        self._touch(call)

    def _file_changed(self, event: Event) -> None:
        changed = event.file_changed
        change = _CHANGES.get(changed.change, "changed")
        self._add(FileDiff(changed.path, change, changed.diff, changed.lines_added, changed.lines_removed))

    def _started(self, event: Event) -> None:
        started = event.tool_call_started
        call = self._calls.get(started.call_id)
        if call is not None:
            start_call(call, started)
            self._touch(call)

    def _finished(self, event: Event) -> None:
        finished = event.tool_call_finished
        call = self._calls.get(finished.call_id)
        if call is not None:
            finish_call(call, finished)
            self._touch(call)

    def _issued(self, event: Event) -> None:
        issued = event.command_issued
        match issued.WhichOneof("command"):
            case "send_message":
                line = PersonLine(issued.send_message.text, LineState.QUEUED)
                self._lines[issued.command_id] = line
                self._add(line)
            case "cancel":
                reason = f": {issued.cancel.reason}" if issued.cancel.reason else ""
                self.say(f"{issued.author or 'Somebody'} asked to stop the run{reason}.", Tone.WARNING, "■")
            case "pause":
                self.say(f"{issued.author or 'Somebody'} asked for a pause.")
            case "resume":
                self.say(f"{issued.author or 'Somebody'} asked to go on.")
            case "answer":
                self.say(f"{issued.author or 'Somebody'} answered: {issued.answer.text}")
            case _:
                return

    def _rejected(self, event: Event) -> None:
        rejected = event.command_rejected
        line = self._lines.pop(rejected.command_id, None)
        if line is None:
            self.say(f"Could not be done: {rejected.reason}", Tone.WARNING)
            return
        line.state, line.reason = LineState.REFUSED, rejected.reason
        self._touch(line)

    def _todo_list(self, event: Event) -> None:
        todos = event.todo_list_changed.todos
        items = [(_TODO_SHAPES.get(todo.status, "○"), todo.content) for _, todo in sorted(todos.items())]
        if self._todos is None:
            self._todos = TodoList(items)
            self._add(self._todos)
        else:
            self._todos.items = items
            self._touch(self._todos)

    def _sub_agent_started(self, event: Event) -> None:
        started = event.sub_agent_started
        self._begin_step(started.sub_agent_id, Step(started.name, started.input))

    def _sub_agent_finished(self, event: Event) -> None:
        finished = event.sub_agent_finished
        self._end_step(finished.sub_agent_id, finished.output, finished.error)

    def _task_started(self, event: Event) -> None:
        started = event.workflow_task_started
        self._begin_step(started.task_id, Step(f"{started.kind} {started.name}".strip(), _json(started.input)))

    def _task_finished(self, event: Event) -> None:
        finished = event.workflow_task_finished
        output = "skipped" if finished.skipped else _json(finished.output)
        self._end_step(finished.task_id, output, finished.error)

    def _begin_step(self, key: str, step: Step) -> None:
        self._steps[key] = step
        self._add(step)

    def _end_step(self, key: str, output: str, error: str) -> None:
        step = self._steps.get(key)
        if step is not None:
            step.output, step.error, step.done = output, error, True
            self._touch(step)


def _json(value: Value) -> str:
    return json_format.MessageToJson(value, indent=None) if value.WhichOneof("kind") else ""
