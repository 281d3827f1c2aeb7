"""What the daemon itself appends, and the last append of an execution, whoever writes it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandRejected, Event, TerminalDetached
from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.executions.event_batches import encode_events
from stigmer_backend.executions.ledger import settled_commands
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.store import Append, Appended, Lane, Store

ENDED = "it had ended"
"""Why a command is rejected that came too late."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One append, and the events in its body; none for the engine's lane."""

    append: Append
    events: Sequence[Event]


class Appender:
    """Writes to the log and folds what was written, in the order of the log."""

    def __init__(
        self,
        store: Store,
        tasks: Tasks,
        micros: Callable[[], int],
        folded: Callable[[LiveExecution], None],
        attached: Callable[[str], Sequence[TerminalDetached]],
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._micros = micros
        self._folded = folded
        self._attached = attached

    def stamped(self, events: Sequence[Event]) -> Sequence[Event]:
        """`events` with the time of now."""
        now = self._micros()
        for event in events:
            event.time_unix_micros = now
        return events

    async def append(self, live: LiveExecution, events: Sequence[Event], *, urgent: bool = True) -> None:
        """Append events of the daemon's own, and return when they are durable and folded.

        Carried out even when the caller is cancelled. Raises `FailedPrecondition` for an execution that has ended or is about to,
        and what the store raises.
        """
        if live.closing or live.ended:
            raise has_ended(live)
        await asyncio.shield(self.write(live, [own_piece(live, self.stamped(events))], urgent=urgent))

    async def end(self, live: LiveExecution, events: Sequence[Event]) -> None:
        """Append the last events of an execution that nobody holds. Raises as `append`; then the execution goes on."""
        if live.closing or live.ended:
            raise has_ended(live)
        live.closing = True
        await asyncio.shield(self._tasks.result(self._end(live, self.stamped(events)), f"end {live.id}"))

    async def write_last(self, live: LiveExecution, pieces: Sequence[Piece]) -> None:
        """Append the pieces that end the execution, and before them, in the same group, what their end makes necessary.

        `live.closing` is set. Waits for what is on its way first. Raises what the store raises; then nothing was appended.
        """
        await live.quiet()
        before = self._closing_events(live, [event for piece in pieces for event in piece.events])
        own = [own_piece(live, self.stamped(before))] if before else []
        await self.write(live, [*own, *pieces], urgent=True)

    def write(
        self, live: LiveExecution, pieces: Sequence[Piece], *, urgent: bool
    ) -> "asyncio.Task[Sequence[Appended]]":
        """Submit one group, in the order of the calls; the task ends when it is durable and folded."""
        live.begin_write()
        return self._tasks.result(self._write(live, pieces, urgent), f"append {live.id}")

    async def _write(self, live: LiveExecution, pieces: Sequence[Piece], urgent: bool) -> Sequence[Appended]:
        try:
            placed = await self._store.append([piece.append for piece in pieces], urgent=urgent)
            folded = False
            for place, piece in zip(placed, pieces, strict=True):
                if piece.events and not place.duplicate:
                    folded |= live.take(place.first_seq, piece.events, len(piece.append.body))
        finally:
            live.end_write()
        if folded:
            self._folded(live)
        return placed

    async def _end(self, live: LiveExecution, events: Sequence[Event]) -> None:
        try:
            await self.write_last(live, [own_piece(live, events)])
        finally:
            if not live.ended:
                live.closing = False

    def _closing_events(self, live: LiveExecution, last: Sequence[Event]) -> list[Event]:
        """What has to be said before the last events: people let go, commands that nothing became of."""
        settled = settled_commands(last)
        events = [Event(terminal_detached=detached) for detached in self._attached(live.id)]
        events += [
            Event(command_rejected=CommandRejected(command_id=issued.command_id, reason=ENDED))
            for issued in live.ledger.pending()
            if issued.command_id not in settled
        ]
        return events


def own_piece(live: LiveExecution, events: Sequence[Event]) -> Piece:
    """Events of the daemon's own. They are not numbered: the daemon is the one that would see a repeat."""
    return Piece(Append(live.id, Lane.EVENTS, encode_events(events), len(events), "", 0, 0), events)


def has_ended(live: LiveExecution) -> FailedPrecondition:
    """Why nothing more happens in an execution."""
    return FailedPrecondition(f"the execution {live.id} has ended", remedy="start a new one in the same session")
