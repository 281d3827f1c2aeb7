"""What happens to a run, as lines: who, and what. Pure; the texts are untrusted and made safe where they are said."""

from dataclasses import dataclass, field

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_tui.records.terminal_lines import TerminalLines
from stigmer_tui.theme.phases import PHASES_BY_WORD
from stigmer_tui.transcript.blocks import ToolCall
from stigmer_tui.transcript.calls import finish_call, outcome_words, shown_call
from stigmer_tui.transcript.remarks import remark_of
from stigmer_tui.workflow.lines import RunLines
from stigmer_tui.workflow.values import dumped

MOST_RESULT_LINES = 20
"""Lines of a result that are said; the rest is counted."""
_SHELL = "shell"
"""The agent that runs what a person says: its calls are the person's words."""
_WORDS = {phase: word for word, phase in reversed(PHASES_BY_WORD.items())}
_DECIDED = {
    event_pb2.APPROVAL_ONCE: "allowed once",
    event_pb2.APPROVAL_SESSION: "allowed for the session",
    event_pb2.APPROVAL_PREFIX: "allowed, and all that begins so",
    event_pb2.APPROVAL_DENIED: "denied",
    event_pb2.APPROVAL_EXPIRED: "denied: nobody answered in time",
}


def phase_word(phase: int) -> str:
    """`running`, `completed`, as the filters have it."""
    return _WORDS.get(enums.ExecutionPhase.ValueType(phase), "unknown")


@dataclass(slots=True)
class _Message:
    who: str
    text: str = ""
    """What was not said yet."""
    began: bool = False
    """Whether anything of it was said."""


