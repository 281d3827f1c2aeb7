"""Workflows and activities that the engine's tests run."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    CommandApplied,
    CommandRejected,
    Event,
    LogLine,
    PhaseChanged,
)
from stigmer_runner.engine.activities import Activity, ActivityCall, Unfinished
from stigmer_runner.engine.chronicle import RunEnd
from stigmer_runner.engine.errors import ActivityFailure
from stigmer_runner.engine.temporalio_names import ActivityError, ApplicationError, RetryPolicy, workflow

SOON = timedelta(seconds=60)


def line(text: str) -> Event:
    """An event that says `text`."""
    return Event(log_line=LogLine(text=text))


class Told:
    """A chronicle that tells everything as events."""

    def begun(self) -> Sequence[Event]:
        """The run begins."""
        return (line("begun"),)

    def applied(self, command_id: str) -> Sequence[Event]:
        """A command took effect."""
        return (Event(command_applied=CommandApplied(command_id=command_id)),)

    def rejected(self, command_id: str, reason: str) -> Sequence[Event]:
        """A command was refused."""
        return (Event(command_rejected=CommandRejected(command_id=command_id, reason=reason)),)

    def ended(self, end: RunEnd) -> Sequence[Event]:
        """The run is over."""
        return (Event(phase_changed=PhaseChanged(reason=repr(end))),)


@dataclass
class Ledger:
    """What activities really did."""

    done: list[str] = field(default_factory=list[str])


class Step(Activity):
    """Notes that it ran and answers with its number. Repeatable."""

    name = "step"
    argument_types = (int,)
    repeatable = True

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def run(self, call: ActivityCall) -> object:
        """Note it."""
        self.ledger.done.append(f"step {call.arguments[0]}")
        await asyncio.sleep(0)
        return call.arguments[0]


class Effect(Activity):
    """Has a side effect: announces itself, tells its end, must not be repeated by itself."""

    name = "effect"
    argument_types = (int,)

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def intent(self, call: ActivityCall) -> Sequence[Event]:
        """It begins."""
        return (line(f"effect {call.arguments[0]} begins"),)

    async def run(self, call: ActivityCall) -> object:
        """Have the effect."""
        self._ledger.done.append(f"effect {call.arguments[0]}")
        call.record((line(f"effect {call.arguments[0]} output"),), urgent=False)
        await asyncio.sleep(0)
        call.conclude((line(f"effect {call.arguments[0]} ended"),))
        return call.arguments[0]

    def unfinished(self, call: ActivityCall, why: Unfinished) -> Sequence[Event]:
        """It was interrupted."""
        return (line(f"effect {call.arguments[0]} {why.value}"),)


class Flaky(Activity):
    """Fails as often as it is told, then succeeds."""

    name = "flaky"
    argument_types = (int, str)
    repeatable = True

    async def run(self, call: ActivityCall) -> object:
        """Fail or succeed."""
        failures, kind = call.arguments
        assert isinstance(failures, int)
        if call.attempt <= failures:
            raise ActivityFailure(f"attempt {call.attempt}", kind=str(kind))
        return call.attempt


class Endless(Activity):
    """Runs until it is cancelled, and says so; `stubborn` seconds after it was asked to."""

    name = "endless"
    argument_types = (float,)

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.running = asyncio.Event()

    async def run(self, call: ActivityCall) -> object:
        """Wait for the end."""
        self.running.set()
        beat = call.arguments[0]
        assert isinstance(beat, float)
        try:
            while True:
                await asyncio.sleep(beat)
                call.heartbeat()
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            self._ledger.done.append("endless cancelled")
            call.conclude((line(f"endless cancelled: {call.cancel_reason}"),))
            raise

    def unfinished(self, call: ActivityCall, why: Unfinished) -> Sequence[Event]:
        """It was interrupted."""
        return (line(f"endless {why.value}"),)


@workflow.defn(name="tests/sequence")
class SequenceOfSteps:
    """So many steps, one after the other."""

    @workflow.run
    async def run(self, count: int) -> int:
        """Run."""
        total = 0
        for number in range(count):
            total += await workflow.execute_activity("step", number, result_type=int, start_to_close_timeout=SOON)
        return total


@workflow.defn(name="tests/mixture")
class Mixture:
    """A bit of everything: parallel activities, a timer, random numbers, the clock, a signal, an effect, a patch."""

    def __init__(self) -> None:
        self._words: list[str] = []

    @workflow.signal
    def say(self, word: str) -> None:
        """A word comes in."""
        self._words.append(word)

    @workflow.query
    def words(self) -> list[str]:
        """The words so far."""
        return self._words

    @workflow.run
    async def run(self) -> list[str]:
        """Run."""
        numbers = await asyncio.gather(
            *(workflow.execute_activity("step", n, result_type=int, start_to_close_timeout=SOON) for n in range(3))
        )
        found = [f"sum {sum(numbers)}", f"random {workflow.uuid4()}"]
        await workflow.sleep(0.01)
        effect = await workflow.execute_activity("effect", 7, result_type=int, start_to_close_timeout=SOON)
        found.append(f"effect {effect}")
        if workflow.patched("second-effect"):
            again = await workflow.execute_activity("effect", 8, result_type=int, start_to_close_timeout=SOON)
            found.append(f"effect {again}")
        await workflow.wait_condition(lambda: "stop" in self._words)
        return [*found, f"words {' '.join(self._words)}"]


@workflow.defn(name="tests/retrying")
class Retrying:
    """One flaky activity."""

    @workflow.run
    async def run(self, failures: int, kind: str, attempts: int) -> int:
        """Run."""
        return await workflow.execute_activity(
            "flaky",
            args=[failures, kind],
            result_type=int,
            start_to_close_timeout=SOON,
            retry_policy=RetryPolicy(
                initial_interval=timedelta(milliseconds=1),
                maximum_attempts=attempts,
                non_retryable_error_types=["Fatal"],
            ),
        )


@workflow.defn(name="tests/limits")
class Limits:
    """One endless activity within limits."""

    @workflow.run
    async def run(self, beat: float, start_to_close: float, heartbeat: float) -> str:
        """Run."""
        try:
            await workflow.execute_activity(
                "endless",
                beat,
                start_to_close_timeout=timedelta(seconds=start_to_close),
                heartbeat_timeout=timedelta(seconds=heartbeat) if heartbeat else None,
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ActivityError as error:
            return str(error.cause)
        return "ended"


@workflow.defn(name="tests/cancelling")
class Cancelling:
    """An endless activity that is cancelled as it is told, by the run's cancel or by a timer of its own."""

    @workflow.run
    async def run(self, how: str, after: float) -> str:
        """Run."""
        handle = workflow.start_activity(
            "endless",
            60.0,
            start_to_close_timeout=SOON,
            cancellation_type=workflow.ActivityCancellationType[how],
        )
        if not after:
            return str(await handle)
        await workflow.sleep(after)
        handle.cancel()
        try:
            await handle
        except ActivityError as error:
            return type(error.cause).__name__
        return "ended"


