"""One attempt at an activity that a cluster asks for: announced in the log before it runs, its end written before the cluster hears of it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import (
    Activation,
    ActivityResolved,
    ActivityStarted,
    Failure,
    Job,
    JournalRecord,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.activities import Activity, Unfinished
from stigmer_runner.engine.errors import ACTIVITY_NOT_FOUND, OUTCOME_UNKNOWN, LeaseLost
from stigmer_runner.engine.failures import application, of_error
from stigmer_runner.engine.payloads import CONVERTER, decode, encode, to_library
from stigmer_runner.temporal.converting import left_behind
from stigmer_runner.temporal.interceptors import HEARTBEAT
from stigmer_runner.temporal.library import ApplicationError, RawValue, activity

HEARTBEAT_SECONDS = 0.5
"""How often a running activity says that it lives: so soon a cancellation reaches it."""
KEPT_RESULTS = 256
"""Results of this process that are kept, for attempts that the cluster asks for again because it did not hear of the end."""

_logger = logging.getLogger(__name__)

Append = Callable[[Sequence[JournalRecord], Sequence[Event], bool], "asyncio.Future[None]"]
"""Records and events that become durable as one; whether it is urgent."""


class AttemptCall:
    """An attempt, as its activity sees it: an `ActivityCall`."""

    def __init__(
        self, arguments: Sequence[object], sequence: int, attempt: int, append: Append, reason: Callable[[], str]
    ) -> None:
        self.arguments = arguments
        self.sequence = sequence
        self.attempt = attempt
        self.closing: list[Event] = []
        self.left: tuple[object, ...] = ()
        self._append = append
        self._reason = reason

    @property
    def cancel_reason(self) -> str:
        """Why the run is being cancelled, empty while it is not."""
        return self._reason()

    async def begun(self) -> None:
        """Its start was durable before it was called."""

    def record(self, events: Sequence[Event], *, urgent: bool) -> Awaitable[None]:
        """Append events now."""
        return self._append((), events, urgent)

    def conclude(self, events: Iterable[Event]) -> None:
        """Add events that go with the record of the result."""
        self.closing.extend(events)

    def leave(self, *details: object) -> None:
        """What the workflow finds in the cancellation."""
        self.left = details

    def heartbeat(self) -> None:
        """Say that the attempt is alive. Where the definition sets no limit that is done for it."""
        activity.heartbeat()


class Results:
    """How activities came to their end: a cluster that did not hear of it asks again, and is answered from here."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], ActivityResolved] = {}
        self._failed: Counter[tuple[str, int]] = Counter()

    def read(self, history: Sequence[JournalRecord]) -> None:
        """Know what an earlier holder of the lease wrote."""
        for record in history:
            for job in record.activation.jobs:
                if job.HasField("activity_resolved"):
                    self.add(record.child_run_id, job.activity_resolved)

    def add(self, run_id: str, resolved: ActivityResolved) -> None:
        """An activity of a run came to its end, or an attempt at it did that may be followed by another."""
        if resolved.HasField("failed") and not resolved.failed.non_retryable:
            self._failed[run_id, resolved.sequence] += 1
            return
        self._failed.pop((run_id, resolved.sequence), None)
        self._known[run_id, resolved.sequence] = resolved
        while len(self._known) > KEPT_RESULTS:
            del self._known[next(iter(self._known))]

    def get(self, run_id: str, sequence: int) -> ActivityResolved | None:
        """How it came to its end, where that is known."""
        return self._known.get((run_id, sequence))

    def is_lost(self, run_id: str, sequence: int, attempt: int) -> bool:
        """Whether an attempt before this one began and nobody knows how it ended."""
        return self._failed[run_id, sequence] < attempt - 1


class Attempts:
    """Carries attempts out, for one execution. `clock` gives microseconds since 1970."""

    def __init__(self, append: Append, clock: Callable[[], int], reason: Callable[[], str], results: Results) -> None:
        self._append = append
        self._clock = clock
        self._reason = reason
        self._results = results

    async def perform(
        self,
        found: Activity | None,
        raw: Sequence[RawValue],
        mark: Callable[[Event], None],
        *,
        once: bool,
    ) -> object:
        """Make the attempt that the library asks for in this context, and return its result.

        `mark` says on each event whose it is; `once`: what it fails by is final. After an attempt that was lost another is made only where that harms
        nothing.
        """
        info = activity.info()
        run_id, sequence = info.workflow_run_id or "", int(info.activity_id)
        known = self._results.get(run_id, sequence)
        if known is not None:
            return _answer(known)
        if found is None:
            raise ApplicationError(
                f"this runner has no activity {info.activity_type!r}", type=ACTIVITY_NOT_FOUND, non_retryable=True
            )

        def append(records: Sequence[JournalRecord], events: Sequence[Event], urgent: bool) -> "asyncio.Future[None]":
            for event in events:
                mark(event)
            return self._append(records, events, urgent)

        arguments = decode([each.payload for each in raw], found.argument_types)
        call = AttemptCall(arguments, sequence, info.attempt, append, self._reason)
        if not found.repeatable and self._results.is_lost(run_id, sequence, info.attempt):
            lost = application(OUTCOME_UNKNOWN, "its runner died: nobody knows how far it came", retryable=False)
            call.conclude(found.unfinished(call, Unfinished.UNKNOWN))
            return await self._end(run_id, ActivityResolved(sequence=sequence, failed=lost), call, append)
        started = ActivityStarted(sequence=sequence, attempt=info.attempt, name=info.activity_type)
        begun = append((self._record(run_id, started=started),), found.intent(call), True)
        if not found.early:
            await begun
        beating = asyncio.create_task(_beat()) if info.heartbeat_timeout == HEARTBEAT else None
        try:
            value = await found.run(call)
        except asyncio.CancelledError:
            # What it has to say goes with nothing: a cancelled activity is asked for no more.
            await append((), call.closing, True)
            left_behind.set(call.left)
            raise
        except LeaseLost:
            raise
        except Exception as error:
            _logger.warning("activity %s failed, attempt %d", info.activity_type, info.attempt, exc_info=True)
            failure = of_error(error)
            failure.non_retryable = once or failure.non_retryable
            resolved = ActivityResolved(sequence=sequence, failed=failure)
        else:
            resolved = ActivityResolved(sequence=sequence, completed=encode((value,))[0])
        finally:
            if beating is not None:
                beating.cancel()
        return await self._end(run_id, resolved, call, append)

    async def _end(self, run_id: str, resolved: ActivityResolved, call: AttemptCall, append: Append) -> object:
        await append((self._record(run_id, resolved=resolved),), call.closing, True)
        self._results.add(run_id, resolved)
        return _answer(resolved)

    def _record(
        self, run_id: str, *, started: ActivityStarted | None = None, resolved: ActivityResolved | None = None
    ) -> JournalRecord:
        record = JournalRecord(time_unix_micros=self._clock(), child_run_id=run_id)
        if started is not None:
            record.activity_started.CopyFrom(started)
        if resolved is not None:
            record.activation.CopyFrom(Activation(jobs=[Job(activity_resolved=resolved)]))
        return record


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT_SECONDS)


def _answer(resolved: ActivityResolved) -> object:
    if resolved.HasField("failed"):
        raise _raised(resolved.failed)
    return RawValue(to_library(resolved.completed))


def _raised(failure: Failure) -> ApplicationError:
    details: list[object] = list(CONVERTER.from_payloads([to_library(each) for each in failure.details]))
    return ApplicationError(failure.message, *details, type=failure.type, non_retryable=failure.non_retryable)
