"""Tasks that somebody outside has a part in: events, callbacks, and questions to the person."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, WorkflowTaskWaiting
from stigmer_runner.durable.workflow_messages import ACTIVITY, ASK, EMIT
from stigmer_runner.errors import RefusedByDaemon
from stigmer_runner.link.workflow_calls import WorkflowCalls
from stigmer_runner.loop.live_questions import LiveQuestions
from stigmer_runner.tools.interface import Question
from stigmer_runner.workflow.activities import Asked, QuietWork
from stigmer_runner.workflow.problems import Kind, TaskProblem

RETRY, DONE, FAIL = "retry", "done", "fail"


class Emit(QuietWork):
    """Publishes an event to whoever waits for its type. The same event again, after a crash, is handed out once."""

    name = EMIT

    def __init__(self, calls: WorkflowCalls) -> None:
        self._calls = calls

    async def do(self, asked: Asked) -> object:
        """See `Work.do`."""
        event = asked.mapping("event")
        try:
            await self._calls.publish(asked.task.key, json.dumps(event))
        except RefusedByDaemon as error:
            raise TaskProblem(Kind.CONFIGURATION, "the event cannot be published", str(error)) from error
        return event


class ExternalActivity(QuietWork):
    """Has somebody outside complete the task, by a token that its event tells."""

    name = ACTIVITY

    def __init__(self, calls: WorkflowCalls, clock: Callable[[], int]) -> None:
        self._calls = calls
        self._clock = clock

    async def do(self, asked: Asked) -> object:
        """See `Work.do`."""
        task, name = asked.task, asked.text("name")
        queue = str(asked.arguments.get("taskQueue") or "")
        seconds = task.timeout_seconds
        expires = self._clock() + round(seconds * 1e6) if seconds else 0
        try:
            made = await self._calls.callback(task.key, task.task_id, queue, expires)
            activity = WorkflowTaskWaiting.Activity(
                queue=queue, token=made.token, expires_unix_micros=made.expires_unix_micros
            )
            _ = asked.tell([Event(workflow_task_waiting=WorkflowTaskWaiting(task_id=task.task_id, activity=activity))])
            found = await self._calls.completed(made.token)
        except RefusedByDaemon as error:
            raise TaskProblem(Kind.CONFIGURATION, f"the activity {name!r} cannot be waited for", str(error)) from error
        if found.expired:
            raise TaskProblem(
                Kind.TIMEOUT,
                f"nobody completed the activity {name!r}{f' of the queue {queue!r}' if queue else ''} in time",
                "a worker of your own completes it by `stigmer complete`; look whether one is there for it",
            )
        if found.error:
            raise TaskProblem(Kind.RUNTIME, f"the activity {name!r} failed", found.error)
        return cast(object, json.loads(found.result_json or "null"))


class AskAboutUnknown(QuietWork):
    """Asks the person what becomes of a call whose runner died while it ran. The question outlives a runner: the next one asks it
    under the same name."""

    name = ASK

    def __init__(self, questions: LiveQuestions) -> None:
        self._questions = questions

    async def do(self, asked: Asked) -> object:
        """See `Work.do`."""
        task = asked.task
        words = (
            f"The runner stopped while the task {task.name!r} was at work: nobody knows how far it came. "
            "Do it again (retry), take it as done (done), or let it fail (fail)?"
        )
        said = ""
        ask = asker(self._questions, asked, f"{task.key}-unknown")
        while said not in (RETRY, DONE, FAIL):
            said = (await ask(Question(words, (RETRY, DONE, FAIL)))).strip().lower()
        return said


def asker(questions: LiveQuestions, asked: Asked, about: str) -> Callable[[Question], Awaitable[str]]:
    """How a task asks the person, and tells that it waits for them."""
    task_id = asked.task.task_id

    def record(events: Sequence[Event]) -> object:
        told = list(events)
        raised = [each.attention_raised.attention_id for each in told if each.HasField("attention_raised")]
        told += [
            Event(workflow_task_waiting=WorkflowTaskWaiting(task_id=task_id, attention_id=each)) for each in raised
        ]
        return asked.tell(told)

    return questions.asker(record, about)
