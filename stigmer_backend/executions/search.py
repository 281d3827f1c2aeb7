"""Search: every line of an execution's texts and output, whatever a reader has loaded.

The lines are put together here and looked at in a process of its own, so that no expression holds up the daemon.
"""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    SearchExecutionRequest,
    SearchExecutionResponse,
)
from stigmer_apis.errors import NotFound
from stigmer_apis.matching import Matcher, Pattern
from stigmer_backend.executions.event_batches import decode_events
from stigmer_backend.executions.search_lines import LineOf, Lines
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import Store, UnknownExecution

AT_ONCE = 2
"""Searches that run at the same time; others wait for their turn."""
READ_BYTES = 1 << 20
LONGEST_SHOWN = 500
Hit = SearchExecutionResponse.Hit


@dataclass(slots=True)
class _Answer:
    """What was found so far."""

    most_hits: int
    matching: int = 0
    told: int = 0
    hits: list[Hit] = field(default_factory=list[Hit])

    def take(self, line: LineOf, text: bytes) -> None:
        self.matching += 1
        if self.told < self.most_hits:
            self.told += 1
            shown = text.decode("utf-8", "replace")[:LONGEST_SHOWN]
            self.hits.append(Hit(seq=line.seq, part=line.part, id=line.id, line=shown))

    def step(self, through: int, *, done: bool = False) -> SearchExecutionResponse:
        hits, self.hits = self.hits, []
        return SearchExecutionResponse(matching_lines=self.matching, through_seq=through, hits=hits, done=done)


class Searches:
    """Serves searches."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def search(self, request: SearchExecutionRequest) -> AsyncIterator[SearchExecutionResponse]:
        """How many lines match, step by step. Raises `NotFound`, and `InvalidArgument` for an expression that is wrong or takes too long."""
        pattern = Pattern(request.text, request.regex, request.match_case)
        try:
            async with self._turns, Matcher(pattern) as matcher:
                async for step in self._look(request, matcher):
                    yield step
        except UnknownExecution as unknown:
            raise NotFound(
                f"there is no execution {quoted(request.execution_id)}",
                remedy="it may have been deleted; list what is there",
            ) from unknown

    async def _look(self, request: SearchExecutionRequest, matcher: Matcher) -> AsyncIterator[SearchExecutionResponse]:
        answer, lines, through = _Answer(request.max_hits), Lines(), request.after_seq
        head = await self._store.head(request.execution_id)
        while through < head:
            batches = await self._store.read(request.execution_id, through, READ_BYTES)
            if not batches:
                break
            for batch in batches:
                for seq, event in enumerate(decode_events(batch.body), batch.first_seq):
                    if seq > through:
                        lines.add(seq, event)
                through = max(through, batch.last_seq)
                await _match(matcher, lines, answer)
            yield answer.step(through)
        lines.end()
        await _match(matcher, lines, answer)
        yield answer.step(through, done=True)


async def _match(matcher: Matcher, lines: Lines, answer: _Answer) -> None:
    """Ask about the lines that are whole."""
    for data, starts, whose in lines.take():
        for found in await matcher.lines(data):
            place = bisect_right(starts, found.offset) - 1
            text = data[found.offset : starts[place + 1] - 1 if place + 1 < len(starts) else len(data)]
            answer.take(whose[place], text)
