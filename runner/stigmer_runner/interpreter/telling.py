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
        self._task: asyncio.Task[None] | None = None

    @property
    def silent(self) -> bool:
        """Whether nobody hears it now: what a replay tells was told before."""
        return self._direct is not None and workflow.unsafe.is_replaying()

    def tell(self, event: Event) -> None:
        """Tell one event. Nobody is to tell one while it is `silent`."""
        if self._direct is not None:
            self._direct(EventBatch(events=[event]).SerializeToString())
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
        told.input.CopyFrom(shown(given))
        self.tell(Event(workflow_task_started=told))

    def skipped(self, task_id: str, why: str) -> None:
        """A task is not done."""
        if not self.silent:
            self._finished(WorkflowTaskFinished(task_id=task_id, skipped=True, skipped_because=why))

    def finished(self, task_id: str, output: Json, then: str, exported: "Exported | None" = None) -> None:
        """A task is done."""
        if self.silent:
            return
        told = WorkflowTaskFinished(task_id=task_id, output=shown(output), then=then)
        if exported is not None:
            told.exported.CopyFrom(shown(exported.data))
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
    if isinstance(data, dict | list):
        text = json.dumps(data)
        if len(text) > most:
            return _value({"$cut": len(text)}, 0)
    elif isinstance(data, str) and len(data) > most:
        return _value({"$cut": len(data)}, 0)
    return _value(data, 0)


def _value(data: Json, level: int) -> Value:
    match data:
        case None:
            return Value(null_value=NullValue.NULL_VALUE)
        case bool():
            return Value(bool_value=data)
        case int() | float():
            return Value(number_value=_number(data))
        case str():
            return Value(string_value=data.encode("utf-8", "replace").decode())
        case _ if level >= MOST_LEVELS:
            return Value(string_value=json.dumps(data))
        case list():
            found = Value()
            found.list_value.values.extend(_value(each, level + 1) for each in data)
            if not data:
                found.list_value.SetInParent()
            return found
        case dict():
            found = Value()
            found.struct_value.SetInParent()
            for key, each in data.items():
                found.struct_value.fields[key.encode("utf-8", "replace").decode()].CopyFrom(_value(each, level + 1))
            return found


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
