"""A run as it stood at a moment: its terminal, from the nearest keyframe on, and its transcript."""

from bisect import bisect_right
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.client import TailBatch, TailReset
from stigmer_apis.errors import DataLoss
from stigmer_tui.emulator import Emulator
from stigmer_tui.moments.timeline import Moment, Timeline
from stigmer_tui.transcript.reading import Transcript

if TYPE_CHECKING:
    from stigmer_apis.client import Client


class Past:
    """Goes to any moment of a timeline; forwards from where it is, backwards from what was kept."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.transcript = Transcript()
        """What was known."""
        self.terminal: Emulator | None = None
        """The terminal that was begun last; None before the first one."""
        self._terminal_id = ""
        self._terminal_seq = 0
        self._taken = 0

    async def go(self, client: "Client", moment: Moment) -> None:
        """Be at a moment. Raises what the server says where the events are not there any more."""
        self._tell(moment)
        await self._show(client, moment)

    def _tell(self, moment: Moment) -> None:
        timeline = self._timeline
        end = bisect_right(timeline.history_seqs, moment.seq)
        if end < self._taken:
            self.forget()
            self._taken = 0
        for number in range(self._taken, end):
            self.apply(Event.FromString(timeline.history.get(number)))
        self._taken = end

    def apply(self, event: Event) -> None:
        """What was known with this event."""
        self.transcript.apply((event,))

    def forget(self) -> None:
        """Nothing is known: it is told again from the beginning."""
        self.transcript.forget()

    async def _show(self, client: "Client", moment: Moment) -> None:
        terminal_id = self._timeline.terminal_at(moment.seq)
        if not terminal_id:
            self.terminal, self._terminal_id = None, ""
            return
        seq, emulator = self._start(terminal_id, moment)
        if seq < moment.seq:
            async for number, event in _events(client, self._timeline.execution_id, seq, moment.seq):
                if event.terminal_output.terminal_id == terminal_id:
                    emulator.feed(event.terminal_output.data)
                elif event.terminal_resized.terminal_id == terminal_id:
                    emulator.resize(event.terminal_resized.columns, event.terminal_resized.rows)
                seq = number
        self.terminal, self._terminal_id, self._terminal_seq = emulator, terminal_id, moment.seq

    def _start(self, terminal_id: str, moment: Moment) -> tuple[int, Emulator]:
        """Where it is, if that is on the way and no keyframe is nearer."""
        before, terminal = self._terminal_seq, self.terminal
        on_the_way = terminal is not None and self._terminal_id == terminal_id and before <= moment.seq
        if terminal is None or not on_the_way or self._timeline.has_frame(terminal_id, before, moment.seq):
            return self._timeline.frame_before(terminal_id, moment.seq)
        self._terminal_id = ""  # cancelled half way, it is not gone on with
        return before, terminal


async def _events(client: "Client", execution_id: str, after: int, last: int) -> AsyncIterator[tuple[int, Event]]:
    """The events behind `after` up to `last`, each with its number."""
    async with aclosing(client.tail(execution_id, after, follow=False)) as items:
        async for item in items:
            match item:
                case TailBatch():
                    for seq, event in enumerate(item.events, item.first_seq):
                        if seq > last:
                            return
                        yield seq, event
                    if item.last_seq >= last:
                        return
                case TailReset() if item.first_available > after + 1:
                    raise DataLoss("the events of that moment were removed")
                case _:
                    continue
