"""An activity from its schedule to its resolution: attempts, their limits, waits between them, cancellation."""

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from typing import Protocol

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import (
    ActivityResolved,
    ActivityStarted,
    Failure,
    JournalRecord,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.activities import Activity, Unfinished
from stigmer_runner.engine.errors import LeaseLost
from stigmer_runner.engine.failures import (
    HEARTBEAT,
    SCHEDULE_TO_CLOSE,
    START_TO_CLOSE,
    cancelled,
    of_error,
    timed_out,
)
from stigmer_runner.engine.payloads import decode, encode
from stigmer_runner.engine.standing import PendingActivity

_logger = logging.getLogger(__name__)


class RunPort(Protocol):
    """What a live activity needs of its run."""

    @property
    def cancel_reason(self) -> str:
        """Why the run is being cancelled, empty while it is not."""
        ...

    def now(self) -> int:
        """Microseconds since 1970."""
        ...

    def append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], *, urgent: bool
    ) -> "asyncio.Future[None]":
        """See `JournalSink.append`."""
        ...

    def resolved(self, life: "LiveActivity", result: ActivityResolved, events: Sequence[Event]) -> None:
        """The activity came to its end."""
        ...

    def abandon(self, reason: str) -> None:
        """The lease is lost."""
        ...


class LiveActivity:
    """An activity that is under way. It is the `ActivityCall` of its attempts."""

    def __init__(self, run: RunPort, activity: Activity, pending: PendingActivity) -> None:
        self.activity = activity
        self.schedule = pending.schedule
        self.arguments: Sequence[object] = decode(pending.schedule.arguments, activity.argument_types)
        self.attempt = pending.attempt
        self.detached = False
        """Set once the workflow does not wait for the result any more."""
        self.ahead = False
        """Set where it may begin before its start is durable."""
        self._scheduled_micros = pending.scheduled_micros
        self._durable: asyncio.Future[None] | None = None
        self._run = run
        self._closing: list[Event] = []
        self._left_details: Sequence[object] = ()
        self._cancel_asked = asyncio.Event()
        self._task: asyncio.Task[object] | None = None
        self._heartbeat_due = 0.0
        self._heartbeat_missed = False
        self._watch: asyncio.TimerHandle | None = None

    @property
    def sequence(self) -> int:
        """The workflow's number of the activity."""
        return self.schedule.sequence

    @property
    def cancel_reason(self) -> str:
        """Why the run is being cancelled, empty while it is not."""
        return self._run.cancel_reason

    async def begun(self) -> None:
        """Wait until the attempt's start is durable."""
        if self._durable is not None:
            await asyncio.shield(self._durable)

    def record(self, events: Sequence[Event], *, urgent: bool) -> Awaitable[None]:
        """Append events now."""
        return self._run.append((), events, urgent=urgent)

    def conclude(self, events: Iterable[Event]) -> None:
        """Add events that go with the record of the result."""
        self._closing.extend(events)

    def leave(self, *details: object) -> None:
        """What the workflow finds in the cancellation."""
        self._left_details = details

    def heartbeat(self) -> None:
        """Say that the attempt is alive."""
        limit = self.schedule.limits.heartbeat
        if limit is not None:
            self._heartbeat_due = asyncio.get_running_loop().time() + limit

    def announce(self) -> tuple[JournalRecord, Sequence[Event]]:
        """Begin the next attempt: its record, and the events that announce it."""
        self.attempt += 1
        started = ActivityStarted(sequence=self.sequence, attempt=self.attempt, name=self.schedule.name)
        return JournalRecord(time_unix_micros=self._run.now(), activity_started=started), self.activity.intent(self)

    def request_cancel(self) -> None:
        """Tell the activity to stop. Saying it again changes nothing."""
        if not self._cancel_asked.is_set():
            self._cancel_asked.set()
            if self._task is not None:
                self._task.cancel()

    async def live(self, durable: "asyncio.Future[None]") -> None:
        """Run the announced attempt once its start is durable, and others as the retry rule says; then resolve.

        One of an `early` activity begins at once, where no other one is ahead of the journal, and its result does not wait: its
        start is on its way before that, and whatever waits next waits for both. One that `prepares` waits by itself.
        """
        self._durable = durable
        try:
            if not (self.ahead or self.activity.prepares):
                await durable
            result = await self._attempts()
            if durable.done():
                await durable
        except LeaseLost as error:
            self._run.abandon(str(error))
            return
        self._run.resolved(self, result, self._closing)

    async def _attempts(self) -> ActivityResolved:
        while True:
            if self._cancel_asked.is_set():
                self.conclude(self.activity.unfinished(self, Unfinished.CANCELLED))
                return self._cancelled()
            result = await self._attempt()
            if result.WhichOneof("result") != "failed":
                return result
            wait = self._wait_after(result.failed)
            if wait is None:
                return result
            if await self._cancelled_within(wait):
                return self._cancelled()
            record, intent = self.announce()
            closing, self._closing = self._closing, []
            await self._run.append((record,), (*closing, *intent), urgent=True)

    async def _attempt(self) -> ActivityResolved:
        limit, limit_name = self._limit()
        self._heartbeat_missed = False
        self._watch_heartbeat()
        self._task = task = asyncio.current_task()
        bound = asyncio.timeout(limit)
        try:
            async with bound:
                value = await self.activity.run(self)
        except asyncio.CancelledError:
            return self._why_cancelled(task)
        except LeaseLost:
            raise
        except TimeoutError as error:
            return self._failed(timed_out(limit_name, limit or 0.0) if bound.expired() else of_error(error))
        except Exception as error:
            _logger.warning("activity %s failed, attempt %d", self.schedule.name, self.attempt, exc_info=True)
            return self._failed(of_error(error))
        finally:
            self._task = None
            if self._watch is not None:
                self._watch.cancel()
                self._watch = None
        return ActivityResolved(sequence=self.sequence, completed=encode((value,))[0])

    def _why_cancelled(self, task: "asyncio.Task[object] | None") -> ActivityResolved:
        """The result of an attempt whose task was cancelled. Lets a cancellation through that is not for it."""
        if self._heartbeat_missed:
            result = self._failed(timed_out(HEARTBEAT, self.schedule.limits.heartbeat or 0.0))
        elif self._cancel_asked.is_set():
            result = self._cancelled()
        else:
            raise asyncio.CancelledError
        if task is not None:
            task.uncancel()
        return result

    def _limit(self) -> tuple[float | None, str]:
        """Seconds that an attempt may take from now on, and the name of that limit."""
        own = self.schedule.limits.start_to_close
        left = self._left()
        if left is not None and (own is None or left < own):
            return max(left, 0.0), SCHEDULE_TO_CLOSE
        return own, START_TO_CLOSE

    def _left(self) -> float | None:
        """Seconds left for all attempts."""
        whole = self.schedule.limits.schedule_to_close
        return None if whole is None else whole - (self._run.now() - self._scheduled_micros) / 1e6

    def _wait_after(self, failure: Failure) -> float | None:
        """Seconds until the next attempt, None where there is none."""
        rule = self.schedule.retry
        if failure.non_retryable or failure.type in rule.fatal_kinds or rule.exhausted(self.attempt):
            return None
        wait = rule.wait_after(self.attempt)
        left = self._left()
        return None if left is not None and wait >= left else wait

    async def _cancelled_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._cancel_asked.wait()
        except TimeoutError:
            return False
        return True

    def _watch_heartbeat(self) -> None:
        if self.schedule.limits.heartbeat is not None:
            self.heartbeat()
            self._look_for_heartbeat()

    def _look_for_heartbeat(self) -> None:
        """End the attempt where its heartbeat is overdue, else look again when it would be."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._heartbeat_due:
            self._watch = loop.call_at(self._heartbeat_due, self._look_for_heartbeat)
        elif self._task is not None:
            self._heartbeat_missed = True
            self._task.cancel()

    def _failed(self, failure: Failure) -> ActivityResolved:
        return ActivityResolved(sequence=self.sequence, failed=failure)

    def _cancelled(self) -> ActivityResolved:
        return ActivityResolved(sequence=self.sequence, cancelled=cancelled(self.cancel_reason, self._left_details))
