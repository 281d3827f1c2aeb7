"""Settings of the store."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from stigmer_backend.store.files import FileLayer
from stigmer_backend.store.roll import Roll


class StoreKind(Enum):
    """Where the data lives."""

    FILE = "file"
    """In a directory, durable."""
    MEMORY = "memory"
    """In this process alone, gone with it: for tests."""
    POSTGRESQL = "postgresql"
    """In a database of a PostgreSQL server, durable once that has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """Sizes are in bytes, times in seconds. The defaults are the measured ones; tests make them small."""

    kind: StoreKind = StoreKind.FILE
    """Where the data lives."""
    database: str = ""
    """URI of the database, for PostgreSQL."""
    patience_seconds: float = 30.0
    """A database server that is away for longer than this stops the store; until then everything waits."""
    standby: Callable[[str], bool] | None = None
    """Where another daemon has the database: is told who, again and again, on the opening's thread, and says whether to go on waiting. None: refuse."""
    roll: Roll | None = None
    """What this daemon says of itself to others that have the same database, and what it knows of them. None: nothing of either."""
    chunk_bytes: int = 64 << 10
    """An execution's tail moves from the journal to `events.fs` when it has grown to this."""
    rotate_bytes: int = 16 << 20
    """The journal starts a new file at this size, and moves every tail to `events.fs`."""
    group_bytes: int = 1 << 20
    """Appends that wait are joined to one write and one sync up to this size."""
    group_calls: int = 512
    """And up to this many calls."""
    delta_sync_seconds: float = 0.05
    """Least time between two syncs that only non-urgent appends wait for."""
    retry_seconds: float = 1.0
    """What found the disk full, and cannot be refused any more, is tried again after this."""
    readers: int = 2
    """Reader threads, each with its own connections; 2 to 4 is sensible, since each has its own cache."""
    cache_objects: int = 20_000
    """Objects that one connection keeps."""
    cache_bytes: int = 16 << 20
    """Bytes that one connection keeps."""
    hot_executions: int = 1024
    """Executions without an unflushed tail that stay in memory."""
    unflushed_bytes: int = 64 << 20
    """Appends are refused as on a full disk when this much cannot be moved out of memory."""
    index_bytes: int = 64 << 20
    """A database's index is saved when it has grown by this much."""
    change_history: int = 20_000
    """Changes of records that are remembered for those who follow; a reader that is further behind reads everything again."""
    files: FileLayer = field(default_factory=FileLayer)
    """How files are written and synced; tests put a failing one here."""
