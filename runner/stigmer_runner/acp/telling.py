"""A program's updates as events of its execution."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import cast

from acp.schema import (
    AgentMessageChunk,
    AgentPlanContentUpdate,
    AgentPlanRemovedUpdate,
    AgentPlanUpdate,
    AgentThoughtChunk,
    AvailableCommandsUpdate,
    ConfigOptionUpdate,
    ContentToolCallContent,
    Cost,
    CurrentModeUpdate,
    FileEditToolCallContent,
    SessionInfoUpdate,
    TextContentBlock,
    ToolCallProgress,
    ToolCallStart,
    ToolCallUpdate,
    UsageUpdate,
    UserMessageChunk,
)

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import TodoItem
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_runner.acp.approvals import Record
from stigmer_runner.loop.pieces import Pieces
from stigmer_runner.loop.showing import shown_arguments
from stigmer_runner.tools.files.beneath import PathRefused
from stigmer_runner.tools.files.diffs import difference
from stigmer_runner.tools.session import ToolSession

Update = (
    UserMessageChunk
    | AgentMessageChunk
    | AgentThoughtChunk
    | ToolCallStart
    | ToolCallProgress
    | AgentPlanUpdate
    | AgentPlanContentUpdate
    | AgentPlanRemovedUpdate
    | AvailableCommandsUpdate
    | CurrentModeUpdate
    | ConfigOptionUpdate
    | SessionInfoUpdate
    | UsageUpdate
)
LONGEST_RESULT = 64 * 1024
LONGEST_DIFF = 256 * 1024
"""Characters of what one event holds."""
MOST_TODOS = 200
MOST_OF_A_PROMPT = 32 * 1024 * 1024
"""Characters that a program may say, think and show in one prompt."""
_TODOS = {"pending": enums.TODO_PENDING, "in_progress": enums.TODO_IN_PROGRESS, "completed": enums.TODO_COMPLETED}


class Told:
    """One prompt's events. `record` appends at once; what is text streams, redacted."""

    def __init__(self, session: ToolSession, record: Record, message_id: str, calls: "Calls") -> None:
        self.message_id = message_id
        """Of the message that is being written."""
        self.said: list[str] = []
        self.too_much = asyncio.Event()
        """Set where the program says more in this prompt than anybody could want."""
        self.cost_dollars: float | None = None
        """What the program has cost since it was started, where it says so."""
        self._taken = 0
        self._session = session
        self._record = record
        self._first_id = message_id
        self._number = 1
        self._open = True
        self._calls = calls
        self._text, self._reasoning = Pieces(self._give_text), Pieces(self._give_reasoning)
        self._redacted_text = session.redactor.text_stream()
        self._redacted_reasoning = session.redactor.text_stream()

    def update(self, update: Update) -> None:
        """Tell what came. What comes after too much of it is passed over."""
        self._taken += _size(update)
        if self._taken > MOST_OF_A_PROMPT:
            self.too_much.set()
            return
        match update:
            case UsageUpdate(cost=Cost(currency="USD", amount=amount)):
                self.cost_dollars = amount
            case AgentMessageChunk(content=TextContentBlock() as block):
                self._begin()
                self.said.append(block.text)
                self._reasoning.flush()
                self._text.take(self._redacted_text.feed(block.text))
            case AgentThoughtChunk(content=TextContentBlock() as block):
                self._begin()
                self._reasoning.take(self._redacted_reasoning.feed(block.text))
            case AgentPlanUpdate():
                todos = {
                    f"{number:03}": TodoItem(
                        id=f"{number:03}",
                        content=self._session.redactor.text(entry.content)[:1000],
                        status=_TODOS.get(entry.status, enums.TODO_PENDING),
                    )
                    for number, entry in enumerate(update.entries[:MOST_TODOS])
                }
                self.tell(ev.Event(todo_list_changed=ev.TodoListChanged(todos=todos)))
            case ToolCallStart() | ToolCallProgress():
                self.call(update)
            case _:
                pass

    def call(self, update: ToolCallStart | ToolCallUpdate) -> str:
        """Tell how a call of the program's own goes; the id that it has here."""
        call_id, fresh = self._calls.known(update.tool_call_id)
        if fresh:
            self.end("")
            name = f"acp:{update.kind or 'other'}"
            asked = ev.ToolCallRequested(call_id=call_id, message_id=self.message_id, name=name)
            asked.args.CopyFrom(shown_arguments(self._session.redactor.text(arguments_of(update))))
            self.tell(
                ev.Event(tool_call_requested=asked), ev.Event(tool_call_started=ev.ToolCallStarted(call_id=call_id))
            )
        for content in update.content or ():
            if isinstance(content, FileEditToolCallContent) and self._calls.first_time(call_id, content):
                self._changed(call_id, content)
        if update.status in ("completed", "failed") and self._calls.ends(call_id):
            self.tell(ev.Event(tool_call_finished=self._finished(call_id, update)))
        return call_id

    def tell(self, *events: ev.Event) -> None:
        """Append events."""
        self._record(events)

    def tell_all(self, events: Sequence[ev.Event]) -> None:
        """Append events, as one who records does."""
        self._record(events)

    def end(self, interrupted: str) -> None:
        """The message that is being written is whole, or as whole as it gets."""
        if not self._open:
            return
        self._reasoning.take(self._redacted_reasoning.close())
        self._reasoning.flush()
        self._text.take(self._redacted_text.close())
        self._text.flush()
        self._redacted_text = self._session.redactor.text_stream()
        self._redacted_reasoning = self._session.redactor.text_stream()
        self._open = False
        whole = ev.MessageCompleted(message_id=self.message_id, interrupted=interrupted)
        self.tell(ev.Event(message_completed=whole))

    def close(self, interrupted: str) -> None:
        """The prompt is over: so is everything that it began."""
        self.end(interrupted)
        self._text.close()
        self._reasoning.close()
        for call_id in self._calls.left():
            outcome = ev.TOOL_OUTCOME_CANCELLED if interrupted else ev.TOOL_OUTCOME_ENDED
            finished = ev.ToolCallFinished(call_id=call_id, outcome=outcome, error=interrupted)
            self.tell(ev.Event(tool_call_finished=finished))

    def _begin(self) -> None:
        if self._open:
            return
        self._open = True
        self._number += 1
        self.message_id = f"{self._first_id}+{self._number}"
        self.tell(ev.Event(message_started=ev.MessageStarted(message_id=self.message_id, type=enums.MESSAGE_AI)))

    def _give_text(self, text: str) -> None:
        self.tell(ev.Event(text_delta=ev.TextDelta(message_id=self.message_id, text=text)))

    def _give_reasoning(self, text: str) -> None:
        self.tell(ev.Event(reasoning_delta=ev.ReasoningDelta(message_id=self.message_id, text=text)))

    def _changed(self, call_id: str, content: FileEditToolCallContent) -> None:
        """What the program says that it changes; whether it did is its word."""
        try:
            path = self._session.files.relative(content.path)
        except PathRefused:
            return
        old, new = content.old_text, content.new_text
        made = difference(path, old, new)
        redacted = self._session.redactor.text(made.text)
        changed = ev.FileChanged(
            call_id=call_id,
            path=path,
            change=ev.FILE_CHANGE_CREATED if old is None else ev.FILE_CHANGE_MODIFIED,
            diff=redacted if len(redacted) <= LONGEST_DIFF else "",
            lines_added=made.added,
            lines_removed=made.removed,
        )
        self.tell(ev.Event(file_changed=changed))

    def _finished(self, call_id: str, update: ToolCallStart | ToolCallUpdate) -> ev.ToolCallFinished:
        parts = [part.content for part in update.content or () if isinstance(part, ContentToolCallContent)]
        text = "\n".join(part.text for part in parts if isinstance(part, TextContentBlock))
        shown = self._session.redactor.text(text)[:LONGEST_RESULT]
        finished = ev.ToolCallFinished(call_id=call_id, outcome=ev.TOOL_OUTCOME_ENDED)
        if update.status == "failed":
            finished.error = shown or "it failed"
        else:
            finished.result = shown
        return finished


