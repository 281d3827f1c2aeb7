"""A daemon packs by itself what is mostly dead, and deletes what its settings say, and nothing else."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase as Phase,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.config import Retention
from stigmer_backend.maintenance.retiring import Retiring, in_words
from stigmer_backend.maintenance.tending import Tending, TendingOptions
from stigmer_backend.resources.listing_keys import label_list
from stigmer_backend.store import DatabaseName, StateWrite, Store
from tests.store.stores import opened


async def change(store: Store, times: int) -> None:
    """The same record again and again: all but the last are dead."""

    def put(state: StateWrite) -> None:
        state.put("agent", "agt", b"x" * 4000, created_ns=1, summary=b"")

    for _ in range(times):
        await store.write(put)


async def test_what_is_mostly_dead_is_packed_and_then_left(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        tending = Tending(store, TendingOptions(least_bytes=20_000))
        assert not await tending.look(DatabaseName.STATE), "it is small"
        await change(store, 10)
        before = store.size_of(DatabaseName.STATE)
        assert await tending.look(DatabaseName.STATE)
        assert store.size_of(DatabaseName.STATE) < before / 2
        assert not await tending.look(DatabaseName.STATE), "nothing has changed"
        await store.write(
            lambda state: [state.put("agent", f"a{n}", b"y" * 4000, created_ns=1, summary=b"") for n in range(20)]
        )
        assert not await tending.look(DatabaseName.STATE), "most of it lives"
        assert not await tending.look(DatabaseName.EVENTS)


DAY = 86_400_000_000


async def put_runs(store: Store, ends: dict[str, int], *, label: str = "", live: str = "") -> None:
    """Runs that ended that many days after the first of 1970, each with a megabyte of output."""

    def put(state: StateWrite) -> None:
        for name, day in ends.items():
            ended = Phase.EXECUTION_IN_PROGRESS if name == live else Phase.EXECUTION_COMPLETED
            row = ExecutionSummary(
                execution_id=name,
                phase=ended,
                created_unix_micros=day * DAY,
                completed_unix_micros=day * DAY,
                output_bytes=1_000_000,
            )
            state.put(
                "agent_execution",
                name,
                b"",
                created_ns=day * DAY * 1000,
                parents=[label_list("team", label)] if label else [],
                summary=row.SerializeToString(),
            )

    await store.write(put)


@pytest.mark.parametrize(
    ("rule", "gone"),
    [
        (Retention(), ""),
        (Retention(keep_last=1, label="team=docs"), ""),
        (Retention(older_than_days=30), "ab"),
        (Retention(older_than_days=30, keep_last=3), "a"),
        (Retention(older_than_days=30, larger_than_mb=2), ""),
        (Retention(larger_than_mb=1), "abcd"),
        (Retention(larger_than_mb=1, label="team=docs"), "cd"),
    ],
)
async def test_runs_go_by_the_settings_and_no_clock_that_jumps_takes_more(
    tmp_path: Path, rule: Retention, gone: str
) -> None:
    deleted: list[str] = []

    async def delete(ids: Sequence[str]) -> None:
        deleted.extend(ids)

    async with opened(tmp_path) as store:
        await put_runs(store, {"a": 10, "b": 60, "live": 11}, live="live")
        await put_runs(store, {"c": 99, "d": 100}, label="docs")
        for years in (0, 10, -10):
            deleted.clear()
            clock = 100 * 86_400 + years * 365 * 86_400
            retiring = Retiring(store, rule, delete, lambda clock=clock: clock)
            assert await retiring.once() == len(deleted)
            assert sorted(deleted) == (sorted(gone) if years >= 0 or rule.older_than_days == 0 else [])
    assert bool(in_words(rule)) == bool(gone or rule.larger_than_mb)
