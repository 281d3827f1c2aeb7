"""Each database says whose it is: files of two stores in one directory are refused, never taken for one store."""

from typing import cast

from stigmer_backend.store.database import Database, Session
from stigmer_backend.store.errors import StoreDamaged
from stigmer_backend.store.files import is_full
from stigmer_backend.store.parts import in_transaction, look
from stigmer_backend.store.persistent_classes import Cell

_KEY = "store"


def bind(session: Session, store: str) -> None:
    """Say in a database that it is of `store`. Inside a transaction that the caller commits."""
    session.root[_KEY] = Cell(store.encode())


def require_bound(database: Database, store: str) -> bool:
    """Whether a database says whose it is; one of before it did does not. Raises `StoreDamaged` for one of another store."""
    found = look(database, _bound_to)
    if found not in ("", store):
        raise StoreDamaged(
            database.path, "its root", "it is a file of another store, so files of two stores are mixed here"
        )
    return bool(found)


def bind_late(database: Database, store: str) -> None:
    """Bind a database of before there were bonds. On a full disk it is left to the next opening."""
    try:
        in_transaction(database, lambda session: bind(session, store))
    except OSError as error:
        if not is_full(error):
            raise


def _bound_to(session: Session) -> str:
    return cast(Cell, session.root[_KEY]).data.decode() if _KEY in session.root else ""
