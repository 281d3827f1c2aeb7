"""The events of a workflow's tasks."""

import asyncio
import json
from dataclasses import dataclass

from google.protobuf.struct_pb2 import NullValue, Value

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    Event,
    EventBatch,
    WorkflowOutput,
    WorkflowSignalled,
    WorkflowTaskFinished,
    WorkflowTaskProgress,
    WorkflowTaskStarted,
    WorkflowTaskWaiting,
)
from stigmer_apis.workflow.document_json import Json
from stigmer_apis.workflow.event_values import MOST_LEVELS
from stigmer_runner.durable.steps import tell
from stigmer_runner.engine.extern import TELLER
from stigmer_runner.engine.temporalio_names import extern_functions, workflow
from stigmer_runner.interpreter.failing import Problem

MOST_BYTES = 64 * 1024
"""Of a value in an event; what is larger is cut."""
MOST_OUTPUT_BYTES = 8 << 20
"""Of what a workflow came to: who waits for it takes it from its event."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What `$context` is after a task that exports."""

    data: Json


class Teller:
    """Hands events over: to the engine beside the activation, where it takes them so, else by an activity that runs beside the tasks."""

    def __init__(self) -> None:
        self._direct = extern_functions().get(TELLER)
        self._waiting: list[Event] = []
        self._shown: tuple[Json, Value] = None, Value(null_value=NullValue.NULL_VALUE)
        """What was told last: mostly the output of one task and the input of the next."""
        self._task: asyncio.Task[None] | None = None

    @property
    def silent(self) -> bool:
        """Whether nobody hears it now: what a replay tells was told before."""
        return self._direct is not None and workflow.unsafe.is_replaying()

    def tell(self, event: Event) -> None:
        """Tell one event. Nobody is to tell one while it is `silent`."""
        if self._direct is not None:
            self._direct(event)
            return
        event.time_unix_micros = round(workflow.time() * 1e6)
        self._waiting.append(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._hand_over())

    async def finish(self) -> None:
        """All that was told is handed over."""
        while self._task is not None and not self._task.done():
            await self._task

    async def _hand_over(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:200], self._waiting[200:]
            await tell(EventBatch(events=batch).SerializeToString())

    # What there is to tell

    def started(self, told: WorkflowTaskStarted, given: Json) -> None:
        """A task begins. Not while it is `silent`."""
        told.input.CopyFrom(self._value(given))
        self.tell(Event(workflow_task_started=told))

    def skipped(self, task_id: str, why: str) -> None:
        """A task is not done."""
        if not self.silent:
            self._finished(WorkflowTaskFinished(task_id=task_id, skipped=True, skipped_because=why))

    def finished(self, task_id: str, output: Json, then: str, exported: "Exported | None" = None) -> None:
        """A task is done."""
        if self.silent:
            return
        told = WorkflowTaskFinished(task_id=task_id, output=self._value(output), then=then)
        if exported is not None:
            told.exported.CopyFrom(self._value(exported.data))
        self._finished(told)

    def failed(self, task_id: str, problem: Problem) -> None:
        """A task came to an error."""
        if self.silent:
            return
        told = WorkflowTaskFinished(task_id=task_id, error=problem.words()[:4000])
        data = problem.data()
        data["detail"] = problem.detail[:4000]
        told.error_detail.update(data)
        self._finished(told)

    def cancelled(self, task_id: str) -> None:
        """A task was stopped."""
        if not self.silent:
            self._finished(WorkflowTaskFinished(task_id=task_id, cancelled=True))

    def _value(self, data: Json) -> Value:
        if data is not self._shown[0]:
            self._shown = data, shown(data)
        return self._shown[1]

    def _finished(self, told: WorkflowTaskFinished) -> None:
        self.tell(Event(workflow_task_finished=told))

    def waiting(self, told: WorkflowTaskWaiting) -> None:
        """A task waits."""
        if not self.silent:
            self.tell(Event(workflow_task_waiting=told))

    def progress(self, task_id: str, done: int, total: int) -> None:
        """How far a loop is."""
        if not self.silent:
            self.tell(Event(workflow_task_progress=WorkflowTaskProgress(task_id=task_id, done=done, total=total)))

    def output(self, output: Json) -> None:
        """What the workflow came to."""
        if not self.silent:
            self.tell(Event(workflow_output=WorkflowOutput(output=shown(output, MOST_OUTPUT_BYTES))))

    def signalled(self, name: str, signal_id: str, data: Json) -> None:
        """A signal came."""
        if not self.silent:
            self.tell(Event(workflow_signalled=WorkflowSignalled(name=name, id=signal_id, data=shown(data))))


def shown(data: Json, most: int = MOST_BYTES) -> Value:
    """Data as an event holds it; what is too much is cut and says so."""
    found = Value()
    filling = _Filling(most)
    try:
        filling.fill(found, data, 0)
    except _TooMuch:
        size = len(data) if isinstance(data, str) else len(json.dumps(data))
        found.struct_value.Clear()
        found.struct_value.fields["$cut"].number_value = size
    return found


class _TooMuch(Exception):
    """There is more than an event takes."""


class _Filling:
    """Data on its way into an event, counted about as long as its JSON is."""

    def __init__(self, most: int) -> None:
        self._left = most

    def fill(self, found: Value, data: Json, level: int) -> None:
        """Set `found`. Raises `_TooMuch`."""
        if isinstance(data, str):
            self._count(len(data))
            found.string_value = _text(data)
        elif data is None:
            found.null_value = NullValue.NULL_VALUE
        elif isinstance(data, bool):
            found.bool_value = data
        elif isinstance(data, int | float):
            self._count(2)
            found.number_value = _number(data)
        elif level >= MOST_LEVELS:
            text = json.dumps(data)
            self._count(len(text))
            found.string_value = text
        elif isinstance(data, list):
            found.list_value.SetInParent()
            values = found.list_value.values
            for each in data:
                self._count(2)
                self.fill(values.add(), each, level + 1)
        else:
            found.struct_value.SetInParent()
            fields = found.struct_value.fields
            for key, each in data.items():
                self._count(len(key) + 6)
                self.fill(fields[_text(key)], each, level + 1)

    def _count(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise _TooMuch


def _text(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
