"""The structure of `state.fs`, and the steps from older ones to it.

The structure's number is written last in each step, and a step that was stopped anywhere is done again, or goes on from where it was.
The manifest names the format before the first step begins, so that an older version refuses what it would not keep in order.
"""

from collections.abc import Callable
from typing import cast

from BTrees.Length import Length

from stigmer_backend.store.database import Database, Session
from stigmer_backend.store.persistent_classes import Cell, ListTree, NameTree
from stigmer_backend.store.ranks import RANKED_FROM, rank_rows

STRUCTURE = 2
"""The newest one. 1 had no ranks, and did not say its number."""

_KEY = "structure"
_NUMBER_BYTES = 4


def structure_of(session: Session) -> int:
    """The number of the structure that is there."""
    return int.from_bytes(cast(Cell, session.root[_KEY]).data) if _KEY in session.root else 1


def set_structure(session: Session, number: int) -> None:
    """Write the number down. Inside a transaction that the caller commits."""
    session.root[_KEY] = Cell(number.to_bytes(_NUMBER_BYTES))


def upgrade_state(database: Database) -> list[str]:
    """Bring the structure up to date, durably, and return what was done, a sentence each. Blocks; nobody else has it open."""
    done: list[str] = []
    session = database.session()
    try:
        session.begin()
        found = structure_of(session)
        session.abort()
        for number, (words, step) in _STEPS.items():
            if found < number:
                step(database, session)
                _commit(database, session, lambda number=number: set_structure(session, number))
                done.append(words)
    finally:
        session.close()
    return done


def _commit(database: Database, session: Session, work: Callable[[], None]) -> None:
    """One transaction, on the disk when this returns."""
    session.begin()
    try:
        work()
        session.commit()
    finally:
        session.abort()
    database.durable.settle()


def _add_ranks(database: Database, session: Session) -> None:
    """Each long list gets its ranks, in a transaction of its own."""

    def begin() -> None:
        if "ranks" not in session.root:
            session.root["ranks"] = NameTree()

    _commit(database, session, begin)
    session.begin()
    counts, ranks = cast(NameTree, session.root["counts"]), cast(NameTree, session.root["ranks"])
    long = [name for name, length in counts.items() if cast(Length, length)() >= RANKED_FROM and name not in ranks]
    session.abort()
    for name in long:

        def rank(name: str = name) -> None:
            rows = cast(ListTree, cast(NameTree, session.root["lists"])[name])
            cast(NameTree, session.root["ranks"])[name] = rank_rows(rows)

        _commit(database, session, rank)


_STEPS: dict[int, tuple[str, Callable[[Database, Session], None]]] = {
    2: ("Long lists were given ranks, so that a jump into them costs little.", _add_ranks),
}