class Calls:
    """The calls of one execution: the program's ids and ours."""

    def __init__(self, prefix: str) -> None:
        """`prefix`: of the ids of this start of the program."""
        self._prefix = prefix
        self._ids: dict[str, str] = {}
        self._ended: set[str] = set()
        self._shown: set[tuple[str, str, str]] = set()
        self._number = 0

    def known(self, program_id: str) -> tuple[str, bool]:
        """Our id of a call, and whether it is new."""
        found = self._ids.get(program_id)
        if found is not None:
            return found, False
        self._ids[program_id] = fresh = self.fresh()
        return fresh, True

    def fresh(self) -> str:
        """An id for another call."""
        self._number += 1
        return f"{self._prefix}call-{self._number}"

    def ends(self, call_id: str) -> bool:
        """It has ended; False where it had before."""
        if call_id in self._ended:
            return False
        self._ended.add(call_id)
        return True

    def first_time(self, call_id: str, content: FileEditToolCallContent) -> bool:
        """Whether this change was not told yet."""
        key = (call_id, content.path, content.new_text)
        if key in self._shown:
            return False
        self._shown.add(key)
        return True

    def left(self) -> Sequence[str]:
        """Those that have not ended; they have now."""
        found = [call_id for call_id in self._ids.values() if call_id not in self._ended]
        self._ended.update(found)
        return found


def _size(update: Update) -> int:
    """About how many characters it brings."""
    match update:
        case (
            AgentMessageChunk(content=TextContentBlock() as block)
            | AgentThoughtChunk(content=TextContentBlock() as block)
        ):
            return len(block.text) + 100
        case ToolCallStart() | ToolCallProgress() | AgentPlanUpdate():
            return len(update.model_dump_json(exclude_none=True))
        case _:
            return 100


def arguments_of(update: ToolCallStart | ToolCallUpdate) -> str:
    """What a call is made with, as JSON: the program's own words."""
    raw: object = update.raw_input
    given = dict(cast(Mapping[str, object], raw)) if isinstance(raw, dict) else {}
    title = {"title": update.title} if update.title else {}
    places = [place.path for place in update.locations or ()]
    return json.dumps({**title, **given, **({"locations": places} if places else {})})