@dataclass(slots=True)
class EventLines:
    """Events in their order in, lines out. Text is held back until its line is over."""

    agent: str = "agent"
    thoughts: bool = False
    """Whether what a model thinks is said."""
    only_output: bool = False
    """What was printed and what the model answered, and nothing before it."""
    _messages: dict[str, _Message] = field(default_factory=dict[str, _Message])
    _thoughts: dict[str, _Message] = field(default_factory=dict[str, _Message])
    _calls: dict[str, ToolCall] = field(default_factory=dict[str, ToolCall])
    _terminals: dict[str, TerminalLines] = field(default_factory=dict[str, TerminalLines])
    _changed: set[str] = field(default_factory=set[str])
    """Calls that changed files."""
    _sub_agents: dict[str, str] = field(default_factory=dict[str, str])
    _workflow: RunLines = field(default_factory=lambda: RunLines("ID", shapes=False))

    def take(self, event: Event) -> list[str]:
        """The lines of the next event."""
        who = self._sub_agents.get(event.sub_agent_id, self.agent)
        match event.WhichOneof("body"):
            case "terminal_output":
                terminal = self._terminals.setdefault(event.terminal_output.terminal_id, TerminalLines())
                return self._output([line.text for line in terminal.feed(event.terminal_output.data)])
            case "message_started" if event.message_started.type in (enums.MESSAGE_AI, enums.MESSAGE_HUMAN):
                person = event.message_started.type == enums.MESSAGE_HUMAN
                self._messages[event.message_started.message_id] = _Message("person" if person else who)
            case "text_delta":
                return self._grow(self._messages.get(event.text_delta.message_id), event.text_delta.text)
            case "message_completed":
                return self._complete(event.message_completed)
            case "tool_call_finished":
                return self._finished(event.tool_call_finished, who)
            case "workflow_output":
                self._workflow.take(event)
                given = dumped(self._workflow.state.output).splitlines()
                return given if self.only_output else [f"gives: {line}" for line in given]
            case _:
                return [] if self.only_output else self._more(event, who)
        return []

    def finish(self) -> list[str]:
        """What is left: lines that never ended."""
        lines: list[str] = []
        for terminal in self._terminals.values():
            lines += self._output([line.text for line in terminal.finish()])
        for message in (*self._thoughts.values(), *self._messages.values()):
            lines += self._said(message, message.text.splitlines())
        self._terminals.clear()
        self._thoughts.clear()
        self._messages.clear()
        return lines

    def _more(self, event: Event, who: str) -> list[str]:
        match event.WhichOneof("body"):
            case "execution_created":
                created = event.execution_created
                if created.workflow_name:
                    self.agent = created.workflow_name
                    return [f"run: of the workflow {self.agent}"]
                self.agent = created.agent_name or self.agent
                where = f", in {created.workspace}" if created.workspace else ""
                return [f"run: of {self.agent}, in the session {created.session_id}{where}"]
            case "phase_changed":
                reason = event.phase_changed.reason
                return [f"run: {phase_word(event.phase_changed.phase)}" + (f": {reason}" if reason else "")]
            case "reasoning_delta" if self.thoughts:
                delta = event.reasoning_delta
                return self._grow(self._thoughts.setdefault(delta.message_id, _Message(f"{who} thinks")), delta.text)
            case "tool_call_requested":
                requested = event.tool_call_requested
                shown = shown_call(requested.name, requested.args)
                self._calls[requested.call_id] = ToolCall(requested.call_id, requested.name, shown)
                if self.agent == _SHELL:
                    return []
                calls = f"{who} calls {requested.name}"
                return [*self._said_so_far(who), *(_told(calls, shown) or [calls])]
            case "tool_call_started" if not event.tool_call_started.sandbox.walls:
                reason = event.tool_call_started.sandbox.reason
                return [f"{who}: no walls around this command: {reason}"] if reason else []
            case "approval_requested":
                return [f"{who} waits for your decision: {event.approval_requested.reason or 'its policy asks'}"]
            case "approval_resolved":
                resolved = event.approval_resolved
                decided = _DECIDED.get(resolved.approval, "decided")
                decided = f"changed, and {decided}" if resolved.HasField("edited_args") else decided
                why = f": {resolved.reason}" if resolved.reason else ""
                return [f"{resolved.author or 'somebody'}: {decided}{why}"]
            case "sub_agent_started":
                started = event.sub_agent_started
                self._sub_agents[started.sub_agent_id] = f"sub-agent {started.name}"
                return _told(f"{self.agent} hands to {started.name}", started.input)
            case "sub_agent_finished":
                done = event.sub_agent_finished
                return _told(f"sub-agent {'failed' if done.error else 'done'}", done.error or done.output)
            case "todo_list_changed":
                todos = event.todo_list_changed.todos.values()
                return [
                    f"{who} plans: {len(todos)} steps",
                    *(f"  {_todo(each.status)}: {each.content}" for each in todos),
                ]
            case "file_changed":
                changed = event.file_changed
                self._changed.add(changed.call_id)
                counts = f"{changed.lines_added} lines added, {changed.lines_removed} removed"
                return [f"{who} changed the file {changed.path}: {counts}", *_told("change", changed.diff)]
            case "artifact_added":
                kept = event.artifact_added
                return [f"{who} keeps {kept.name}: artifact get {kept.artifact_id}"]
            case "command_rejected":
                return [f"run: refused: {event.command_rejected.reason}"]
            case "attention_raised" if remark_of(event) is not None:
                return _told("run needs you", event.attention_raised.text)
            case "question_asked":
                asked = event.question_asked
                options = [f"  {number}. {option}" for number, option in enumerate(asked.options, 1)]
                return [*_told(f"{who} asks", asked.text), *options]
            case kind if kind is not None and kind.startswith("workflow_"):
                return [f"task: {line}" for line in self._workflow.take(event)]
            case kind if kind is not None and (remark := remark_of(event)) is not None:
                return _told("run", remark.text)
            case _:
                return []

    def _output(self, lines: list[str]) -> list[str]:
        return [line.rstrip() if self.only_output else f"output: {line.rstrip()}" for line in lines]

    def _said(self, message: _Message, lines: list[str]) -> list[str]:
        if not self.only_output:
            return [f"{message.who}: {line}" for line in lines]
        return [] if message.who == "person" else lines

    def _grow(self, message: _Message | None, text: str) -> list[str]:
        if message is None:
            return []
        *whole, message.text = (message.text + text).split("\n")
        message.began = message.began or bool(whole)
        return self._said(message, whole)

    def _said_so_far(self, who: str) -> list[str]:
        """What somebody says before they do something comes before that, also where its last line has no end yet."""
        lines: list[str] = []
        for message in (*self._thoughts.values(), *self._messages.values()):
            if message.text and message.who in (who, f"{who} thinks"):
                lines += self._said(message, [message.text])
                message.text, message.began = "", True
        return lines

    def _complete(self, completed: event_pb2.MessageCompleted) -> list[str]:
        lines: list[str] = []
        thought = self._thoughts.pop(completed.message_id, None)
        if thought is not None:
            lines += self._said(thought, thought.text.splitlines())
        message = self._messages.pop(completed.message_id, None)
        if message is not None:
            rest = message.text if message.began else message.text or _whole(completed)
            lines += self._said(message, rest.splitlines())
            if completed.interrupted and not self.only_output:
                lines.append(f"{message.who}: interrupted: {completed.interrupted}")
        return lines

    def _finished(self, finished: event_pb2.ToolCallFinished, who: str) -> list[str]:
        lines: list[str] = []
        for terminal in self._terminals.values():
            lines += self._output([line.text for line in terminal.finish()])
        self._terminals.clear()
        if self.only_output:
            return lines
        call = self._calls.pop(finished.call_id, None) or ToolCall(finished.call_id, "", "")
        finish_call(call, finished)
        printed = finished.output_bytes > 0
        what = who if call.name in ("", self.agent) else f"{who}: {call.name}"
        lines.append(f"{what}: {outcome_words(call).replace(' · ', ', ')}")
        if finished.error:
            lines += _told("error", finished.error)
        elif not printed:
            result = finished.result
            if finished.call_id in self._changed:  # What changed was said.
                result = result.partition("\n")[0]
            lines += _told("result", result)
        lines += [f"run: had to end {command} (process {pid})" for pid, command in call.killed]
        return lines


def _whole(completed: event_pb2.MessageCompleted) -> str:
    return completed.content if completed.HasField("content") else ""


def _todo(status: int) -> str:
    name = enums.TodoStatus.Name(enums.TodoStatus.ValueType(status))
    return name.removeprefix("TODO_").replace("_", " ").lower()


def _told(who: str, text: str) -> list[str]:
    """A text of somebody's, line by line; of a long one the beginning, and how much more there is."""
    lines = text.strip("\n").splitlines()
    shown = [f"{who}: {line}" for line in lines[:MOST_RESULT_LINES]]
    if len(lines) > MOST_RESULT_LINES:
        shown.append(f"{who}: and {len(lines) - MOST_RESULT_LINES:,} more lines")
    return shown
