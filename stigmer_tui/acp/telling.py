"""Events of an execution as updates of a session."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from acp.helpers import (
    plan_entry,
    start_tool_call,
    text_block,
    tool_content,
    update_agent_message_text,
    update_agent_thought_text,
    update_plan,
    update_tool_call,
    update_user_message_text,
)
from acp.schema import (
    AgentMessageChunk,
    AgentPlanUpdate,
    AgentThoughtChunk,
    PlanEntryStatus,
    StopReason,
    ToolCallProgress,
    ToolCallStart,
    Usage,
    UserMessageChunk,
)

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_tui.acp.calls import Call
from stigmer_tui.acp.diffs import contents_of
from stigmer_tui.text import safe

Update = UserMessageChunk | AgentMessageChunk | AgentThoughtChunk | ToolCallStart | ToolCallProgress | AgentPlanUpdate

_TODOS: dict[int, PlanEntryStatus] = {
    enums.TODO_PENDING: "pending",
    enums.TODO_IN_PROGRESS: "in_progress",
    enums.TODO_COMPLETED: "completed",
    enums.TODO_CANCELLED: "completed",
}
_LIMITS: dict[str, StopReason] = {"turns": "max_turn_requests", "tokens": "max_tokens"}


class Telling:
    """Reads the events of one execution in order. Text of the model goes as it came: it is data, and the editor draws it."""

    def __init__(self, execution_id: str, workspace: Path, *, past: bool) -> None:
        """`past`: the editor is told what persons said, too; else it knows that by itself."""
        self.past = past
        self.own_words: Counter[str] = Counter()
        """Messages that the editor sent meanwhile: it is not told them."""
        self.stopped_by: StopReason | None = None
        """The limit that stopped it, or a refusal."""
        self._execution_id = execution_id
        self._workspace = workspace
        self._said: dict[str, int] = {}
        self._persons: set[str] = set()
        self._first_seen = False
        self._calls: dict[str, Call] = {}
        self._terminals: dict[str, Call] = {}
        self._input, self._output, self._cached = 0, 0, 0

    def call(self, call_id: str) -> Call | None:
        """A tool call that was asked for."""
        return self._calls.get(call_id)

    def usage(self) -> Usage | None:
        """What it used so far; None where nothing is known."""
        if not self._input and not self._output:
            return None
        return Usage(
            total_tokens=self._input + self._output,
            input_tokens=self._input,
            output_tokens=self._output,
            cached_read_tokens=self._cached,
        )

    def flush(self) -> Iterator[Update]:
        """What commands printed since the last time."""
        for call in self._calls.values():
            if call.output.changed and not call.over:
                yield update_tool_call(call.id, content=[tool_content(text_block(call.output.text()))])

    def take(self, event: ev.Event) -> Iterator[Update]:
        """What the editor is told of an event. A sub-agent's words are its agent's business; what it does is shown."""
        body = event.WhichOneof("body")
        if event.sub_agent_id and body not in ("tool_call_requested", "tool_call_started", "tool_call_finished"):
            return
        match body:
            case "execution_created" if self.past:
                yield update_user_message_text(event.execution_created.message)
            case "message_started" if event.message_started.type == enums.MESSAGE_AI:
                self._said[event.message_started.message_id] = 0
            case "message_started" if event.message_started.type == enums.MESSAGE_HUMAN:
                self._persons.add(event.message_started.message_id)
            case "text_delta" if event.text_delta.message_id in self._said and event.text_delta.text:
                self._said[event.text_delta.message_id] += len(event.text_delta.text)
                yield update_agent_message_text(event.text_delta.text)
            case "reasoning_delta" if event.reasoning_delta.message_id in self._said and event.reasoning_delta.text:
                yield update_agent_thought_text(event.reasoning_delta.text)
            case "message_completed":
                yield from self._completed(event.message_completed)
            case "terminal_output":
                if call := self._terminals.get(event.terminal_output.terminal_id):
                    call.output.add(event.terminal_output.data)
            case "todo_list_changed":
                todos = sorted(event.todo_list_changed.todos.items())
                entries = [plan_entry(todo.content, status=_TODOS.get(todo.status, "pending")) for _, todo in todos]
                yield update_plan(entries)
            case "usage_reported":
                self._input += event.usage_reported.input_tokens
                self._output += event.usage_reported.output_tokens
                self._cached += event.usage_reported.cached_input_tokens
            case "model_call_failed":
                yield from self._failed(event.model_call_failed)
            case "limit_neared":
                yield from self._limit(event.limit_neared)
            case "attention_raised":
                yield from self._attention(event.attention_raised)
            case _:
                yield from self._of_call(event)

    def _of_call(self, event: ev.Event) -> Iterator[Update]:
        match event.WhichOneof("body"):
            case "tool_call_requested":
                yield self._requested(event.tool_call_requested)
            case "tool_call_started" if call := self._calls.get(event.tool_call_started.call_id):
                self._terminals[event.tool_call_started.terminal_id] = call
                yield update_tool_call(call.id, status="in_progress")
            case "file_changed" if call := self._calls.get(event.file_changed.call_id):
                call.diffs += contents_of(event.file_changed, self._workspace)
                yield update_tool_call(call.id, content=call.diffs)
            case "tool_call_finished" if call := self._calls.get(event.tool_call_finished.call_id):
                yield _finished(call, event.tool_call_finished)
            case _:
                return

    def _requested(self, requested: ev.ToolCallRequested) -> Update:
        call = Call(f"{self._execution_id}/{requested.call_id}", requested, self._workspace)
        known = self._calls.get(requested.call_id)
        self._calls[requested.call_id] = call
        if known is not None:
            return update_tool_call(call.id, title=call.title, status="pending")
        return start_tool_call(
            call.id,
            call.title,
            kind=call.kind,
            status="pending",
            locations=call.locations,
            raw_input=dict(call.args),
        )

    def _completed(self, completed: ev.MessageCompleted) -> Iterator[Update]:
        message_id = completed.message_id
        if message_id in self._persons:
            first, self._first_seen = not self._first_seen, True
            text = completed.content
            if not first and self.own_words[text] > 0:
                self.own_words[text] -= 1
            elif not first and text:
                yield update_user_message_text(text)
        elif message_id in self._said:
            rest = completed.content[self._said[message_id] :]
            if rest:
                yield update_agent_message_text(rest)

    def _failed(self, failed: ev.ModelCallFailed) -> Iterator[Update]:
        if failed.code == "refused":
            self.stopped_by = "refusal"
        if failed.retry_unix_micros:
            yield update_agent_thought_text(f"The model did not answer, and is asked again: {safe(failed.error)}\n")

    def _limit(self, near: ev.LimitNeared) -> Iterator[Update]:
        if near.reached:
            self.stopped_by = _LIMITS.get(near.limit)
        else:
            yield update_agent_thought_text(
                f"The limit of {safe(near.limit)} is near: {near.used} of {near.allowed}.\n"
            )

    def _attention(self, raised: ev.AttentionRaised) -> Iterator[Update]:
        typed = (AttentionKind.ATTENTION_KIND_INPUT, AttentionKind.ATTENTION_KIND_PASSWORD)
        if raised.kind in typed and not self.past:
            words = f"{safe(raised.text)} To type: `stigmer attach {self._execution_id}`"
            yield update_agent_message_text(f"\n{words}\n")


def _finished(call: Call, finished: ev.ToolCallFinished) -> Update:
    call.over = True
    ended = finished.outcome == ev.TOOL_OUTCOME_ENDED
    well = ended and not finished.error and not finished.exit_code and not finished.signal
    text = finished.error or finished.result
    if finished.output_bytes and not finished.error:
        text = call.output.text() or finished.result
    elif finished.error and finished.output_bytes:
        text = f"{call.output.text()}\n{finished.error}"
    if not ended and not text:
        text = ev.ToolOutcome.Name(finished.outcome).removeprefix("TOOL_OUTCOME_").lower().replace("_", " ")
    content = list(call.diffs)
    if text and not (call.diffs and well):
        content.append(tool_content(text_block(text)))
    raw: dict[str, object] | None = {"exitCode": finished.exit_code} if finished.HasField("exit_code") else None
    return update_tool_call(call.id, status="completed" if well else "failed", content=content, raw_output=raw)
