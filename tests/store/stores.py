"""What the tests of the store share: stores with small sizes, executions, and messages that say their own number."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import pytest
from typing_extensions import Unpack

from stigmer_backend.store import (
    Append,
    Appended,
    Batch,
    FileLayer,
    Lane,
    StateWrite,
    Store,
    StoreKind,
    StoreOptions,
)
from tests.support.postgres_server import database_for

PRODUCER = "runner"

KINDS = [pytest.param(kind, id=kind.value) for kind in StoreKind]
"""Every place where a store can be."""
DURABLE = [pytest.param(kind, id=kind.value) for kind in (StoreKind.FILE, StoreKind.POSTGRESQL)]
"""Those that are there the next time."""


class Sizes(TypedDict, total=False):
    """Options that a test may set."""

    kind: StoreKind
    chunk_bytes: int
    rotate_bytes: int
    hot_executions: int
    delta_sync_seconds: float
    index_bytes: int
    readers: int
    files: FileLayer


@asynccontextmanager
async def opened(directory: Path, **sizes: Unpack[Sizes]) -> AsyncGenerator[Store]:
    """A store, closed at the end. In PostgreSQL the directory stands for a database, the same one each time."""
    options = StoreOptions(**sizes)
    if options.kind is StoreKind.POSTGRESQL:
        options = replace(options, database=database_for(directory))
    store = await Store.open(directory, options=options)
    try:
        yield store
    finally:
        await store.close()


def message(seq: int, size: int = 20) -> bytes:
    """A message that says its number, ended by a newline."""
    return b"%d:" % seq + b"." * size + b"\n"


def messages(first: int, count: int, size: int = 20) -> bytes:
    """Neighbouring messages as one body."""
    return b"".join(message(seq, size) for seq in range(first, first + count))


def append(
    execution: str,
    first: int,
    count: int = 1,
    *,
    step: int = 0,
    lane: Lane = Lane.EVENTS,
    epoch: int = 1,
    producer: str = PRODUCER,
    size: int = 20,
) -> Append:
    """An append whose messages say the numbers that they should get. A step of 0 is an append without a producer."""
    body = messages(first, count, size)
    return (
        Append(execution, lane, body, count, producer, epoch, step)
        if step
        else unnumbered(execution, lane, body, count)
    )


def unnumbered(execution: str, lane: Lane, body: bytes, count: int) -> Append:
    """An append without a producer."""
    return Append(execution, lane, body, count, "", 0, 0)


async def create(store: Store, execution: str) -> Appended:
    """Create an execution with one message, by step 1 of the producer."""

    def change(state: StateWrite) -> None:
        state.put(
            "execution", execution, b"spec of " + execution.encode(), created_ns=1, summary=b"", expected_version=0
        )

    return await store.create_execution(change, execution, append(execution, 1, step=1))


async def read_all(store: Store, execution: str, lane: Lane = Lane.EVENTS, max_bytes: int = 1 << 20) -> list[bytes]:
    """Every message of a lane, in order, after checking that batches neighbour each other and count right."""
    found: list[bytes] = []
    while batches := await store.read(execution, len(found), max_bytes, lane):
        for batch in batches:
            found += split(batch)[len(found) + 1 - batch.first_seq :]
            assert len(found) == batch.last_seq
    return found


def split(batch: Batch) -> list[bytes]:
    """The messages of a batch."""
    parts = batch.body.splitlines(keepends=True)
    assert len(parts) == batch.count
    return parts


def assert_dense(found: list[bytes], size: int = 20) -> None:
    """Each message is there once and in its place."""
    assert found == [message(seq, size) for seq in range(1, len(found) + 1)]
