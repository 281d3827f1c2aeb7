"""Documents on the embedded engine with the activities of a real run, without a daemon."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import RunOptions
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.engine.chronicle import Completed, Failed, RunOutcome
from stigmer_runner.engine.embedded_engine import EmbeddedEngine
from stigmer_runner.engine.journal import MemoryJournal
from stigmer_runner.hosting.values import RunValues
from stigmer_runner.hosting.workflow_ground import Standing, WorkflowActivities
from stigmer_runner.hosting.workflow_run import WorkflowSteering, workflow_run
from stigmer_runner.link.workflow_calls import WorkflowCalls
from stigmer_runner.loop.live_questions import LiveQuestions
from stigmer_runner.sandbox import Sandbox
from stigmer_runner.workflow.processes import ProcessPlace
from tests.interpreter.playing import document

LIVENESS = 60.0


@dataclass
class Runs:
    """Runs of one person. `lent` counts the sandboxes that were asked for."""

    sandbox: Sandbox
    workspace: Path
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    lent: int = 0

    def begin(self, text: str, given: object = None, journal: MemoryJournal | None = None) -> "Running":
        """A run of a document."""
        values = RunValues({**self.variables, **self.secrets}, self.secrets, {})
        return Running(self, document(text), json.dumps(given), values, journal or MemoryJournal())

    async def output(self, text: str, given: object = None) -> object:
        """What a document answers."""
        return await self.begin(text, given).output()


class Running:
    """One run."""

    def __init__(
        self, runs: Runs, document_json: str, input_json: str, values: RunValues, journal: MemoryJournal
    ) -> None:
        self.journal = journal
        self.seen: set[str] = set()
        self.rejected: list[str] = []
        questions = LiveQuestions(lambda: 7)

        async def lend(stack: AsyncExitStack) -> ProcessPlace:
            runs.lent += 1
            return ProcessPlace("wex-1", runs.workspace, runs.sandbox, "h:", values.every, None, RunOptions().policy)

        standing = Standing(document_json, RunOptions(), runs.workspace, values, (), lend)
        nobody = cast(WorkflowCalls, None)
        self.activities = WorkflowActivities(standing, nobody, questions, lambda: 7)
        grant = LinkResponse.LeaseGranted(execution_id="wex-1", document_json=document_json, input_json=input_json)
        chronicle = ExecutionChronicle(lambda: 7)
        self.run = workflow_run(EmbeddedEngine(), grant, values, self.activities, journal, chronicle, lambda: 7)
        self.steering = WorkflowSteering(self.run, questions, lambda _, why: self.rejected.append(why), lambda _: None)

    def command(self, command_id: str, **what: object) -> None:
        """A person's command."""
        self.steering.take(CommandIssued(command_id=command_id, **what))  # pyright: ignore

    async def outcome(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """To the end."""
        try:
            async with asyncio.timeout(LIVENESS):
                return await self.run.execute(history)
        finally:
            await self.activities.close()

    async def output(self, history: Sequence[JournalRecord] = ()) -> object:
        """To a good end."""
        found = await self.outcome(history)
        assert isinstance(found, Completed), found
        return cast(object, json.loads(str(found.value)))

    async def failure(self) -> str:
        """To a bad end: why."""
        found = await self.outcome()
        assert isinstance(found, Failed), found
        return found.reason
