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
    Artifact,
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
from stigmer_tui.transcript.calls import add_output, finish_call, more_args, shown_call, start_call
from stigmer_tui.transcript.growing import GrowingBlocks
from stigmer_tui.transcript.remarks import past_of, remark_of
from stigmer_tui.transcript.usage import TurnUsage

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
        "terminal_output",
        "terminal_resized",
        "usage_reported",
        "attention_cleared",
        "command_applied",
        "tool_call_progress",
        "model_call_started",
        "workflow_task_waiting",
        "workflow_task_progress",
        "workflow_output",
        "workflow_signalled",
    }
)
"""Events that leave no block: they only count, belong to the output, or are told by the view of workflows."""


class Transcript(GrowingBlocks):
    """The blocks of one run, or of several in one session one after the other. `apply` takes events in order."""

    def __init__(self) -> None:
        super().__init__()
        self._messages: dict[str, PersonLine | AgentText] = {}
        self._lines: dict[str, PersonLine] = {}
        self._withdrawing: dict[str, str] = {}
        self._calls: dict[str, ToolCall] = {}
        self._terminals: dict[str, ToolCall] = {}
        self._steps: dict[str, Step] = {}
        self._todos: TodoList | None = None
        self._depth = 0
        self._owner: Step | None = None
        self._run = ""
        self._usage = TurnUsage()
        self._readers: dict[str, Callable[[Event], None]] = {
            "execution_created": self._created,
            "model_call_failed": self._model_failed,
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
            "terminal_output": self._printed,
            "file_changed": self._file_changed,
            "command_issued": self._issued,
            "command_rejected": self._rejected,
            "command_applied": self._applied,
            "todo_list_changed": self._todo_list,
            "sub_agent_started": self._sub_agent_started,
            "sub_agent_finished": self._sub_agent_finished,
            "workflow_task_started": self._task_started,
            "workflow_task_finished": self._task_finished,
            "usage_reported": self._used,
            "artifact_added": self._artifact,
        }

    def apply(self, batch: Iterable[Event]) -> None:
        """Take in the next events."""
        for event in batch:
            self._depth = 1 if event.sub_agent_id else 0
            self._owner = self._steps.get(event.sub_agent_id) if event.sub_agent_id else None
            reader = self._readers.get(event.WhichOneof("body") or "")
            remark = remark_of(event) if reader is None else None
            if reader is not None:
                reader(event)
            elif remark is not None:
                self._add(remark)

    def call(self, call_id: str) -> ToolCall | None:
        """The tool call of the present run with this id."""
        return self._calls.get(call_id)

    def begin_next(self, run: str = "") -> None:
        """Another execution of the same session follows: ids of the one before mean nothing now."""
        for known in (self._messages, self._lines, self._calls, self._terminals, self._steps):
            known.clear()
        self._todos = None
        self._run = run
        self._usage.begin_run()

    @property
    def todos(self) -> TodoList | None:
        """The agent's plan as it stands."""
        return self._todos

    def forget(self) -> None:
        """What was read is not there any more."""
        self.begin_next(self._run)
        self.clear()

    def say(self, text: str, tone: Tone = Tone.QUIET, mark: str = "·") -> None:
        """Add a remark that no event made."""
        self._add(Remark(text, tone, mark))

    def _add(self, block: Block) -> None:
        block.depth, block.owner, block.run = self._depth, self._owner, self._run
        self.add(block)
        if self._owner is not None:
            self._owner.steps += 1
            self.touch(self._owner)

    def _created(self, event: Event) -> None:
        created = event.execution_created
        self.say(f"{created.agent_name} in {created.workspace or 'its own directory'}", mark="─")
        if created.HasField("shared_past"):
            self._add(past_of(created.shared_past, created.session_id))

    def _model_failed(self, event: Event) -> None:
        """Where it is not tried again the run ends with these words, or goes on with a shorter context: they stand there once."""
        failed = event.model_call_failed
        last = failed.message_id in self._messages and not failed.retry_unix_micros and not event.sub_agent_id
        remark = None if last else remark_of(event)
        if remark is not None:
            self._add(remark)

    def _phase(self, event: Event) -> None:
        if event.phase_changed.phase not in LIVE:
            self._give_up_queued()
            self._end_turn()
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
            self.touch(line)
        self._lines.clear()

    def _replaced(self, event: Event) -> None:
        status = event.status_replaced.status
        self.say(status.error or "The runner replaced what was known of this run.", Tone.WARNING)

    def _message_started(self, event: Event) -> None:
        started = event.message_started
        line = self._lines.pop(started.command_id, None)
        if started.type == enums.MESSAGE_HUMAN:
            if line is not None:
                self.remove(line)
            self._end_turn()
            attachments = line.attachments if line is not None else ()
            message: PersonLine | AgentText = PersonLine("", message_id=started.message_id, attachments=attachments)
        else:
            message = AgentText(message_id=started.message_id)
        self._messages[started.message_id] = message
        self._add(message)

    def _text(self, event: Event) -> None:
        message = self._messages.get(event.text_delta.message_id)
        if message is not None:
            message.text += event.text_delta.text
            self.touch(message)

    def _reasoning(self, event: Event) -> None:
        message = self._messages.get(event.reasoning_delta.message_id)
        if isinstance(message, AgentText):
            message.reasoning += event.reasoning_delta.text
            self.touch(message)

    def _message_completed(self, event: Event) -> None:
        completed = event.message_completed
        message = self._messages.get(completed.message_id)
        if message is None:
            return
        if completed.HasField("content"):
            message.text = completed.content
        if isinstance(message, AgentText):
            message.interrupted = completed.interrupted
        self.touch(message)

    def _requested(self, event: Event) -> None:
        requested = event.tool_call_requested
        shown = shown_call(requested.name, requested.args)
        above = self.blocks[-1] if self.blocks else None
        call = ToolCall(
            requested.call_id,
            requested.name,
            shown,
            more_args(requested.name, requested.args),
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
        self._waits(call, requested.reason or "may it?")
        call.prefix = tuple(requested.prefix)
        self.touch(call)

    def _approval_resolved(self, event: Event) -> None:
        resolved = event.approval_resolved
        reason = f": {resolved.reason}" if resolved.reason else ""
        call = self._calls.get(resolved.call_id)
        what = _DECISIONS.get(resolved.approval, "decided")
        if resolved.approval == events.APPROVAL_PREFIX and call is not None and call.prefix:
            what = f"allowed, and everything that begins with ‘{' '.join(call.prefix)}’"
        if resolved.HasField("edited_args"):
            what = f"changed, and {what}"
        words = f"{what}, by {resolved.author or 'nobody'}{reason}"
        if call is None:
            self.say(words)
            return
        self._waits(call, "")
        call.decision = words
        if resolved.HasField("edited_args"):
            call.command = shown_call(call.name, resolved.edited_args)
            call.args = more_args(call.name, resolved.edited_args)
        self.touch(call)

    def _waits(self, call: ToolCall, why: str) -> None:
        """A call waits for a person, or no longer; the sub-agent that it belongs to says so too."""
        if call.owner is not None and bool(call.waits) != bool(why):
            call.owner.waits += 1 if why else -1
            self.touch(call.owner)
        call.waits = why

    def _file_changed(self, event: Event) -> None:
        changed = event.file_changed
        change = _CHANGES.get(changed.change, "changed")
        self._add(FileDiff(changed.path, change, changed.diff, changed.lines_added, changed.lines_removed))

    def _started(self, event: Event) -> None:
        started = event.tool_call_started
        call = self._calls.get(started.call_id)
        if call is not None:
            start_call(call, started)
            if started.terminal_id and not call.shown_above:
                self._terminals[started.terminal_id] = call
            self.touch(call)

    def _printed(self, event: Event) -> None:
        """What a command of the agent's prints stands with it; a person's own command is read in the output."""
        call = self._terminals.get(event.terminal_output.terminal_id)
        if call is not None:
            add_output(call, event.terminal_output.data)
            self.touch(call)

    def _finished(self, event: Event) -> None:
        finished = event.tool_call_finished
        call = self._calls.get(finished.call_id)
        if call is not None:
            self._waits(call, "")
            finish_call(call, finished)
            self.touch(call)

    def _issued(self, event: Event) -> None:
        issued = event.command_issued
        match issued.WhichOneof("command"):
            case "send_message":
                names = tuple(attachment.name for attachment in issued.send_message.attachments)
                line = PersonLine(issued.send_message.text, LineState.QUEUED, attachments=names)
                self._lines[issued.command_id] = line
                self._add(line)
            case "cancel":
                reason = f": {issued.cancel.reason}" if issued.cancel.reason else ""
                self.say(f"{issued.author or 'Somebody'} asked to stop the run{reason}.", Tone.WARNING, "■")
            case "pause":
                self.say(f"{issued.author or 'Somebody'} asked for a pause.")
            case "resume":
                self.say(f"{issued.author or 'Somebody'} asked to go on.")
            case "withdraw_message":
                self._withdrawing[issued.command_id] = issued.withdraw_message.sent_by
            case "answer":
                self.say(f"{issued.author or 'Somebody'} answered: {issued.answer.text}")
            case _:
                return

    def _applied(self, event: Event) -> None:
        sent_by = self._withdrawing.pop(event.command_applied.command_id, "")
        line = self._lines.pop(sent_by, None)
        if line is not None:
            self.remove(line)

    def _rejected(self, event: Event) -> None:
        rejected = event.command_rejected
        line = self._lines.pop(rejected.command_id, None)
        if line is None:
            self.say(f"Could not be done: {rejected.reason}", Tone.WARNING)
            return
        line.state, line.reason = LineState.REFUSED, rejected.reason
        self.touch(line)

    def _todo_list(self, event: Event) -> None:
        todos = event.todo_list_changed.todos
        items = [(_TODO_SHAPES.get(todo.status, "○"), todo.content) for _, todo in sorted(todos.items())]
        if self._todos is None:
            self._todos = TodoList(items)
            self._add(self._todos)
        else:
            self._todos.items = items
            self.touch(self._todos)

    def _used(self, event: Event) -> None:
        self._usage.add(event.usage_reported)

    def _end_turn(self) -> None:
        """What the turn used stands at its end."""
        used = self._usage.end_turn()
        if used is not None:
            self._add(used)

    def _artifact(self, event: Event) -> None:
        added = event.artifact_added
        self._add(Artifact(added.name, added.size, added.artifact_id, added.media_type))

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
            self.touch(step)


def _json(value: Value) -> str:
    return json_format.MessageToJson(value, indent=None, sort_keys=True) if value.WhichOneof("kind") else ""
