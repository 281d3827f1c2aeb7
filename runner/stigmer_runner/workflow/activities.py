"""What all activities of a workflow's tasks share: secrets put in just before the work, taken out of everything that comes from it."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.durable.workflow_messages import CallEnd, TaskCall, repeatable
from stigmer_runner.engine.activities import Activity, ActivityCall, Unfinished
from stigmer_runner.engine.errors import LeaseLost
from stigmer_runner.redaction.messages import redact_message
from stigmer_runner.workflow.problems import Kind, TaskProblem, failure_of
from stigmer_runner.workflow.secrets import Secrets

LARGEST_RESULT = 8 * 1024 * 1024
"""Bytes of a task's output as JSON: it is written into the journal whole."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What a task asks for, ready to be done."""

    task: TaskCall
    arguments: Mapping[str, object]
    """With secrets in place."""
    authentication: Mapping[str, object]
    """The same; empty for none."""
    tell: Callable[[Sequence[Event]], Awaitable[None]]
    """Appends events now. The awaitable is done once they are durable, and need not be awaited."""
    conclude: Callable[[Sequence[Event]], None]
    """Adds events that go with the result."""

    def text(self, key: str) -> str:
        """A text that has to be there. Raises `TaskProblem`."""
        found = self.arguments.get(key)
        if not isinstance(found, str) or not found:
            raise TaskProblem(Kind.CONFIGURATION, f"`{key}` is missing, or is no text")
        return found

    def mapping(self, key: str) -> Mapping[str, object]:
        """A mapping, empty where there is none. Raises `TaskProblem`."""
        found = self.arguments.get(key)
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise TaskProblem(Kind.CONFIGURATION, f"`{key}` is no mapping")
        return cast("dict[str, object]", found)


class Work(Protocol):
    """What one kind of task does."""

    name: str
    """The activity's."""

    async def do(self, asked: Asked) -> object:
        """Do it; the output, of JSON. Raises `TaskProblem`."""
        ...

    def intent(self, task: TaskCall) -> Sequence[Event]:
        """The events that announce it. Must not block."""
        ...

    def unfinished(self, task: TaskCall, why: Unfinished) -> Sequence[Event]:
        """The events about work that was announced and came to no end."""
        ...


class QuietWork:
    """Work that tells of nothing but its result."""

    name: str

    def intent(self, task: TaskCall) -> Sequence[Event]:
        """Nothing."""
        return ()

    def unfinished(self, task: TaskCall, why: Unfinished) -> Sequence[Event]:
        """Nothing."""
        return ()


class TaskActivity(Activity):
    """Work as an activity. `again`: under the name, and with the promise, that it may be done again after a crash."""

    argument_types = (TaskCall,)

    def __init__(self, work: Work, secrets: Secrets, clock: Callable[[], int], *, again: bool) -> None:
        self.name = repeatable(work.name) if again else work.name
        self.repeatable = again
        self._work = work
        self._secrets = secrets
        self._clock = clock

    def intent(self, call: ActivityCall) -> Sequence[Event]:
        """See `Activity.intent`."""
        return self._told(self._work.intent(_task(call)))

    def unfinished(self, call: ActivityCall, why: Unfinished) -> Sequence[Event]:
        """See `Activity.unfinished`."""
        return self._told(self._work.unfinished(_task(call), why))

    async def run(self, call: ActivityCall) -> object:
        """Do the work."""
        task = _task(call)
        try:
            output = await self._work.do(self._asked(call, task))
            return CallEnd(self._encoded(output))
        except TaskProblem as problem:
            error = problem.as_dict(task.instance)
        except (LeaseLost, asyncio.CancelledError):
            raise
        except Exception as problem:
            said = self._secrets.cleaned_text(repr(problem))
            _logger.exception("%s failed in %s: %s", self.name, task.task_id, said, exc_info=False)
            words = f"{type(problem).__name__}: {problem}"
            error = TaskProblem(Kind.RUNTIME, "Stigmer itself failed at this task", words).as_dict(task.instance)
        # Outside of the handlers: what was raised may hold secrets, and a failure tells of its causes.
        raise failure_of(cast("dict[str, object]", self._secrets.cleaned(error)))

    def _asked(self, call: ActivityCall, task: TaskCall) -> Asked:
        def tell(events: Sequence[Event]) -> Awaitable[None]:
            return call.record(self._told(events), urgent=any(not each.HasField("terminal_output") for each in events))

        return Asked(
            task=task,
            arguments=self._filled(task.arguments_json),
            authentication=self._filled(task.authentication_json or "{}"),
            tell=tell,
            conclude=lambda events: call.conclude(self._told(events)),
        )

    def _filled(self, text: str) -> Mapping[str, object]:
        value = self._secrets.filled(cast(object, json.loads(text)))
        return cast("dict[str, object]", value) if isinstance(value, dict) else {}

    def _encoded(self, output: object) -> str:
        text = json.dumps(self._secrets.cleaned(output), ensure_ascii=False, separators=(",", ":"))
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > LARGEST_RESULT:
            raise TaskProblem(
                Kind.RUNTIME,
                f"the output has {size:,} bytes, and a task's output can have {LARGEST_RESULT:,}",
                "the work was done; keep what is so large in a file, and its name in the output",
            )
        return text

    def _told(self, events: Sequence[Event]) -> Sequence[Event]:
        now = self._clock()
        for event in events:
            event.time_unix_micros = event.time_unix_micros or now
            redact_message(self._secrets.redactor, event)
        return events


def activities_of(works: Sequence[Work], secrets: Secrets, clock: Callable[[], int]) -> Sequence[Activity]:
    """Each work under its two names."""
    return [TaskActivity(work, secrets, clock, again=again) for work in works for again in (False, True)]


def _task(call: ActivityCall) -> TaskCall:
    task = call.arguments[0]
    if not isinstance(task, TaskCall):
        raise TypeError(f"a task is asked for by a TaskCall, not by {type(task).__name__}")
    return task
