"""Questions that an activity puts to the person while it runs. They live as long as it does; those of the loop itself outlive a process."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.durable import telling
from stigmer_runner.tools.interface import Question

Record: TypeAlias = Callable[[Sequence[Event]], object]
"""Appends events at once."""


class LiveQuestions:
    """What is asked now, by attention. `answered` is called by commands; `clock` gives microseconds since 1970."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._waiting: dict[str, asyncio.Future[str]] = {}

    def asker(self, record: Record, about: str, call_id: str = "") -> Callable[[Question], Awaitable[str]]:
        """How an activity asks. `about` begins the attentions' ids: a question that a dead runner left open is replaced by the
        same one of its successor."""
        asked = 0

        async def ask(question: Question) -> str:
            nonlocal asked
            asked += 1
            return await self._ask(record, f"{about}-asks-{asked}", question, call_id)

        return ask

    def answered(self, attention_id: str, text: str) -> bool:
        """A person answers; False where this is none of what is asked here."""
        waiting = self._waiting.pop(attention_id, None)
        if waiting is None or waiting.done():
            return False
        waiting.set_result(text)
        return True

    async def _ask(self, record: Record, attention_id: str, question: Question, call_id: str) -> str:
        waiting = self._waiting[attention_id] = asyncio.get_running_loop().create_future()
        record(self._stamped(telling.asked(attention_id, question.text, question.options, call_id)))
        try:
            return await waiting
        except asyncio.CancelledError:
            self._waiting.pop(attention_id, None)
            record(self._stamped([telling.cleared(attention_id)]))
            raise

    def _stamped(self, events: Sequence[Event]) -> Sequence[Event]:
        for event in events:
            event.time_unix_micros = self._clock()
        return events
