"""What holds on every engine: order, retries, limits, cancelling, commands, children, continuations, and what a lost runner leaves."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.ids import new_id
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import Abandoned, Cancelled, Completed, Failed, RunOutcome, SilentChronicle
from stigmer_runner.engine.errors import UpdateRefused
from stigmer_runner.engine.journal import MemoryJournal, records_of
from stigmer_runner.engine.plan import ChildParts, RunPlan
from stigmer_runner.engine.port import Engine
from tests.engines.definitions import ThreeChildren
from tests.runner.families import AsksQuestions, CancelsChild, Child, Continuing
from tests.runner.workflows import (
    Cancelling,
    Effect,
    Endless,
    Failing,
    Flaky,
    Ledger,
    Limits,
    Mixture,
    Retrying,
    SequenceOfSteps,
    Step,
    Told,
)

LIVENESS = 40.0


class Bench:
    """A run on an engine, with its journal, activities and ledger. `execution_id`: of a run that goes on."""

    def __init__(
        self,
        engine: Engine,
        definition: type[object],
        *arguments: object,
        execution_id: str = "",
        ledger: Ledger | None = None,
    ) -> None:
        self.execution_id = execution_id or new_id("aex")
        self.ledger = ledger or Ledger()
        self.endless = Endless(self.ledger)
        self._activities = Activities([Step(self.ledger), Effect(self.ledger), Flaky(), self.endless])
        self.journal = MemoryJournal()
        plan = RunPlan(definition, self.execution_id, arguments)
        self.run = engine.run(plan, self._activities, self.journal, Told(), child_kinds=self._kinds)

    async def outcome(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """Run to the end."""
        async with asyncio.timeout(LIVENESS):
            return await self.run.execute(history)

    @property
    def lines(self) -> list[str]:
        """What the log says, an event in short each."""
        return [_short(event) for event in self.journal.events]

    @property
    def records(self) -> list[JournalRecord]:
        """The engine's records, as they would be read again."""
        return [JournalRecord.FromString(each.SerializeToString()) for each in records_of(self.journal.groups)]

    def _kinds(self, workflow_type: str, workflow_id: str) -> ChildParts | None:
        if workflow_type != "tests/child":
            return None

        def mark(event: Event) -> None:
            event.sub_agent_id = event.sub_agent_id or workflow_id

        return ChildParts(Child, self._activities, SilentChronicle(), mark)


def _short(event: Event) -> str:
    match event.WhichOneof("body"):
        case "log_line":
            return event.log_line.text
        case "command_applied":
            return f"applied {event.command_applied.command_id}"
        case "command_rejected":
            return f"rejected {event.command_rejected.command_id}: {event.command_rejected.reason}"
        case "phase_changed":
            return "end"
        case other:
            return str(other)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(LIVENESS):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


async def test_activities_run_one_after_the_other_and_the_end_is_told_once(engine: Engine) -> None:
    bench = Bench(engine, SequenceOfSteps, 3)
    assert await bench.outcome() == Completed(3)
    assert bench.ledger.done == ["step 0", "step 1", "step 2"]
    assert bench.lines == ["begun", "end"]
    assert [group.final for group in bench.journal.groups].count(True) == 1


async def test_a_bit_of_everything(engine: Engine) -> None:
    bench = Bench(engine, Mixture)
    running = asyncio.create_task(bench.outcome())
    bench.run.signal("say", "one", command_id="c1")
    bench.run.signal("say", "one", command_id="c1")
    bench.run.signal("say", "stop", command_id="c2")
    outcome = await running
    assert isinstance(outcome, Completed)
    found = [str(each) for each in cast(list[object], outcome.value)]
    assert [found[0], *found[2:]] == ["sum 3", "effect 7", "effect 8", "words one stop"]
    effects = [each for each in bench.lines if each.startswith("effect")]
    assert effects == [f"effect {number} {what}" for number in (7, 8) for what in ("begins", "output", "ended")]
    assert [each for each in bench.lines if each.startswith("applied")] == ["applied c1", "applied c2"]


@pytest.mark.parametrize(
    ("failures", "kind", "attempts", "expected"),
    [(2, "Shaky", 5, Completed(3)), (5, "Shaky", 2, Failed("attempt 2", "Shaky")), (2, "Fatal", 5, Failed("attempt 1", "Fatal"))],
)  # fmt: skip
async def test_retries(engine: Engine, failures: int, kind: str, attempts: int, expected: RunOutcome) -> None:
    assert await Bench(engine, Retrying, failures, kind, attempts).outcome() == expected


async def test_a_heartbeat_that_is_missed_ends_the_attempt(engine: Engine) -> None:
    outcome = await Bench(engine, Limits, 30.0, 60.0, 0.5).outcome()
    assert isinstance(outcome, Completed)
    assert "eartbeat" in str(outcome.value)


async def test_a_cancel_waits_for_the_activity_and_says_why(engine: Engine) -> None:
    bench = Bench(engine, Cancelling, "WAIT_CANCELLATION_COMPLETED", 0.0)
    running = asyncio.create_task(bench.outcome())
    await until(bench.endless.running.is_set)
    bench.run.cancel("enough", command_id="c1")
    assert await running == Cancelled("enough")
    assert bench.ledger.done == ["endless cancelled"]
    assert bench.lines == ["begun", "endless cancelled: enough", "applied c1", "end"]


