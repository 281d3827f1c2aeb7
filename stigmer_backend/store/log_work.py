"""What the event log's thread does: groups calls, syncs when somebody waits, and says what moved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from stigmer_backend.store.errors import AppendRefused, StoreDamaged, StoreError, StoreFull, SwitchUnknown
from stigmer_backend.store.event_log import AppendCall, EventLog
from stigmer_backend.store.options import StoreOptions
from stigmer_backend.store.worker import Captured, Waiting


@dataclass(frozen=True, slots=True)
class DropEngineCall:
    """Forget the engine's lane of an execution."""

    execution: str


@dataclass(frozen=True, slots=True)
class RemoveCall:
    """Forget executions."""

    executions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettleCall:
    """Move an execution's tail to `events.fs`."""

    execution: str


@dataclass(frozen=True, slots=True)
class StandstillCall:
    """Do something with the files while nothing is written to them, and everything in them is on the disk."""

    work: Callable[[], object]
    """What it raises goes to whoever asked, and stops nothing; but for `SwitchUnknown`."""


LogCall = AppendCall | DropEngineCall | RemoveCall | SettleCall | StandstillCall

Answer = Callable[[list[Waiting[LogCall]]], None]
"""Hands answered calls to the event loop."""

Born = Callable[[str], None]
"""Says that the journal has the first event of an execution, on the disk."""

Moved = Callable[[Sequence[tuple[str, int]], Sequence[str]], None]
"""Says which executions moved, each with its head of events, and which are gone."""


class LogWork:
    """The event log as the work of a `Worker`.

    A group is written, shown to readers, synced, acknowledged, and only then moved on to `events.fs`. Calls of which none is
    urgent wait for a sync that is at least `delta_sync_seconds` after the last one. A birth that finds the disk full is not
    refused, since `state.fs` has its execution already: it is tried again until there is space.
    """

    def __init__(
        self,
        log: EventLog,
        options: StoreOptions,
        clock: Callable[[], float],
        *,
        answer: Answer,
        born: Born,
        moved: Moved,
    ) -> None:
        self._log = log
        self._options = options
        self._clock = clock
        self._answer = answer
        self._born = born
        self._moved = moved
        self._unacknowledged: list[Waiting[LogCall]] = []
        self._unborn: list[tuple[Waiting[LogCall], AppendCall]] = []
        self._retry_at = 0.0
        self._synced_at = float("-inf")

    def handle(self, group: list[Waiting[LogCall]]) -> None:
        """Carry out `group` in order; appends that stand next to each other become one write."""
        run: list[tuple[Waiting[LogCall], AppendCall]] = []
        size = 0
        urgent = False
        for waiting in group:
            call = waiting.command
            if isinstance(call, AppendCall):
                if size > self._options.group_bytes:
                    self._append(run)
                    size = 0
                run.append((waiting, call))
                size += sum(len(append.body) for append in call.appends)
                urgent = urgent or call.urgent
            else:
                self._append(run)
                self._control(waiting, call)
                urgent = True
        self._append(run)
        if urgent or self._clock() - self._synced_at >= self._options.delta_sync_seconds:
            self._sync()

    def due(self) -> float | None:
        """Seconds until the sync that somebody waits for, or until a birth is tried again."""
        times: list[float] = []
        if self._unacknowledged:
            times.append(self._synced_at + self._options.delta_sync_seconds)
        if self._unborn:
            times.append(self._retry_at)
        return max(0.0, min(times) - self._clock()) if times else None

    def idle(self) -> None:
        """Try births again, and sync for those who wait."""
        if self._unborn and self._clock() >= self._retry_at:
            again, self._unborn = self._unborn, []
            self._append(again)
        if self._unacknowledged:
            self._sync()

    def unanswered(self) -> list[Waiting[LogCall]]:
        """Calls that were written, and whose sync did not come; births that found no space."""
        return self._unacknowledged + [waiting for waiting, _ in self._unborn]

    def _append(self, run: list[tuple[Waiting[LogCall], AppendCall]]) -> None:
        if not run:
            return
        try:
            outcomes = self._log.append([call for _, call in run])
        except StoreFull as full:
            self._unborn += [(waiting, call) for waiting, call in run if call.birth]
            self._retry_at = self._clock() + self._options.retry_seconds
            self._refuse([waiting for waiting, call in run if not call.birth], full)
            run.clear()
            return
        for (waiting, _), outcome in zip(run, outcomes, strict=True):
            if isinstance(outcome, StoreError):
                self._refuse([waiting], outcome)
            else:
                waiting.answer = outcome
                self._unacknowledged.append(waiting)
        run.clear()
        self._moved(self._log.shown(), ())

    def _control(
        self, waiting: Waiting[LogCall], call: DropEngineCall | RemoveCall | SettleCall | StandstillCall
    ) -> None:
        try:
            match call:
                case DropEngineCall(execution):
                    self._log.drop_engine_lane(execution)
                case RemoveCall(executions):
                    self._moved((), self._log.remove(executions))
                case SettleCall(execution):
                    self._sync()
                    self._log.settle(execution)
                case StandstillCall():
                    self._sync()
                    self._log.settle_database()
                    self._stand_still(waiting, call)
                    return
                case _:
                    assert_never(call)
        except (StoreFull, AppendRefused, StoreDamaged) as error:
            self._refuse([waiting], error)
        else:
            self._unacknowledged.append(waiting)

    def _stand_still(self, waiting: Waiting[LogCall], call: StandstillCall) -> None:
        with Captured() as captured:
            waiting.answer = call.work()
        waiting.error = captured.error
        if isinstance(captured.error, SwitchUnknown):
            raise captured.error
        self._answer([waiting])

    def _sync(self) -> None:
        self._log.sync()
        self._synced_at = self._clock()
        done, self._unacknowledged = self._unacknowledged, []
        for waiting in done:
            if isinstance(waiting.command, AppendCall) and waiting.command.birth:
                self._born(waiting.command.appends[0].execution)
        if done:
            self._answer(done)
        self._log.tidy()

    def _refuse(self, calls: list[Waiting[LogCall]], error: StoreError) -> None:
        for waiting in calls:
            waiting.error = error
        if calls:
            self._answer(calls)
