"""Tail and watch: each event once, whatever happens to the connection."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import TailRequest, TailResponse, WatchResponse
from stigmer_apis.client import (
    Client,
    ClientOptions,
    TailBatch,
    TailEnd,
    TailHeartbeat,
    TailItem,
    TailReset,
)
from stigmer_apis.errors import DataLoss, Unauthenticated
from stigmer_apis.fold import apply_events
from stigmer_apis.home import Home
from tests.apis.conftest import FAST
from tests.apis.polling import until
from tests.apis.wrong_server import wrong_server
from tests.support.scripted_backend import ScriptedBackend

RUNNING, COMPLETED = ExecutionPhase.EXECUTION_IN_PROGRESS, ExecutionPhase.EXECUTION_COMPLETED


def lines(*numbers: int) -> list[ev.Event]:
    return [ev.Event(log_line=ev.LogLine(text=str(number))) for number in numbers]


class Reader:
    """What was told, checked to be dense: each sequence once, in order."""

    def __init__(self, after_seq: int = 0) -> None:
        self.last = after_seq
        self.texts: list[str] = []
        self.items: list[TailItem] = []

    def take(self, item: TailItem) -> None:
        self.items.append(item)
        match item:
            case TailBatch():
                assert item.first_seq == self.last + 1
                assert item.events
                self.last = item.last_seq
                self.texts += [e.log_line.text for e in item.events if e.WhichOneof("body") == "log_line"]
            case TailReset():
                self.last = item.first_available - 1
                self.texts.clear()
            case TailHeartbeat():
                assert item.head_seq == self.last
            case TailEnd():
                assert item.final_seq == self.last

    async def read(self, items: AsyncGenerator[TailItem, None], until_seq: int | None = None) -> None:
        """Read to the end, or until `until_seq` was told."""
        async with asyncio.timeout(60):
            async for item in items:
                self.take(item)
                if until_seq is not None and self.last >= until_seq:
                    return


async def test_a_tail_tells_what_was_and_what_comes(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=RUNNING)
    backend.emit(execution_id, *lines(*range(50)))
    reader = Reader()
    async with aclosing(client.tail(execution_id)) as items:
        await reader.read(items, 53)
        backend.emit(execution_id, *lines(50))
        await reader.read(items, 54)
        backend.move(execution_id, COMPLETED)
        await reader.read(items)
    assert reader.texts == [str(n) for n in range(51)]
    assert reader.items[-1] == TailEnd(55, COMPLETED)


async def test_a_tail_begins_after_a_sequence_and_ends_with_what_is_there(
    client: Client, backend: ScriptedBackend
) -> None:
    execution_id = backend.add_execution(phase=RUNNING)
    backend.emit(execution_id, *lines(*range(10)))
    reader = Reader(8)
    await reader.read(client.tail(execution_id, 8, follow=False))
    assert reader.texts == [str(n) for n in range(5, 10)]
    assert reader.items[-1] == TailHeartbeat(13)


async def test_an_idle_tail_has_heartbeats(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=RUNNING)
    reader = Reader()
    async with aclosing(client.tail(execution_id)) as items:
        async for item in items:
            reader.take(item)
            if isinstance(item, TailHeartbeat):
                break
    assert reader.last == 3


async def test_a_tail_goes_on_when_connections_break(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=RUNNING)
    reader = Reader()

    breaks = 0

    async def emit() -> None:
        nonlocal breaks
        for number in range(200):
            backend.emit(execution_id, *lines(number))
            if number % 20 == 0:
                tails = len(backend.calls_of("Tail"))
                if number % 40 == 0:
                    await backend.drop_connections()
                else:
                    await backend.stop()
                    await backend.start()
                await until(lambda tails=tails: len(backend.calls_of("Tail")) > tails)
                breaks += 1
            await asyncio.sleep(0.001)
        backend.move(execution_id, COMPLETED)

    async with asyncio.TaskGroup() as group:
        group.create_task(emit())
        await reader.read(client.tail(execution_id))
    assert reader.texts == [str(n) for n in range(200)]
    assert breaks == 10


async def test_a_store_that_lost_events_resets_the_tail(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=RUNNING)
    backend.emit(execution_id, *lines(*range(10)))
    reader = Reader()
    async with aclosing(client.tail(execution_id)) as items:
        await reader.read(items, 13)
        await backend.stop()
        backend.rewind(execution_id, 8)
        backend.emit(execution_id, *lines(100, 101))
        backend.move(execution_id, COMPLETED)
        await backend.start()
        await reader.read(items)
    assert TailReset(1, None, "scripted-2") in reader.items
    assert reader.texts == ["0", "1", "2", "3", "4", "100", "101"]


async def test_a_cursor_of_before_is_told_that_its_store_is_another(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=RUNNING)
    backend.emit(execution_id, *lines(*range(10)))
    first = Reader()
    await first.read(client.tail(execution_id, follow=False))
    batch = next(item for item in first.items if isinstance(item, TailBatch))
    backend.rewind(execution_id, 5)
    second = Reader(batch.last_seq)
    tail = client.tail(execution_id, batch.last_seq, follow=False, incarnation=batch.incarnation)
    await second.read(tail)
    assert isinstance(second.items[0], TailReset)
    assert second.texts == ["0", "1"]


async def test_removed_events_come_as_a_snapshot(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=RUNNING)
    backend.emit(execution_id, *lines(*range(10)))
    backend.remove_events(execution_id, 10)
    reader = Reader()
    await reader.read(client.tail(execution_id, follow=False))
    reset = reader.items[0]
    assert isinstance(reset, TailReset)
    assert reset.snapshot is not None
    assert (reset.first_available, reset.snapshot.seq, reset.snapshot.summary.phase) == (11, 10, RUNNING)
    [batch] = [item for item in reader.items if isinstance(item, TailBatch)]
    apply_events(reset.snapshot, batch.first_seq, batch.events)
    assert reset.snapshot == backend.get(execution_id).fold.state()


async def test_a_silent_server_is_left(home: Home, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=RUNNING)
    options = ClientOptions(first_delay=0.01, longest_delay=0.05, watchdog=0.5)
    reader = Reader()
    async with Client(home, start_daemon=False, options=options) as client:
        reasons: list[str] = []
        client.connection.listen(lambda connection: reasons.append(connection.reason))
        async with aclosing(client.tail(execution_id)) as items:
            await reader.read(items, 3)
            backend.say(mute=True)
            backend.emit(execution_id, *lines(1))
            waiting = asyncio.ensure_future(reader.read(items, 4))
            await until(lambda: len(backend.calls_of("Tail")) >= 3)
            backend.say(mute=False)
            await waiting
    assert reader.texts == ["1"]
    assert "the server is silent" in reasons


@pytest.mark.parametrize("mangle", ["twice", "again", "left out", "empty"])
async def test_frames_that_come_twice_or_not_at_all(home: Home, backend: ScriptedBackend, mangle: str) -> None:
    async def mangled(
        _: ScriptedBackend, request: TailRequest, frames: AsyncGenerator[TailResponse, None]
    ) -> AsyncGenerator[TailResponse, None]:
        first = TailResponse()
        count = 0
        async for frame in frames:
            count += frame.HasField("batch")
            if count == 1:
                first.CopyFrom(frame)
            if mangle == "left out" and count == 2 and not request.cursor.after_seq:
                continue
            yield frame
            if mangle == "twice":
                yield frame
            if mangle == "again":
                yield first
            if mangle == "empty":
                yield TailResponse()
                yield TailResponse(batch=TailResponse.Batch(first_seq=1))

    execution_id = backend.add_execution(phase=RUNNING)
    backend.emit(execution_id, *lines(*range(100)))
    backend.move(execution_id, COMPLETED)
    backend.mangle_tail = mangled
    reader = Reader()
    async with Client(home, start_daemon=False, options=FAST) as client:
        await reader.read(client.tail(execution_id))
    assert reader.texts == [str(n) for n in range(100)]
    assert reader.items[-1] == TailEnd(104, COMPLETED)


async def test_a_gap_that_stays_is_damage(client: Client, backend: ScriptedBackend) -> None:
    async def gap(
        _: ScriptedBackend, __: TailRequest, frames: AsyncGenerator[TailResponse, None]
    ) -> AsyncGenerator[TailResponse, None]:
        async for frame in frames:
            frame.batch.first_seq += 1
            yield frame

    execution_id = backend.add_execution(phase=RUNNING)
    backend.mangle_tail = gap
    with pytest.raises(DataLoss, match="after number 0 are missing"):
        await Reader().read(client.tail(execution_id))


async def test_events_that_cannot_be_read_are_damage(client: Client, backend: ScriptedBackend) -> None:
    async def spoil(
        _: ScriptedBackend, __: TailRequest, frames: AsyncGenerator[TailResponse, None]
    ) -> AsyncGenerator[TailResponse, None]:
        async for frame in frames:
            frame.batch.events = b"\xff\xff"
            yield frame

    execution_id = backend.add_execution(phase=RUNNING)
    backend.mangle_tail = spoil
    with pytest.raises(DataLoss, match="events from number 1 on cannot be read"):
        await Reader().read(client.tail(execution_id))


async def test_streams_end_for_what_does_not_mend_itself(client: Client, backend: ScriptedBackend) -> None:
    execution_id = backend.add_execution(phase=RUNNING)
    reader = Reader()
    async with aclosing(client.tail(execution_id)) as items, aclosing(client.watch()) as changes:
        await reader.read(items, 3)
        backend.tokens = {"another"}
        await backend.drop_connections()
        with pytest.raises(Unauthenticated):
            await reader.read(items)
        with pytest.raises(Unauthenticated):
            await anext(changes)


async def test_tails_of_many_run_beside_each_other(client: Client, backend: ScriptedBackend) -> None:
    ids = [backend.add_execution(phase=RUNNING) for _ in range(10)]
    readers = [Reader() for _ in ids]
    async with asyncio.TaskGroup() as group:
        for execution_id, reader in zip(ids, readers, strict=True):
            group.create_task(reader.read(client.tail(execution_id)))
        for number in range(30):
            for execution_id in ids:
                backend.emit(execution_id, *lines(number))
            if number == 15:
                await backend.drop_connections()
            await asyncio.sleep(0)
        for execution_id in ids:
            backend.move(execution_id, COMPLETED)
    assert all(reader.texts == [str(n) for n in range(30)] for reader in readers)


async def test_a_watch_tells_rows_as_they_change(client: Client, backend: ScriptedBackend) -> None:
    first = backend.add_execution(message="one")
    revision = (await client.list_executions()).revision
    rows: dict[str, int] = {}
    async with asyncio.timeout(60), aclosing(client.watch(revision)) as changes:
        backend.move(first, RUNNING)
        second = backend.add_execution(message="two")
        await _watched(changes, rows, lambda: rows.get(first) == RUNNING and second in rows)
        await backend.drop_connections()
        backend.move(second, COMPLETED)
        await _watched(changes, rows, lambda: rows.get(second) == COMPLETED)
        backend.remove(first)
        await _watched(changes, rows, lambda: first not in rows)


async def test_a_watch_of_an_unknown_revision_is_reset(client: Client, backend: ScriptedBackend) -> None:
    backend.add_execution()
    async with aclosing(client.watch(10_000)) as changes:
        response = await anext(changes)
        assert response.reset
        assert response.revision == backend.revision
        added = backend.add_execution()
        response = await anext(changes)
        assert [row.execution_id for row in response.changed] == [added]


async def test_a_stream_survives_something_else_at_the_socket(home: Home, backend: ScriptedBackend) -> None:
    """Once a server answered, what answers wrongly meanwhile is taken for a server that is not up yet."""
    execution_id = backend.add_execution(phase=RUNNING)
    reader = Reader()
    async with Client(home, start_daemon=False, options=FAST) as client, aclosing(client.tail(execution_id)) as items:
        await reader.read(items, 3)
        await backend.stop()
        waiting = asyncio.ensure_future(reader.read(items, 4))
        with wrong_server(home.operator_socket, b"220 smtp ready\r\n") as wrong:
            await until(lambda: wrong.callers > 5)
        backend.emit(execution_id, *lines(1))
        await backend.start()
        await waiting
    assert reader.texts == ["1"]


async def _watched(changes: AsyncGenerator[WatchResponse, None], rows: dict[str, int], done: object) -> None:
    """Take changes into `rows` until `done`."""
    assert callable(done)
    while not done():
        response = await anext(changes)
        rows.update({row.execution_id: row.phase for row in response.changed})
        for execution_id in response.removed:
            rows.pop(execution_id, None)
