"""The embedded engine against a journal in memory."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import ActivityStarted, Job, JournalRecord, TimerFired
from stigmer_runner.engine.activities import Activities, ActivityCall
from stigmer_runner.engine.chronicle import Abandoned, Cancelled, Completed, Failed, RunOutcome
from stigmer_runner.engine.embedded import EmbeddedRun, RunPlan
from stigmer_runner.engine.errors import OUTCOME_UNKNOWN, QueryRefused
from stigmer_runner.engine.journal import Group, MemoryJournal, records_of
from tests.runner.workflows import (
    AfterPatch,
    AsksForFaulty,
    BeforePatch,
    Cancelling,
    Effect,
    Endless,
    Failing,
    Faulty,
    Flaky,
    Ledger,
    Limits,
    Mixture,
    Retrying,
    SequenceOfSteps,
    Step,
    Told,
)

LIVENESS = 30.0


class Bench:
    """A run with its journal, activities and ledger."""

    def __init__(
        self,
        definition: type[object],
        *arguments: object,
        journal: MemoryJournal | None = None,
        early: bool = False,
        step_of: type[Step] = Step,
    ) -> None:
        self.ledger = Ledger()
        self.endless = Endless(self.ledger)
        step = step_of(self.ledger)
        step.early = early
        activities = Activities([step, Effect(self.ledger), Flaky(), self.endless])
        self.journal = journal or MemoryJournal()
        plan = RunPlan(definition, "test-run", arguments)
        self.run = EmbeddedRun(plan, activities, self.journal, Told())

    async def outcome(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """Run to the end."""
        async with asyncio.timeout(LIVENESS):
            return await self.run.execute(history)

    @property
    def lines(self) -> list[str]:
        """What the log says."""
        return [told(event) for event in self.journal.events]


def told(event: object) -> str:
    """An event in short."""
    text = str(event)
    for word in ("log_line", "command_applied", "phase_changed"):
        text = text.replace(word, "")
    return " ".join(text.replace("{", "").replace("}", "").split())


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(LIVENESS):
        while True:
            if condition():
                return
            await asyncio.sleep(0.001)


async def test_activities_run_one_after_the_other() -> None:
    bench = Bench(SequenceOfSteps, 5)
    assert await bench.outcome() == Completed(10)
    assert bench.ledger.done == [f"step {number}" for number in range(5)]
    assert bench.journal.groups[-1].final
    assert [group.final for group in bench.journal.groups].count(True) == 1


async def test_an_activation_and_the_intent_it_leads_to_are_one_group() -> None:
    bench = Bench(SequenceOfSteps, 2)
    await bench.outcome()
    kinds = [[record.WhichOneof("entry") for record in group.records] for group in bench.journal.groups]
    assert kinds == [["activation", "activity_started"], ["activation", "activity_started"], ["activation"]]


async def test_nothing_happens_before_it_is_durable() -> None:
    bench = Bench(SequenceOfSteps, 2, journal=MemoryJournal(held=True))
    task = asyncio.create_task(bench.run.execute())
    await until(lambda: len(bench.journal.groups) == 1)
    await asyncio.sleep(0.02)
    assert bench.ledger.done == []
    bench.journal.release()
    await until(lambda: len(bench.journal.groups) == 2)
    await asyncio.sleep(0.02)
    assert bench.ledger.done == ["step 0"]
    bench.journal.held = False
    bench.journal.release()
    async with asyncio.timeout(LIVENESS):
        assert await task == Completed(1)


async def test_what_may_begin_early_does_and_nothing_follows_before_it_is_durable() -> None:
    bench = Bench(SequenceOfSteps, 2, journal=MemoryJournal(held=True), early=True)
    task = asyncio.create_task(bench.run.execute())
    await until(lambda: bench.ledger.done == ["step 0"])
    await asyncio.sleep(0.02)
    assert len(bench.journal.groups) == 2, "its result and the next one's start"
    assert bench.ledger.done == ["step 0"]
    bench.journal.release()
    await until(lambda: bench.ledger.done == ["step 0", "step 1"])
    await asyncio.sleep(0.02)
    assert bench.journal.durable == 2
    bench.journal.held = False
    bench.journal.release()
    async with asyncio.timeout(LIVENESS):
        assert await task == Completed(1)


async def test_what_began_early_without_a_journal_comes_to_nothing() -> None:
    bench = Bench(SequenceOfSteps, 3, journal=MemoryJournal(held=True), early=True)
    task = asyncio.create_task(bench.run.execute())
    await until(lambda: bench.ledger.done == ["step 0"])
    bench.journal.lose("fenced")
    async with asyncio.timeout(LIVENESS):
        assert await task == Abandoned("fenced")
    assert bench.ledger.done == ["step 0"]


class Prepares(Step):
    """A step that gets ready before its start is durable."""

    prepares = True

    async def run(self, call: ActivityCall) -> object:
        """Note it."""
        self.ledger.done.append(f"ready {call.arguments[0]}")
        try:
            await call.begun()
        except asyncio.CancelledError:
            self.ledger.done.append("cancelled")
            raise
        return await super().run(call)


async def test_what_prepares_does_so_at_once_and_begins_when_it_is_durable() -> None:
    bench = Bench(SequenceOfSteps, 2, journal=MemoryJournal(held=True), step_of=Prepares)
    task = asyncio.create_task(bench.run.execute())
    await until(lambda: bench.ledger.done == ["ready 0"])
    await asyncio.sleep(0.02)
    assert bench.ledger.done == ["ready 0"]
    bench.journal.release()
    await until(lambda: bench.ledger.done == ["ready 0", "step 0", "ready 1"])
    await asyncio.sleep(0.02)
    assert bench.journal.durable == 1
    bench.journal.held = False
    bench.journal.release()
    async with asyncio.timeout(LIVENESS):
        assert await task == Completed(1)
    kinds = [[record.WhichOneof("entry") for record in group.records] for group in bench.journal.groups]
    assert kinds == [["activation", "activity_started"], ["activation", "activity_started"], ["activation"]]


async def test_what_was_ready_without_a_journal_never_begins() -> None:
    bench = Bench(SequenceOfSteps, 2, journal=MemoryJournal(held=True), step_of=Prepares)
    task = asyncio.create_task(bench.run.execute())
    await until(lambda: bench.ledger.done == ["ready 0"])
    bench.journal.lose("fenced")
    async with asyncio.timeout(LIVENESS):
        assert await task == Abandoned("fenced")
    assert bench.ledger.done == ["ready 0"]


async def test_what_is_cancelled_while_it_gets_ready_does_not_wait_for_the_journal() -> None:
    bench = Bench(SequenceOfSteps, 2, journal=MemoryJournal(held=True), step_of=Prepares)
    task = asyncio.create_task(bench.run.execute())
    await until(lambda: bench.ledger.done == ["ready 0"])
    bench.run.cancel("enough", command_id="c1")
    await until(lambda: bench.ledger.done == ["ready 0", "cancelled"])
    bench.journal.held = False
    bench.journal.release()
    async with asyncio.timeout(LIVENESS):
        assert await task == Cancelled("enough")
    assert bench.ledger.done == ["ready 0", "cancelled"]


async def mixture_groups() -> list[Group]:
    """The journal of a whole run of `Mixture`."""
    bench = Bench(Mixture)
    bench.run.signal("say", "one", command_id="c1")
    task = asyncio.create_task(bench.run.execute())
    await until(lambda: "effect 8" in bench.ledger.done)
    bench.run.signal("say", "stop", command_id="c2")
    async with asyncio.timeout(LIVENESS):
        end = await task
    assert isinstance(end, Completed)
    return bench.journal.groups


async def test_a_run_goes_on_from_every_prefix_of_its_journal() -> None:
    groups = await mixture_groups()
    assert records_of(groups)[0].activation.jobs[0].HasField("start")
    expected: object = None
    unknown = 0
    for length in range(1, len(groups)):
        prefix = groups[:length]
        bench = Bench(Mixture)
        bench.run.signal("say", "one", command_id="c1")
        bench.run.signal("say", "stop", command_id="c2")
        end = await bench.outcome(records_of(prefix))
        started = [line for group in prefix for line in map(told, group.events) if "begins" in line]
        ended = [line for group in prefix for line in map(told, group.events) if "ended" in line]
        if len(started) > len(ended):
            unknown += 1
            assert isinstance(end, Failed)
            assert end.kind == OUTCOME_UNKNOWN
            assert sum("unknown" in line for line in bench.lines) == 1
            assert not any(entry.startswith("effect 7") for entry in bench.ledger.done)
        else:
            assert isinstance(end, Completed)
            expected = expected or end.value
            assert end.value == expected
        said = [told(event) for group in prefix for event in group.events] + bench.lines
        applied = [line for line in said if "command_id" in line]
        assert len(applied) == len(set(applied)), "a command is applied once"
        assert isinstance(end, Failed) or len(applied) == 2
    assert unknown >= 2


async def test_replaying_a_whole_journal_runs_nothing_again() -> None:
    groups = await mixture_groups()
    bench = Bench(Mixture)
    end = await bench.outcome(records_of(groups))
    assert isinstance(end, Completed)
    assert bench.ledger.done == []
    assert [len(group.records) for group in bench.journal.groups] == [0]


async def test_random_numbers_time_and_patches_replay_as_they_were() -> None:
    groups = await mixture_groups()
    records = records_of(groups)
    patches = [
        job.patch_noticed.patch_id
        for record in records
        for job in record.activation.jobs
        if job.HasField("patch_noticed")
    ]
    assert patches == ["second-effect"]
    before = [record for record in records if not any(job.HasField("patch_noticed") for job in record.activation.jobs)]
    assert len(before) == len(records) - 1
    ends = [await Bench(Mixture).outcome(records) for _ in range(2)]
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    ("failures", "kind", "attempts", "expected"),
    [
        (0, "Passing", 0, Completed(1)),
        (3, "Passing", 0, Completed(4)),
        (3, "Passing", 4, Completed(4)),
        (3, "Passing", 3, Failed("attempt 3", "Passing")),
        (3, "Fatal", 0, Failed("attempt 1", "Fatal")),
    ],
)
async def test_retries(failures: int, kind: str, attempts: int, expected: RunOutcome) -> None:
    assert await Bench(Retrying, failures, kind, attempts).outcome() == expected


async def test_an_attempt_is_counted_across_a_crash() -> None:
    bench = Bench(Retrying, 1, "Passing", 2)
    await bench.outcome()
    lost_in_second = bench.journal.records[:3]
    assert lost_in_second[-1].activity_started.attempt == 2
    end = await Bench(Retrying, 1, "Passing", 2).outcome(lost_in_second)
    assert isinstance(end, Failed)
    assert end.kind == "RunnerLost"


async def test_start_to_close_and_heartbeat_limits() -> None:
    slow = await Bench(Limits, 60.0, 0.05, 0.0).outcome()
    assert isinstance(slow, Completed)
    assert "start-to-close" in str(slow.value)
    silent = await Bench(Limits, 60.0, 50.0, 0.05).outcome()
    assert isinstance(silent, Completed)
    assert "heartbeat" in str(silent.value)
    beating = await Bench(Limits, 0.001, 0.3, 0.2).outcome()
    assert isinstance(beating, Completed)
    assert "start-to-close" in str(beating.value)


async def test_cancel_waits_for_the_activity() -> None:
    bench = Bench(Cancelling, "WAIT_CANCELLATION_COMPLETED", 0.0)
    task = asyncio.create_task(bench.run.execute())
    await bench.endless.running.wait()
    bench.run.cancel("enough", command_id="c1")
    bench.run.cancel("enough", command_id="c2")
    async with asyncio.timeout(LIVENESS):
        assert await task == Cancelled("enough")
    assert bench.ledger.done == ["endless cancelled"]
    assert bench.lines[1:] == [
        'text: "endless cancelled: enough"',
        'command_id: "c1"',
        'command_id: "c2"',
        "reason: \"Cancelled(reason=\\'enough\\')\"",
    ]


@pytest.mark.parametrize("how", ["WAIT_CANCELLATION_COMPLETED", "TRY_CANCEL", "ABANDON"])
async def test_a_workflow_cancels_its_activity(how: str) -> None:
    bench = Bench(Cancelling, how, 0.01)
    assert await bench.outcome() == Completed("CancelledError")
    assert bench.ledger.done == ["endless cancelled"], "what was let go of is ended with the run"
    assert bench.journal.groups[-1].final
    replayed = await Bench(Cancelling, how, 0.01).outcome(bench.journal.records)
    assert replayed == Completed("CancelledError")


async def test_a_cancel_before_the_start_announces_nothing() -> None:
    bench = Bench(Cancelling, "WAIT_CANCELLATION_COMPLETED", 0.0)
    bench.run.cancel("too late", command_id="c1")
    assert await bench.outcome() == Cancelled("too late")
    assert bench.ledger.done == []
    assert not any("endless" in line for line in bench.lines)


async def test_a_cancel_that_was_journaled_is_not_told_again() -> None:
    bench = Bench(Cancelling, "WAIT_CANCELLATION_COMPLETED", 0.0)
    task = asyncio.create_task(bench.run.execute())
    await bench.endless.running.wait()
    bench.run.cancel("enough", command_id="c1")
    async with asyncio.timeout(LIVENESS):
        await task
    crashed = bench.journal.groups[:2]
    assert crashed[1].records[0].activation.jobs[0].cancel_requested.command_id == "c1"
    again = Bench(Cancelling, "WAIT_CANCELLATION_COMPLETED", 0.0)
    again.run.cancel("enough", command_id="c1")
    end = await again.outcome(records_of(crashed))
    assert isinstance(end, Failed)
    assert end.kind == OUTCOME_UNKNOWN
    assert again.lines[0] == 'text: "endless unknown"'
    assert again.lines[1] == 'command_id: "c1"'


async def test_queries_change_nothing() -> None:
    bench = Bench(Mixture)
    bench.run.signal("say", "one")
    task = asyncio.create_task(bench.run.execute())
    assert await bench.run.query("words") == ["one"]
    with pytest.raises(QueryRefused, match="no such"):
        await bench.run.query("no such")
    await until(lambda: "effect 8" in bench.ledger.done)
    before = len(bench.journal.records)
    assert await bench.run.query("words") == ["one"]
    assert len(bench.journal.records) >= before
    bench.run.signal("say", "stop")
    async with asyncio.timeout(LIVENESS):
        await task
    with pytest.raises(QueryRefused):
        await bench.run.query("words")
    assert not any("query" in str(record) for record in bench.journal.records)


@pytest.mark.parametrize(
    ("how", "words", "kind"),
    [
        ("failure", "it does not work", "Broken"),
        ("unsupported", "not its child", ""),
        ("missing", "no such", "ActivityNotFound"),
        ("a fault", "KeyError", ""),
    ],
)
async def test_failures_end_the_run_with_words(how: str, words: str, kind: str) -> None:
    end = await Bench(Failing, how).outcome()
    assert isinstance(end, Failed)
    assert words in end.reason
    assert end.kind == kind


def stray(entry: str) -> JournalRecord:
    """A record that fits no run."""
    record = JournalRecord(time_unix_micros=1)
    match entry:
        case "timer":
            record.activation.jobs.append(Job(timer_fired=TimerFired(sequence=99)))
        case "resolution":
            record.activation.jobs.add().activity_resolved.sequence = 99
        case _:
            record.activity_started.CopyFrom(ActivityStarted(sequence=99, attempt=1))
    return record


@pytest.mark.parametrize("entry", ["timer", "resolution", "start"])
async def test_a_journal_that_does_not_fit_fails_loudly(entry: str) -> None:
    groups = await mixture_groups()
    records = records_of(groups)[:6]
    bench = Bench(Mixture)
    end = await bench.outcome([*records, stray(entry)])
    assert isinstance(end, Failed)
    assert "do not fit" in end.reason
    assert bench.journal.groups[-1].final


async def test_a_journal_of_another_workflow_fails_loudly() -> None:
    groups = await mixture_groups()
    end = await Bench(SequenceOfSteps, 1).outcome(records_of(groups))
    assert isinstance(end, Failed)
    assert "tests/mixture" in end.reason


async def test_records_after_the_end_fail_loudly() -> None:
    bench = Bench(SequenceOfSteps, 1)
    await bench.outcome()
    end = await Bench(SequenceOfSteps, 1).outcome([*bench.journal.records, stray("timer")])
    assert isinstance(end, Failed)


async def test_a_lost_lease_stops_everything_and_writes_nothing() -> None:
    bench = Bench(Cancelling, "WAIT_CANCELLATION_COMPLETED", 0.0)
    task = asyncio.create_task(bench.run.execute())
    await bench.endless.running.wait()
    written = len(bench.journal.groups)
    bench.run.abandon("taken away")
    async with asyncio.timeout(LIVENESS):
        assert await task == Abandoned("taken away")
    assert bench.ledger.done == ["endless cancelled"]
    assert len(bench.journal.groups) == written


async def test_a_journal_that_refuses_abandons_the_run() -> None:
    bench = Bench(SequenceOfSteps, 3, journal=MemoryJournal(held=True))
    task = asyncio.create_task(bench.run.execute())
    await until(lambda: len(bench.journal.groups) == 1)
    bench.journal.lose("fenced")
    async with asyncio.timeout(LIVENESS):
        assert await task == Abandoned("fenced")
    assert bench.ledger.done == []


async def test_timers_keep_their_time_across_a_crash() -> None:
    bench = Bench(Cancelling, "WAIT_CANCELLATION_COMPLETED", 50.0)
    task = asyncio.create_task(bench.run.execute())
    await bench.endless.running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    records = bench.journal.records
    for record in records:
        record.time_unix_micros -= 60_000_000
    again = Bench(Cancelling, "WAIT_CANCELLATION_COMPLETED", 50.0)
    end = await again.outcome(records)
    assert isinstance(end, Completed | Failed)


async def test_replaying_does_not_hold_the_loop() -> None:
    bench = Bench(SequenceOfSteps, 1500)
    await bench.outcome()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counter = asyncio.create_task(count())
    assert await Bench(SequenceOfSteps, 1500).outcome(bench.journal.records) == Completed(1500 * 1499 // 2)
    counter.cancel()
    assert turns > 10


@pytest.mark.parametrize(("records", "expected"), [(1, [1, 15, 2]), (2, [1, 15, 2]), (4, [1, 2]), (5, [1, 2])])
async def test_a_patch_is_taken_by_runs_that_have_not_passed_it(records: int, expected: list[int]) -> None:
    """Records 1 and 2 begin the first step; 3 and 4 resolve it and begin the next: there the old code has decided."""
    old = Bench(BeforePatch)
    task = asyncio.create_task(old.run.execute())
    await until(lambda: len(old.journal.records) == 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    new = Bench(AfterPatch)
    ending = asyncio.create_task(new.outcome(old.journal.records[:records]))
    while not ending.done():
        new.run.signal("go_on")
        await asyncio.sleep(0.01)
    assert ending.result() == Completed(expected)
    again = Bench(AfterPatch)
    assert await again.outcome([*old.journal.records[:records], *new.journal.records]) == Completed(expected)


async def test_a_mistake_in_an_activity_ends_the_run_with_words() -> None:
    journal = MemoryJournal()
    run = EmbeddedRun(RunPlan(AsksForFaulty, "test-run"), Activities([Faulty()]), journal, Told())
    async with asyncio.timeout(LIVENESS):
        end = await run.execute()
    assert isinstance(end, Failed)
    assert "a mistake in an intent" in end.reason
    assert journal.groups[-1].final
