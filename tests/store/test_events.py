"""Appending to an execution and reading it back."""

import asyncio
import itertools
from pathlib import Path

import pytest

from stigmer_backend.store import (
    Append,
    Appended,
    Conflict,
    ExecutionExists,
    Lane,
    Mark,
    ProducerGap,
    StaleEpoch,
    StateWrite,
    StoreClosed,
    StoreKind,
    UnknownExecution,
)
from tests.store.stores import DURABLE, KINDS, append, assert_dense, create, messages, opened, read_all, unnumbered

A, B = "aex-a", "aex-b"


@pytest.mark.parametrize("kind", KINDS)
async def test_numbers_are_dense_and_start_at_one(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        assert await create(store, A) == Appended(1, False)
        assert await store.append([append(A, 2, 3, step=2)]) == [Appended(2, False)]
        assert await store.append([append(A, 5, 1)]) == [Appended(5, False)]
        assert await store.head(A) == await store.durable_head(A) == 5
        assert_dense(await read_all(store, A))


@pytest.mark.parametrize("kind", KINDS)
async def test_lanes_count_apart(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        await create(store, A)
        placed = await store.append([append(A, 2, 2, step=2), append(A, 1, 3, step=2, lane=Lane.ENGINE)])
        assert placed == [Appended(2, False), Appended(1, False)]
        assert await store.head(A, Lane.ENGINE) == 3
        assert_dense(await read_all(store, A))
        assert_dense(await read_all(store, A, Lane.ENGINE))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_repeated_step_is_stored_once(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        await create(store, A)
        group = [append(A, 2, 2, step=2), append(A, 1, 1, step=2, lane=Lane.ENGINE), append(A, 4, 1, step=3)]
        await store.append(group)
        assert await store.append(group) == [Appended(0, True)] * 3
        assert await store.append([*group[:2], group[2], append(A, 5, step=4)]) == [Appended(0, True)] * 3 + [
            Appended(5, False)
        ]
        assert_dense(await read_all(store, A))
        assert await store.mark(A, "runner") == Mark(1, 4)


@pytest.mark.parametrize("kind", DURABLE)
async def test_a_repeated_step_is_known_after_settling_rotating_and_reopening(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind, rotate_bytes=4096, chunk_bytes=1024) as store:
        await create(store, A)
        await store.append([append(A, 2, step=2), append(A, 1, step=2, lane=Lane.ENGINE)])
        await store.settle(A)
        assert await store.append([append(A, 2, step=2)]) == [Appended(0, True)]
        await create(store, B)
        for step in range(2, 200):
            await store.append([append(B, step, step=step, size=100)])
        assert await store.append([append(A, 2, step=2)]) == [Appended(0, True)]
    async with opened(tmp_path, kind=kind) as store:
        assert await store.append([append(A, 2, step=2), append(B, 199, step=199)]) == [Appended(0, True)] * 2
        assert await store.mark(A, "runner") == Mark(1, 2)
        assert await store.mark(B, "nobody") is None
        assert_dense(await read_all(store, A))


@pytest.mark.parametrize("kind", DURABLE)
async def test_a_higher_epoch_begins_anew_and_fences_the_lower(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        await create(store, A)
        await store.append([append(A, 2, step=2)])
        await store.append([Append(A, Lane.EVENTS, b"", 0, "runner", 2, 1)])
        with pytest.raises(StaleEpoch) as stale:
            await store.append([append(A, 3, step=3)])
        assert (stale.value.epoch, stale.value.known) == (1, 2)
        with pytest.raises(ProducerGap) as gap:
            await store.append([append(A, 3, step=3, epoch=2)])
        assert gap.value.expected == 2
        await store.append([append(A, 3, step=2, epoch=2)])
        await store.append([append(A, 4, step=1, epoch=1, producer="another")])
        assert_dense(await read_all(store, A))
    async with opened(tmp_path, kind=kind) as store:
        with pytest.raises(StaleEpoch):
            await store.append([append(A, 5, step=3)])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refused_group_leaves_nothing(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        await create(store, A)
        await create(store, B)
        for wrong in (append(B, 2, step=7), append("aex-none", 1, step=1), append(B, 2, step=2, epoch=0)):
            with pytest.raises((ProducerGap, UnknownExecution, StaleEpoch)):
                await store.append([append(A, 2, 5, step=2), append(A, 1, step=2, lane=Lane.ENGINE), wrong])
        assert [await store.head(A), await store.head(B), await store.head(A, Lane.ENGINE)] == [1, 1, 0]
        assert await store.mark(A, "runner") == Mark(1, 1)
        assert await store.append([append(A, 2, step=2)]) == [Appended(2, False)]


@pytest.mark.parametrize("kind", DURABLE)
async def test_a_refused_group_does_not_hold_up_those_beside_it(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        await create(store, A)
        calls = [
            store.append([append(A, 2, step=2)]),
            store.append([append(A, 9, step=9)]),
            store.append([append(A, 3, step=3)]),
        ]
        first, refused, last = await asyncio.gather(*calls, return_exceptions=True)
        assert (first, last) == ([Appended(2, False)], [Appended(3, False)])
        assert isinstance(refused, ProducerGap)
        assert_dense(await read_all(store, A))


@pytest.mark.parametrize("kind", DURABLE)
async def test_malformed_appends_are_refused_before_anything_is_written(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        await create(store, A)
        body = messages(2, 1)
        for wrong in (
            Append("", Lane.EVENTS, body, 1, "p", 1, 1),
            Append("x" * 65, Lane.EVENTS, body, 1, "p", 1, 1),
            Append("ä", Lane.EVENTS, body, 1, "p", 1, 1),
            Append(A, Lane.EVENTS, body, 0, "p", 1, 1),
            Append(A, Lane.EVENTS, b"", 1, "p", 1, 1),
            Append(A, Lane.EVENTS, body, -1, "p", 1, 1),
            Append(A, Lane.EVENTS, body, 1, "p" * 256, 1, 1),
            Append(A, Lane.EVENTS, body, 1, "p", 1, 0),
            Append(A, Lane.EVENTS, body, 1, "p", -1, 1),
            Append(A, Lane.EVENTS, body, 1, "", 1, 0),
        ):
            with pytest.raises(ValueError, match=r"append|id of an execution|producer"):
                await store.append([wrong])
        with pytest.raises(ValueError, match="group"):
            await store.append([])
        assert await store.head(A) == 1


@pytest.mark.parametrize("kind", DURABLE)
async def test_executions_have_to_be_created_and_once(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        with pytest.raises(UnknownExecution):
            await store.append([append(A, 1, step=1)])
        for question in (
            store.head(A),
            store.read(A, 0, 100),
            store.wait_beyond(A, 0),
            store.mark(A, "p"),
            store.settle(A),
        ):
            with pytest.raises(UnknownExecution):
                await question
        await create(store, A)
        with pytest.raises(ExecutionExists):
            await create(store, A)
        await store.settle(A)
        with pytest.raises(ExecutionExists):
            await create(store, A)
        assert await store.head(A) == 1


@pytest.mark.parametrize("kind", DURABLE)
async def test_a_refused_creation_leaves_no_execution(tmp_path: Path, kind: StoreKind) -> None:
    def refuse(state: StateWrite) -> None:
        state.put("execution", A, b"half", created_ns=1, summary=b"")
        raise RuntimeError("no")

    async with opened(tmp_path, kind=kind) as store:
        with pytest.raises(RuntimeError, match="no"):
            await store.create_execution(refuse, A, append(A, 1, step=1))
        with pytest.raises(UnknownExecution):
            await store.head(A)
        assert await store.read_state(lambda state: state.get("execution", A)) is None
        await create(store, A)
        await store.write(lambda state: state.put("execution", B, b"", created_ns=1, summary=b""))
        with pytest.raises(Conflict):
            await create(store, B)
        with pytest.raises(UnknownExecution):
            await store.head(B)


@pytest.mark.parametrize("kind", KINDS)
async def test_reads_join_chunks_and_the_tail_from_any_place(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind, chunk_bytes=300, rotate_bytes=5000) as store:
        await create(store, A)
        head = 1
        for count in (1, 2, 3, 5, 8, 13, 1, 1, 1, 30, 2):
            await store.append([append(A, head + 1, count)])
            head += count
        for after in range(head + 1):
            for limit in (1, 200, 1 << 20):
                batches = await store.read(A, after, limit)
                assert bool(batches) == (after < head)
                if batches:
                    assert batches[0].first_seq <= after + 1 <= batches[0].last_seq
                    for left, right in itertools.pairwise(batches):
                        assert right.first_seq == left.last_seq + 1
                        assert sum(len(batch.body) for batch in batches[:-1]) < limit
                    for batch in batches:
                        assert batch.body == messages(batch.first_seq, batch.count)
        assert await store.read(A, head + 100, 1000) == []
        assert_dense(await read_all(store, A, max_bytes=100))


@pytest.mark.parametrize("kind", DURABLE)
async def test_a_message_larger_than_everything_passes(tmp_path: Path, kind: StoreKind) -> None:
    body = b"x" * (12 << 20)
    async with opened(tmp_path, kind=kind) as store:
        await create(store, A)
        await store.append([unnumbered(A, Lane.EVENTS, body, 1)])
        assert (await store.read(A, 1, 1))[0].body == body
    async with opened(tmp_path, kind=kind) as store:
        assert (await store.read(A, 1, 1))[0].body == body


@pytest.mark.parametrize("kind", DURABLE)
async def test_waiting_ends_when_the_lane_moves(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        await create(store, A)
        waiting = [asyncio.create_task(store.wait_beyond(A, 1)) for _ in range(10)]
        beyond = asyncio.create_task(store.wait_beyond(A, 3))
        await store.append([append(A, 1, lane=Lane.ENGINE)])
        assert await store.wait_beyond(A, 0) == 1
        await store.append([append(A, 2, 2)])
        assert await asyncio.gather(*waiting) == [3] * 10
        assert not beyond.done()
        await store.settle(A)
        await store.append([append(A, 4)])
        assert await beyond == 4


@pytest.mark.parametrize("kind", DURABLE)
async def test_waiting_is_cancelled_without_a_trace(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        await create(store, A)
        waiting = asyncio.create_task(store.wait_beyond(A, 1))
        await store.head(A)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await store.append([append(A, 2)])
        assert await store.head(A) == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_waiting_ends_with_an_error_when_the_execution_goes(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind) as store:
        await create(store, A)
        waiting = asyncio.create_task(store.wait_beyond(A, 1))
        await store.head(A)
        await store.remove_events([A, "aex-none"])
        with pytest.raises(UnknownExecution):
            await waiting
        waiting = asyncio.create_task(store.wait_revised(store.revision))
        await create(store, B)
        await waiting
        waiting = asyncio.create_task(store.wait_beyond(B, 1))
        await store.head(B)
    with pytest.raises(StoreClosed):
        await waiting
    with pytest.raises(StoreClosed):
        await store.head("aex-c")


@pytest.mark.parametrize("kind", DURABLE)
async def test_removed_executions_stay_removed(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind, chunk_bytes=200) as store:
        for execution in (A, B, "aex-c"):
            await create(store, execution)
            await store.append([append(execution, 2, 50, step=2)])
        await store.settle("aex-c")
        await store.remove_events([A, "aex-c"])
        for execution in (A, "aex-c"):
            with pytest.raises(UnknownExecution):
                await store.read(execution, 0, 100)
            with pytest.raises(UnknownExecution):
                await store.append([append(execution, 52, step=3)])
    async with opened(tmp_path, kind=kind) as store:
        for execution in (A, "aex-c"):
            with pytest.raises(UnknownExecution):
                await store.head(execution)
        assert_dense(await read_all(store, B))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_dropped_engine_lane_counts_on(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind, chunk_bytes=200) as store:
        await create(store, A)
        for step in range(2, 40):
            await store.append([append(A, step, step=step), append(A, step - 1, step=step, lane=Lane.ENGINE)])
        await store.drop_engine_lane(A)
        assert await store.read(A, 0, 1000, Lane.ENGINE) == []
        await store.append([append(A, 39, step=40, lane=Lane.ENGINE)])
        await store.settle(A)
        batches = await store.read(A, 0, 1000, Lane.ENGINE)
        assert [(batch.first_seq, batch.count) for batch in batches] == [(39, 1)]
        assert await store.head(A, Lane.ENGINE) == 39
        assert_dense(await read_all(store, A))
    if kind is StoreKind.FILE:
        async with opened(tmp_path, kind=kind) as store:
            assert (await store.read(A, 0, 1000, Lane.ENGINE))[0].first_seq == 39
            assert await store.append([append(A, 40, step=41, lane=Lane.ENGINE)]) == [Appended(40, False)]


@pytest.mark.parametrize("kind", DURABLE)
async def test_deltas_are_acknowledged_after_a_sync_of_their_own(tmp_path: Path, kind: StoreKind) -> None:
    async with opened(tmp_path, kind=kind, delta_sync_seconds=0.01) as store:
        await create(store, A)
        calls = [store.append([append(A, seq, step=seq)], urgent=False) for seq in range(2, 300)]
        placed = await asyncio.gather(*calls)
        assert [found[0].first_seq for found in placed] == list(range(2, 300))
        assert await store.durable_head(A) == await store.head(A) == 299


@pytest.mark.parametrize("kind", DURABLE)
async def test_idle_executions_leave_memory_and_come_back(tmp_path: Path, kind: StoreKind) -> None:
    names = [f"aex-{number}" for number in range(60)]
    async with opened(tmp_path, kind=kind, hot_executions=8, rotate_bytes=4000) as store:
        for name in names:
            await create(store, name)
        for turn in range(2, 8):
            for name in names:
                await store.append([append(name, turn, step=turn)])
        for name in names:
            assert_dense(await read_all(store, name))
            assert await store.mark(name, "runner") == Mark(1, 7)
