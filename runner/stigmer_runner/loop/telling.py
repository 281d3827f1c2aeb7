"""The activity that writes the loop's own events."""

from collections.abc import Callable, Iterable, Sequence

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch
from stigmer_runner.durable.messages import TELL
from stigmer_runner.engine.activities import Activity, ActivityCall


class Tell(Activity):
    """Writes events with the record of its result: once, however often it is tried."""

    name = TELL
    argument_types = (bytes,)
    repeatable = True

    def __init__(self, stamped: Callable[[Iterable[Event]], Sequence[Event]]) -> None:
        self._stamped = stamped

    async def run(self, call: ActivityCall) -> object:
        """Write them."""
        batch = call.arguments[0]
        if not isinstance(batch, bytes):
            raise TypeError(f"{TELL} takes bytes, not {type(batch).__name__}")
        call.conclude(self._stamped(EventBatch.FromString(batch).events))
        return None
