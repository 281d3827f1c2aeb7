"""Where a store is, written as a URI: `file:` and a directory, `memory:`, or `postgresql:` and a database."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stigmer_backend.store.errors import UnknownStorage
from stigmer_backend.store.options import StoreKind


@dataclass(frozen=True, slots=True)
class Place:
    """What a URI says."""

    kind: StoreKind
    directory: Path
    """Where its files are; of a store without files, where they would be."""
    database: str = ""
    """The URI itself, of a database of PostgreSQL."""


def place_of(uri: str, default: Path) -> Place:
    """What `uri` says: `file:/absolute/directory` (or `file:///absolute/directory`), `file:` or nothing for `default`, `memory:`,
    `postgresql://user@host:port/database?setting=value` (`postgres/address.py` says what of it).

    Raises `UnknownStorage` for anything else.
    """
    parts = urlsplit(uri)
    if not uri:
        return Place(StoreKind.FILE, default)
    if parts.scheme in ("postgresql", "postgres"):
        return Place(StoreKind.POSTGRESQL, default, uri)
    if parts.query or parts.fragment or parts.netloc not in ("", "localhost"):
        raise UnknownStorage(uri)
    match parts.scheme:
        case "file" if not parts.path:
            return Place(StoreKind.FILE, default)
        case "file" if parts.path.startswith("/"):
            return Place(StoreKind.FILE, Path(unquote(parts.path)))
        case "memory" if not parts.path:
            return Place(StoreKind.MEMORY, default)
        case _:
            raise UnknownStorage(uri)