@workflow.defn(name="tests/failing")
class Failing:
    """Fails as it is told."""

    @workflow.run
    async def run(self, how: str) -> None:
        """Run."""
        if how == "failure":
            raise ApplicationError("it does not work", type="Broken")
        if how == "unsupported":
            await workflow.get_external_workflow_handle("other").signal("word")
        if how == "missing":
            await workflow.execute_activity("no such", start_to_close_timeout=SOON)
        if how == "signal later":
            await workflow.wait_condition(lambda: False)
        raise KeyError(how)


@workflow.defn(name="tests/patching")
class BeforePatch:
    """As it was."""

    @workflow.run
    async def run(self) -> list[int]:
        """Run."""
        found = [
            await workflow.execute_activity("step", n, result_type=int, start_to_close_timeout=SOON) for n in (1, 2)
        ]
        await workflow.wait_condition(lambda: workflow.info().get_current_history_length() > 6)
        return found

    @workflow.signal
    def go_on(self) -> None:
        """Look again."""


@workflow.defn(name="tests/patching")
class AfterPatch:
    """The same with a step in between."""

    @workflow.run
    async def run(self) -> list[int]:
        """Run."""
        found = [await workflow.execute_activity("step", 1, result_type=int, start_to_close_timeout=SOON)]
        if workflow.patched("between"):
            found.append(await workflow.execute_activity("step", 15, result_type=int, start_to_close_timeout=SOON))
        found.append(await workflow.execute_activity("step", 2, result_type=int, start_to_close_timeout=SOON))
        await workflow.wait_condition(lambda: workflow.info().get_current_history_length() > 6)
        return found

    @workflow.signal
    def go_on(self) -> None:
        """Look again."""


class Faulty(Activity):
    """Cannot even be announced."""

    name = "faulty"

    def intent(self, call: ActivityCall) -> Sequence[Event]:
        """Fail."""
        raise RuntimeError("a mistake in an intent")

    async def run(self, call: ActivityCall) -> object:
        """Never."""
        return None


@workflow.defn(name="tests/faulty")
class AsksForFaulty:
    """Asks for what cannot be announced."""

    @workflow.run
    async def run(self) -> None:
        """Run."""
        await workflow.execute_activity("faulty", start_to_close_timeout=SOON)