async def test_a_workflow_cancels_its_activity(engine: Engine) -> None:
    bench = Bench(engine, Cancelling, "WAIT_CANCELLATION_COMPLETED", 0.3)
    assert await bench.outcome() == Completed("CancelledError")
    assert bench.ledger.done == ["endless cancelled"]


@pytest.mark.parametrize(
    ("how", "words", "kind"),
    [("failure", "it does not work", "Broken"), ("missing", "no such", "ActivityNotFound")],
)
async def test_failures_end_the_run_with_words(engine: Engine, how: str, words: str, kind: str) -> None:
    outcome = await Bench(engine, Failing, how).outcome()
    assert isinstance(outcome, Failed)
    assert words in outcome.reason
    assert outcome.kind == kind


async def test_a_mistake_in_a_definition_ends_the_run(engine: Engine) -> None:
    outcome = await Bench(engine, Failing, "a mistake").outcome()
    assert isinstance(outcome, Failed)
    assert "a mistake" in outcome.reason


async def test_updates_are_answered_where_they_are_accepted(engine: Engine) -> None:
    bench = Bench(engine, AsksQuestions)
    running = asyncio.create_task(bench.outcome())
    await until(lambda: "step 0" in bench.ledger.done)
    with pytest.raises(UpdateRefused, match="nobody asked 'second'"):
        await asyncio.wait_for(bench.run.update("answer", "second", "too early", command_id="c1"), LIVENESS)
    assert await _answered(bench, "first", "yes") == 1
    assert await _answered(bench, "second", "slow") == 2
    assert await running == Completed(["first yes", "second slow"])
    told = [each for each in bench.lines if each.startswith(("applied", "rejected c1"))]
    assert told[0].startswith("rejected c1: ")
    assert "nobody asked 'second'" in told[0]
    assert [each.partition("-")[0] for each in told[1:]] == ["applied first", "applied second"]


async def _answered(bench: Bench, name: str, text: str) -> object:
    """The answer to an update that is sent until the workflow asks for it."""
    async with asyncio.timeout(LIVENESS):
        for number in itertools.count():
            try:
                return await bench.run.update("answer", name, text, command_id=f"{name}-{number}")
            except UpdateRefused:
                await asyncio.sleep(0.1)
    return None


async def test_children_run_fail_and_are_spoken_to(engine: Engine) -> None:
    outcome = await Bench(engine, ThreeChildren).outcome()
    assert isinstance(outcome, Completed)
    words = [str(each) for each in cast(list[object], outcome.value)]
    assert words[0].startswith("2 over 102 ")
    assert words[1].startswith("3 ")
    assert words[1].endswith(" hello")
    assert words[2] == "ChildBroke: child 4 fails"


async def test_cancelling_a_parent_cancels_its_child_and_waits_for_it(engine: Engine) -> None:
    bench = Bench(engine, CancelsChild, "WAIT_CANCELLATION_COMPLETED", 0.0)
    running = asyncio.create_task(bench.outcome())
    await until(bench.endless.running.is_set)
    bench.run.cancel("enough")
    assert await running == Cancelled("enough")
    assert bench.ledger.done == ["endless cancelled"]


async def test_a_run_goes_on_as_new_with_what_it_carries(engine: Engine) -> None:
    bench = Bench(engine, Continuing, 0, 5, [])
    bench.run.signal("say", "a", command_id="c1")
    running = asyncio.create_task(bench.outcome())
    await until(lambda: "step 4" in bench.ledger.done)
    bench.run.signal("say", "b", command_id="c2")
    assert await running == Completed("5 a b")
    assert bench.ledger.done == [f"step {number}" for number in range(5)]


async def test_a_lost_lease_stops_everything_and_another_holder_goes_on(engine: Engine) -> None:
    bench = Bench(engine, Cancelling, "WAIT_CANCELLATION_COMPLETED", 0.0)
    running = asyncio.create_task(bench.outcome())
    await until(bench.endless.running.is_set)
    written = bench.records
    bench.run.abandon("fenced")
    bench.journal.lose("fenced")
    assert isinstance(await running, Abandoned)
    again = Bench(engine, Cancelling, "WAIT_CANCELLATION_COMPLETED", 0.0, execution_id=bench.execution_id)
    going_on = asyncio.create_task(again.outcome(written))
    # What it did has a side effect and no result: nobody repeats it unasked.
    outcome = await going_on
    assert isinstance(outcome, Failed)
    assert outcome.kind == "OutcomeUnknown"
    assert not again.endless.running.is_set()
    assert "endless unknown" in again.lines


async def test_the_next_holder_repeats_nothing_that_came_to_its_end(engine: Engine) -> None:
    ledger = Ledger()
    bench = Bench(engine, Mixture, ledger=ledger)
    running = asyncio.create_task(bench.outcome())
    await until(lambda: "effect 8" in ledger.done and "effect 8 ended" in bench.lines)
    await asyncio.sleep(0.5)
    written = bench.records
    bench.run.abandon("fenced")
    bench.journal.lose("fenced")
    assert isinstance(await running, Abandoned)
    again = Bench(engine, Mixture, execution_id=bench.execution_id, ledger=ledger)
    going_on = asyncio.create_task(again.outcome(written))
    again.run.signal("say", "stop", command_id="c9")
    outcome = await going_on
    assert isinstance(outcome, Completed)
    assert sorted(each for each in ledger.done if each.startswith("effect")) == ["effect 7", "effect 8"]
