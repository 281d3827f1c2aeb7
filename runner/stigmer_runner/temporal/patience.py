"""Waiting for a cluster that is away, and saying so."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import AttentionCleared, AttentionRaised, Event
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_runner.temporal.library import RPCError, RPCStatusCode

AWAY = "engine-away"
"""The attention that is raised while the cluster cannot be reached."""
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0
_TOLD_AFTER = 1.0
"""Seconds that a cluster may be away before the person is told."""

_logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_GONE = frozenset(
    {
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.UNKNOWN,
    }
)
"""What a cluster answers that may answer otherwise in a moment."""


class ClusterAway(Exception):
    """The cluster cannot be reached now; the message says where it was looked for, and what happened."""


class Patience:
    """The patience of one run. `append` writes events; `clock` gives microseconds since 1970."""

    def __init__(
        self, name: str, append: Callable[[Sequence[Event]], Awaitable[None]], clock: Callable[[], int]
    ) -> None:
        self._name = name
        self._append = append
        self._clock = clock
        self._told = False

    async def wait_for(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """What `call` gives, however long the cluster is away; the person is told while it is."""
        wait, since = _FIRST_WAIT, time.monotonic()
        while True:
            try:
                found = await call()
            except ClusterAway as error:
                await self._tell(str(error), since)
            except RPCError as error:
                if error.status not in _GONE:
                    raise
                await self._tell(f"Temporal does not answer: {error.message}", since)
            else:
                if events := self.cleared():
                    await self._append(events)
                return found
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def cleared(self) -> Sequence[Event]:
        """What says that it is over, where the person was told."""
        if not self._told:
            return ()
        self._told = False
        return (Event(time_unix_micros=self._clock(), attention_cleared=AttentionCleared(attention_id=AWAY)),)

    async def _tell(self, words: str, since: float) -> None:
        if self._told or time.monotonic() - since < _TOLD_AFTER:
            return
        self._told = True
        _logger.warning("%s: %s", self._name, words)
        raised = AttentionRaised(
            attention_id=AWAY,
            kind=AttentionKind.ATTENTION_KIND_PROBLEM,
            text=f"{words}. The run goes on when it is back.",
        )
        await self._append((Event(time_unix_micros=self._clock(), attention_raised=raised),))
