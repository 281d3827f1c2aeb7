"""Following a run: what happened and happens, line by line, until it ends, needs somebody, or is left with ctrl+c."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum

from stigmer_apis.client import Client, TailBatch, TailEnd, TailHeartbeat, TailItem, TailReset
from stigmer_tui.plain.deciding import Waiting, waiting_of
from stigmer_tui.plain.desk import Desk
from stigmer_tui.plain.event_lines import EventLines, phase_word
from stigmer_tui.transcript.decisions import Decisions

_QUIET_SECONDS = 0.3
"""No event for so long: everything that happened was read, and what waits then, waits."""


class Ended(Enum):
    """Why it is not followed any more."""

    OVER = "over"
    """The run has ended."""
    NEEDED = "needed"
    """Somebody has to decide or to answer."""
    ALL_TOLD = "all told"
    """All there was has been said, and more was not wanted."""


@dataclass(slots=True)
class Follower:
    """Goes through the events of a run, and knows where it was."""

    desk: Desk
    execution_id: str
    lines: EventLines
    needed: Waiting | None = None
    """What somebody is needed for, after `NEEDED`."""
    _seq: int = 0
    _incarnation: str = ""
    _decisions: Decisions = field(default_factory=Decisions)
    _told: set[str] = field(default_factory=set[str])
    """Attentions that somebody was asked about here: dealt with, or left for later."""
    _passed: set[str] = field(default_factory=set[str])
    """The same, as the events name them."""

    async def go_on(self, client: Client, *, stay: bool) -> Ended:
        """Say what comes after what was said. `stay`: until it ends."""
        tail = client.tail(self.execution_id, self._seq, stay, incarnation=self._incarnation)
        async with aclosing(tail) as items:
            coming = asyncio.ensure_future(anext(items, None))
            try:
                while True:
                    is_needed = stay and bool(self._open())
                    await asyncio.wait({coming}, timeout=_QUIET_SECONDS if is_needed else None)
                    if not coming.done():
                        if await self._is_needed(client):
                            return Ended.NEEDED
                        continue
                    item = coming.result()
                    if item is None:
                        self.desk.voice.say_all(self.lines.finish())
                        return Ended.ALL_TOLD
                    if self._take(item):
                        return Ended.OVER
                    coming = asyncio.ensure_future(anext(items, None))
            finally:
                coming.cancel()
                await asyncio.wait({coming})

    def _take(self, item: TailItem) -> bool:
        """Say it; whether it is the end."""
        match item:
            case TailBatch():
                for event in item.events:
                    self._decisions.apply(event)
                    self.desk.voice.say_all(self.lines.take(event))
                self._seq, self._incarnation = item.last_seq, item.incarnation
            case TailReset(first_available=first):
                self._seq = max(first, 1) - 1
                self._decisions = Decisions()
                self.desk.voice.say("The server was restored; what it has of this run is said again.")
                self.lines = EventLines(thoughts=self.lines.thoughts, only_output=self.lines.only_output)
            case TailHeartbeat():
                pass
            case TailEnd(phase=phase):
                self.desk.voice.say_all(self.lines.finish())
                if not self.lines.only_output:
                    self.desk.voice.say(f"The run is {phase_word(phase)}.")
                return True
        return False

    def _open(self) -> set[str]:
        """What the events say that waits, and nobody was asked about here."""
        calls = {f"{asked.call_id} {asked.number}" for asked in self._decisions.approvals.values()}
        return {*calls, *self._decisions.questions} - self._passed

    async def _is_needed(self, client: Client) -> bool:
        """Whether the server knows of something that waits: it may learn of it a moment after the events, and others may have answered."""
        needed = await waiting_of(client, self.execution_id, self._told)
        if needed is None:
            return False
        self.needed = needed
        self._told.add(needed.attention.attention_id)
        asked = self._decisions.approvals.get(needed.approval.call_id)
        self._passed.add(needed.attention.attention_id if asked is None else f"{asked.call_id} {asked.number}")
        return True
