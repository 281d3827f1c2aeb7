"""Following a run: what happened and happens, line by line, until it ends, needs somebody, or is left with ctrl+c."""

from collections.abc import AsyncGenerator, Set
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum

from stigmer_apis.client import Client, TailBatch, TailEnd, TailHeartbeat, TailItem, TailReset
from stigmer_tui.plain.deciding import Waiting, waiting_of
from stigmer_tui.plain.desk import Desk
from stigmer_tui.plain.event_lines import EventLines, phase_word
from stigmer_tui.transcript.decisions import Decisions


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
    seq: int = 0
    incarnation: str = ""
    needed: Waiting | None = None
    """What somebody is needed for, after `NEEDED`."""

    async def go_on(self, client: Client, *, stay: bool, left: Set[str] = frozenset()) -> Ended:
        """Say what comes after what was said. `stay`: until it ends. `left`: attentions that are left for later."""
        decisions = Decisions()
        tail = client.tail(self.execution_id, self.seq, stay, incarnation=self.incarnation)
        async with aclosing(tail) as items:
            return await self._read(client, items, decisions, left, stay=stay)

    async def _read(
        self,
        client: Client,
        items: AsyncGenerator[TailItem, None],
        decisions: Decisions,
        left: Set[str],
        *,
        stay: bool,
    ) -> Ended:
        async for item in items:
            match item:
                case TailBatch():
                    for event in item.events:
                        decisions.apply(event)
                        self.desk.voice.say_all(self.lines.take(event))
                    self.seq, self.incarnation = item.last_seq, item.incarnation
                    if stay and (decisions.approvals or decisions.questions):
                        self.needed = await waiting_of(client, self.execution_id, left)
                        if self.needed is not None:
                            return Ended.NEEDED
                case TailReset(first_available=first):
                    self.seq = max(first, 1) - 1
                    self.desk.voice.say("The server was restored; what it has of this run is said again.")
                    self.lines = EventLines(thoughts=self.lines.thoughts, only_output=self.lines.only_output)
                case TailHeartbeat():
                    pass
                case TailEnd(phase=phase):
                    self.desk.voice.say_all(self.lines.finish())
                    if self.lines.only_output:
                        return Ended.OVER
                    self.desk.voice.say(f"The run is {phase_word(phase)}.")
                    return Ended.OVER
        self.desk.voice.say_all(self.lines.finish())
        return Ended.ALL_TOLD
