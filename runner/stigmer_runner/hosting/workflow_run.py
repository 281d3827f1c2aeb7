"""Makes runs of workflows. Imported once the engine is: it needs the workflow library."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import cast

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, Event
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.durable.workflow_interpreter import WorkflowInterpreter
from stigmer_runner.durable.workflow_messages import SECRET_MARKER, WorkflowRequest
from stigmer_runner.engine.journal import JournalSink
from stigmer_runner.engine.plan import RunPlan
from stigmer_runner.engine.port import Engine, Run
from stigmer_runner.hosting.values import RunValues
from stigmer_runner.hosting.workflow_ground import WorkflowActivities
from stigmer_runner.loop.live_questions import LiveQuestions
from stigmer_runner.redaction.messages import redact_message
from stigmer_runner.workflow.secrets import Secrets


class RedactedJournal:
    """A journal whose events hold no secrets. What is recorded holds none anyway: a workflow has references alone."""

    def __init__(self, journal: JournalSink, secrets: Callable[[], Secrets]) -> None:
        self._journal = journal
        self._secrets = secrets

    def append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], *, urgent: bool, final: bool = False
    ) -> "asyncio.Future[None]":
        """See `JournalSink.append`."""
        for event in events:
            redact_message(self._secrets().redactor, event)
            if _SIGN in event.SerializeToString():
                show_references(event)
        return self._journal.append(records, events, urgent=urgent, final=final)


_SIGN = "\u2060".encode()


def show_references(message: Message) -> None:
    """Put `[secret NAME]` in place of each reference in the texts of `message`."""
    for field, value in message.ListFields():
        entry = field.message_type
        if entry is not None and entry.GetOptions().map_entry:
            for key, each in value.items():
                if isinstance(each, Message):
                    show_references(each)
                elif isinstance(each, str):
                    value[key] = _shown(each)
        elif entry is not None:
            for each in value if field.is_repeated else (value,):
                show_references(each)
        elif field.type == field.TYPE_STRING:
            if field.is_repeated:
                value[:] = [_shown(each) for each in value]
            else:
                setattr(message, field.name, _shown(value))


def _shown(text: str) -> str:
    return SECRET_MARKER.sub(r"[secret \1]", text)


def workflow_run(
    engine: Engine,
    grant: LinkResponse.LeaseGranted,
    values: RunValues,
    activities: WorkflowActivities,
    journal: JournalSink,
    chronicle: ExecutionChronicle,
    clock: Callable[[], int],
) -> Run:
    """A run of a document."""
    request = WorkflowRequest(
        execution_id=grant.execution_id,
        document_json=grant.document_json,
        input_json=grant.input_json or "null",
        started_unix_micros=clock(),
        runtime_json=json.dumps({"name": "stigmer", "version": __version__, "metadata": {}}),
        carried_json=grant.carried_json,
        env_json=json.dumps({name: value for name, value in values.every.items() if name not in values.secrets}),
    )
    plan = RunPlan(WorkflowInterpreter, grant.execution_id, (request,))
    return engine.run(plan, activities, RedactedJournal(journal, lambda: activities.secrets), chronicle)


class WorkflowSteering:
    """Hands commands to a run. `reject` answers those that nobody can take, `applied` says that an answer was taken."""

    def __init__(
        self, run: Run, questions: LiveQuestions, reject: Callable[[str, str], None], applied: Callable[[str], None]
    ) -> None:
        self._run = run
        self._questions = questions
        self._reject = reject
        self._applied = applied

    def take(self, command: CommandIssued) -> None:
        """Hand a command over. What was taken before is passed over by the run."""
        run, command_id = self._run, command.command_id
        match command.WhichOneof("command"):
            case "cancel":
                run.cancel(command.cancel.reason, command_id=command_id)
            case "pause":
                run.signal("pause", command_id=command_id)
            case "resume":
                run.signal("resume", command_id=command_id)
            case "signal":
                given = command.signal
                data = _plain(MessageToDict(given.payload)) if given.HasField("payload") else None
                run.signal(
                    "signal",
                    given.name,
                    json.dumps(data),
                    given.id or command_id,
                    given.is_event,
                    command_id=command_id,
                )
            case "answer":
                if self._questions.answered(command.answer.attention_id, command.answer.text):
                    self._applied(command_id)
                else:
                    self._reject(command_id, "this is not asked any more")
            case other:
                self._reject(command_id, f"a workflow does not know what to do with `{other}`")


def _plain(value: object) -> object:
    """JSON's numbers as they were written: a protobuf `Value` has floats alone."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [_plain(each) for each in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in cast("dict[str, object]", value).items()}
    return value
