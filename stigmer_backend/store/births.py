"""First events that wait in `state.fs` until the journal has them.

An execution is one transaction of `state.fs`, its first append included, and then a group of the journal. A stop between the
two leaves an execution without its first event; recovery finds it here and appends it.
"""

from collections.abc import Iterable
from typing import cast

from stigmer_backend.store.database import Session
from stigmer_backend.store.event_log import journal_record
from stigmer_backend.store.frames import RecordKind, decode_record, encode_record
from stigmer_backend.store.model import Append, Lane
from stigmer_backend.store.persistent_classes import Cell, NameTree


def put_birth(session: Session, first: Append) -> None:
    """Keep `first`, inside the writer's transaction."""
    _births(session)[first.execution] = Cell(b"".join(encode_record(journal_record(first, 1, True))))


def births(session: Session) -> list[Append]:
    """All that wait."""
    found: list[Append] = []
    for cell in _births(session).values():
        data = cast(Cell, cell).data
        record, _ = decode_record(data, 0, len(data))
        lane = Lane.ENGINE if record.kind is RecordKind.ENGINE else Lane.EVENTS
        found.append(
            Append(
                record.execution, lane, record.body, record.count, record.producer, record.epoch, record.producer_seq
            )
        )
    return found


def clear_births(session: Session, executions: Iterable[str]) -> None:
    """Forget the first events of `executions`: the journal has them. Inside the writer's transaction."""
    tree = _births(session)
    for execution in executions:
        tree.pop(execution, None)


def _births(session: Session) -> NameTree:
    return cast(NameTree, session.root["births"])
