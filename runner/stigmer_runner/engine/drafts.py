"""Groups that are about to be appended."""

from collections.abc import Iterable, Sequence

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event

GROUP_LIMIT = 1024 * 1024
"""Bytes past which a group takes no more: what one step has to say must fit into one message of the link, however long the
texts in it are."""


class Drafts:
    """Records and events in order, in as few groups as their sizes let; what is added together stays together."""

    def __init__(self) -> None:
        self.groups: list[tuple[list[JournalRecord], list[Event]]] = []
        self._room = 0

    def add(self, records: Sequence[JournalRecord], events: Sequence[Event]) -> int:
        """Add what belongs together; returns the number of its group, from 0."""
        size = _size(records) + _size(events)
        if size > self._room:
            self.groups.append(([], []))
            self._room = GROUP_LIMIT
        self._room -= size
        into = self.groups[-1]
        into[0].extend(records)
        into[1].extend(events)
        return len(self.groups) - 1


def _size(messages: Iterable[JournalRecord | Event]) -> int:
    return sum(message.ByteSize() for message in messages)
