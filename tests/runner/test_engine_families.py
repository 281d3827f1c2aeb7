"""The embedded engine's updates, child workflows and continuations, and their replays."""

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import Cancelled, Completed, Failed, RunOutcome, SilentChronicle
from stigmer_runner.engine.embedded import EmbeddedRun, RunPlan
from stigmer_runner.engine.errors import UpdateRefused
from stigmer_runner.engine.journal import Group, MemoryJournal, records_of
from stigmer_runner.engine.plan import ChildParts
from tests.runner.families import (
    AsksQuestions,
    CancelsChild,
    Child,
    Continuing,
    LeavesChild,
    OneEffect,
    OneStep,
    Parent,
)
from tests.runner.workflows import Effect, Endless, Ledger, Step, Told

LIVENESS = 30.0


class Family:
    """A run that may have children, with its journal and ledger."""

    def __init__(self, definition: type[object], *arguments: object) -> None:
        self.ledger = Ledger()
        self.endless = Endless(self.ledger)
        self._activities = Activities([Step(self.ledger), Effect(self.ledger), self.endless])
        self.journal = MemoryJournal()
        plan = RunPlan(definition, "test-run", arguments)
        self.run = EmbeddedRun(plan, self._activities, self.journal, Told(), child_kinds=self._kinds)

    async def outcome(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """Run to the end."""
        async with asyncio.timeout(LIVENESS):
            return await self.run.execute(history)

    def _kinds(self, workflow_type: str, workflow_id: str) -> ChildParts | None:
        if workflow_type != "tests/child":
            return None

        def mark(event: Event) -> None:
            event.sub_agent_id = event.sub_agent_id or workflow_id

        return ChildParts(Child, self._activities, SilentChronicle(), mark)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(LIVENESS):
        while True:
            if condition():
                return
            await asyncio.sleep(0.001)


def words_of(end: RunOutcome) -> list[str]:
    """What a run answered, a text each."""
    assert isinstance(end, Completed)
    return [str(each) for each in cast(list[object], end.value)]


def copies(groups: Sequence[Group]) -> list[JournalRecord]:
    """The records of groups, as they would be read again."""
    return [JournalRecord.FromString(record.SerializeToString()) for record in records_of(groups)]


async def test_an_update_is_answered_and_journaled_only_where_it_is_accepted() -> None:
    family = Family(AsksQuestions)
    task = asyncio.create_task(family.outcome())
    await until(lambda: family.ledger.done == ["step 0"])
    await asyncio.sleep(0.01)
    before = len(family.journal.records)
    with pytest.raises(UpdateRefused, match="nobody asked 'second'"):
        await family.run.update("answer", "second", "early", command_id="u1")
    with pytest.raises(UpdateRefused, match="not found"):
        await family.run.update("no such update")
    assert len(family.journal.records) == before, "a refused update leaves no record"
    assert [e.command_rejected.command_id for e in family.journal.events if e.HasField("command_rejected")] == ["u1"]
    with pytest.raises(UpdateRefused, match="that breaks it"):
        await family.run.update("answer", "first", "bad", command_id="u2")
    assert await family.run.update("answer", "first", "slow", command_id="u3") == 1
    assert await family.run.update("answer", "first", "slow", command_id="u3") is None, "taken before"
    await until(lambda: family.ledger.done == ["step 0", "step 1"])
    await asyncio.sleep(0.01)
    assert await family.run.update("answer", "second", "quick", command_id="u4") == 2
    assert await task == Completed(["first slow", "second quick"])
    with pytest.raises(UpdateRefused, match="over"):
        await family.run.update("answer", "second", "late")
    applied = [e.command_applied.command_id for e in family.journal.events if e.HasField("command_applied")]
    assert applied == ["u2", "u3", "u4"]
    for length in range(1, len(family.journal.groups) + 1):
        again = Family(AsksQuestions)
        replayed = asyncio.create_task(again.outcome(copies(family.journal.groups[:length])))
        for name, text, command_id in (("first", "slow", "u3"), ("second", "quick", "u4")):
            while not replayed.done():
                try:
                    await again.run.update("answer", name, text, command_id=command_id)
                    break
                except UpdateRefused:
                    command_id += "'"
                    await asyncio.sleep(0.002)
        assert await replayed == Completed(["first slow", "second quick"]), f"from {length} groups"


async def test_children_run_fail_and_are_spoken_to() -> None:
    family = Family(Parent)
    end = await family.outcome()
    found = words_of(end)
    assert found[0].startswith("1 ")
    assert found[1].startswith("2 over 102 ")
    assert found[2].startswith("3 ")
    assert found[2].endswith(" hello")
    assert found[3:] == ["ChildBroke: child 4 fails", "ChildNotFound: this runner has no workflow 'tests/nobody'"]
    assert sorted(family.ledger.done) == ["step 1", "step 102", "step 3"]
    assert [group.final for group in family.journal.groups].count(True) == 1


async def test_children_go_on_from_every_prefix_of_the_journal() -> None:
    whole = Family(Parent)
    end = await whole.outcome()
    groups = whole.journal.groups
    words = [text.split(" ")[0] for text in words_of(end)]
    for length in range(1, len(groups)):
        again = Family(Parent)
        found = await again.outcome(copies(groups[:length]))
        assert isinstance(found, Completed), f"from {length} groups: {found}"
        assert [text.split(" ")[0] for text in words_of(found)] == words
        resolved = sum(
            job.HasField("child_resolved") for record in records_of(groups[:length]) for job in record.activation.jobs
        )
        fresh = sum(
            job.HasField("child_resolved") for record in again.journal.records for job in record.activation.jobs
        )
        assert resolved + fresh == 5, f"from {length} groups every child ends once"
    again = Family(Parent)
    assert await again.outcome(copies(groups)) == end
    assert again.ledger.done == []
    assert again.journal.records == []


@pytest.mark.parametrize(
    ("how", "expected"), [("WAIT_CANCELLATION_COMPLETED", "CancelledError"), ("TRY_CANCEL", "CancelledError")]
)
async def test_a_child_is_cancelled_as_its_parent_says(how: str, expected: str) -> None:
    family = Family(CancelsChild, how, 0.02)
    assert await family.outcome() == Completed(expected)
    assert family.ledger.done == ["endless cancelled"]


async def test_cancelling_a_parent_cancels_its_child_and_waits_for_it() -> None:
    family = Family(CancelsChild, "WAIT_CANCELLATION_COMPLETED", 0.0)
    task = asyncio.create_task(family.outcome())
    await asyncio.wait_for(family.endless.running.wait(), LIVENESS)
    family.run.cancel("enough", command_id="c1")
    assert await task == Cancelled("enough")
    assert family.ledger.done == ["endless cancelled"]
    said = [(event.sub_agent_id, event.log_line.text) for event in family.journal.events if event.HasField("log_line")]
    assert ("slow", "endless cancelled: enough") in said
    for length in range(1, len(family.journal.groups)):
        again = Family(CancelsChild, "WAIT_CANCELLATION_COMPLETED", 0.0)
        replayed = asyncio.create_task(again.outcome(copies(family.journal.groups[:length])))
        again.run.cancel("enough", command_id="c1")
        found = await replayed
        assert isinstance(found, Cancelled | Failed), f"from {length} groups"


async def test_a_parent_that_ends_takes_its_child_with_it() -> None:
    family = Family(LeavesChild)
    assert await family.outcome() == Completed("done")
    assert family.ledger.done == ["endless cancelled"]
    for length in range(1, len(family.journal.groups)):
        again = Family(LeavesChild)
        assert await again.outcome(copies(family.journal.groups[:length])) == Completed("done"), f"from {length} groups"


async def test_a_run_goes_on_as_new_with_what_it_carries() -> None:
    family = Family(Continuing, 0, 6, [])
    family.run.signal("say", "one", command_id="c1")
    task = asyncio.create_task(family.outcome())
    await until(lambda: len(family.ledger.done) == 6)
    family.run.signal("say", "one", command_id="c1")
    family.run.signal("say", "two", command_id="c2")
    assert await task == Completed("6 one two")
    starts = [j.start for r in family.journal.records for j in r.activation.jobs if j.HasField("start")]
    assert [start.continued_from for start in starts] == ["", starts[0].run_id, starts[1].run_id]
    groups = family.journal.groups
    for length in range(1, len(groups)):
        again = Family(Continuing, 0, 6, [])
        again.run.signal("say", "one", command_id="c1")
        again.run.signal("say", "two", command_id="c2")
        assert await again.outcome(copies(groups[:length])) == Completed("6 one two"), f"from {length} groups"
    again = Family(Continuing, 0, 6, [])
    assert await again.outcome(copies(groups)) == Completed("6 one two")
    assert again.ledger.done == []


async def test_a_cancel_reaches_the_run_that_goes_on() -> None:
    family = Family(Continuing, 0, 1, ["one"])
    task = asyncio.create_task(family.outcome())
    await until(lambda: bool(family.ledger.done))
    family.run.cancel("stop", command_id="c9")
    assert await task == Cancelled("stop")


async def test_another_activity_than_the_journal_says_is_told() -> None:
    family = Family(OneStep)
    await family.outcome()
    started = family.journal.records[1].activity_started
    assert started.name == "step"
    again = Family(OneEffect)
    end = await again.outcome(copies(family.journal.groups[:1]))
    assert isinstance(end, Failed)
    assert "starts activity 1 as 'step', and the workflow asks for 'effect' there" in end.reason
    assert again.ledger.done == []
