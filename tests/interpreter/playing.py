"""Documents on an engine, with a journal in memory and activities that answer by a script."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import yaml
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch
from stigmer_apis.workflow.document_json import Json
from stigmer_runner.durable.messages import TELL
from stigmer_runner.durable.workflow_interpreter import WorkflowInterpreter
from stigmer_runner.durable.workflow_messages import ASK, CALLS, CallEnd, TaskCall, WorkflowRequest, repeatable
from stigmer_runner.engine.activities import Activities, Activity, ActivityCall, FunctionActivity
from stigmer_runner.engine.chronicle import Completed, Failed, RunOutcome, SilentChronicle
from stigmer_runner.engine.embedded_engine import EmbeddedEngine
from stigmer_runner.engine.errors import ActivityFailure
from stigmer_runner.engine.journal import Group, MemoryJournal, records_of
from stigmer_runner.engine.plan import RunPlan
from stigmer_runner.engine.port import Engine

LIVENESS = 60.0
HEAD = "document: {dsl: 1.0.0, namespace: tests, name: tried, version: 1.0.0}\n"

Answer = Callable[[TaskCall], Json]


@dataclass
class Ledger:
    """What the activities were asked to do."""

    calls: list[tuple[str, TaskCall]] = field(default_factory=list[tuple[str, TaskCall]])

    def named(self, name: str) -> list[Json]:
        """The arguments of the calls of one activity."""
        return [json.loads(call.arguments_json) for called, call in self.calls if called == name]


class Scripted(Activity):
    """An activity that notes the call and answers by a function. `$sleep` is slept first, `$whatever` also when it is asked to stop, and `$fail` is its error."""

    argument_types = (TaskCall,)

    def __init__(self, name: str, ledger: Ledger, answer: Answer, *, repeatable: bool) -> None:
        self.name = repeatable_name(name) if repeatable else name
        self.repeatable = repeatable
        self._kind = name
        self._ledger = ledger
        self._answer = answer

    async def run(self, call: ActivityCall) -> object:
        """Answer."""
        (ask,) = call.arguments
        assert isinstance(ask, TaskCall)
        self._ledger.calls.append((self._kind, ask))
        answer = self._answer(ask)
        if isinstance(answer, dict) and "$sleep" in answer:
            seconds = answer["$sleep"]
            assert isinstance(seconds, int | float)
            await asyncio.sleep(seconds)
        if isinstance(answer, dict) and "$whatever" in answer:
            await _slept(answer["$whatever"])
        if isinstance(answer, dict) and "$fail" in answer:
            raise ActivityFailure(
                "failed", kind="workflow-error", retryable=False, details=[json.dumps(answer["$fail"])]
            )
        return CallEnd(json.dumps(answer))


async def _slept(seconds: Json) -> None:
    """Sleep, whoever asks to stop meanwhile."""
    assert isinstance(seconds, int | float)
    sleeping = asyncio.create_task(asyncio.sleep(seconds))
    while not sleeping.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(sleeping)


def repeatable_name(name: str) -> str:
    """The name of the repeatable one."""
    return repeatable(name)


def document(text: str) -> str:
    """A YAML document as JSON text."""
    whole = text if text.lstrip().startswith(("document:", "{")) else HEAD + text
    return json.dumps(yaml.safe_load(whole))


class Play:
    """A run of a document. `answers` says for each activity what it answers."""

    def __init__(
        self,
        text: str,
        given: Json = None,
        answers: dict[str, Answer] | None = None,
        *,
        engine: Engine | None = None,
        execution_id: str = "wex-test",
        journal: MemoryJournal | None = None,
        **request: str | bool,
    ) -> None:
        """`engine`: another than the embedded one; `request`: what else it is asked."""
        self.ledger = Ledger()
        self.journal = journal or MemoryJournal()
        self.patience = LIVENESS
        asked = WorkflowRequest(execution_id, document(text), json.dumps(given), 1_800_000_000_000_000)
        for name, value in request.items():
            object.__setattr__(asked, name, value)
        known = answers or {}
        made: list[Activity] = [
            Scripted(name, self.ledger, known.get(name, _echo), repeatable=again)
            for name in (*CALLS, ASK)
            for again in (False, True)
        ]
        self.handed_over: list[Event] = []
        """Events that came by an activity."""
        made.append(FunctionActivity(TELL, self._tell))
        plan = RunPlan(WorkflowInterpreter, execution_id, (asked,))
        chosen: Engine = engine or EmbeddedEngine()
        self.run = chosen.run(plan, Activities(made), self.journal, SilentChronicle())

    async def _tell(self, events: bytes) -> None:
        self.handed_over += EventBatch.FromString(events).events

    async def outcome(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """Run to the end."""
        async with asyncio.timeout(self.patience):
            return await self.run.execute(history)

    async def output(self) -> Json:
        """Run to a good end."""
        found = await self.outcome()
        assert isinstance(found, Completed), found
        assert isinstance(found.value, str)
        value: Json = json.loads(found.value)
        return value

    async def failure(self) -> str:
        """Run to a bad end: why."""
        found = await self.outcome()
        assert isinstance(found, Failed), found
        return found.reason

    @property
    def events(self) -> list[Event]:
        """What was told."""
        return self.journal.events

    def told(self, kind: str) -> list[dict[str, Json]]:
        """The events of one kind, as plain data."""
        return [MessageToDict(getattr(event, kind)) for event in self.events if event.WhichOneof("body") == kind]

    def ends(self) -> list[str]:
        """The tasks in the order of their ends."""
        return [str(told["taskId"]) for told in self.told("workflow_task_finished")]


def copies(groups: Sequence[Group]) -> list[JournalRecord]:
    """The records of groups, as they would be read again."""
    return [JournalRecord.FromString(record.SerializeToString()) for record in records_of(groups)]


async def run(text: str, given: Json = None, answers: dict[str, Answer] | None = None) -> Json:
    """The output of a document."""
    return await Play(text, given, answers).output()


async def failure(text: str, given: Json = None, answers: dict[str, Answer] | None = None) -> str:
    """Why a document fails."""
    return await Play(text, given, answers).failure()


def _echo(ask: TaskCall) -> Json:
    value: Json = json.loads(ask.arguments_json)
    return value
