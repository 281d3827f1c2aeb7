"""Tail: every reader sees each event once, in order, from wherever it stands, at its own speed."""

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import (
    Event,
    EventBatch,
    LogLine,
    ToolCallFinished,
    ToolCallRequested,
    ToolCallStarted,
    ToolOutcome,
)
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    CancelRequest,
    Cursor,
    TailRequest,
    TailResponse,
)
from stigmer_apis.errors import NotFound
from stigmer_apis.transport import aio
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.store import Batch, Lane, Store, StoreOptions
from tests.support.refusals import refused
from tests.support.scale import scaled
from tests.support.scripted_runner import ScriptedRunner, phase, printed
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import PATIENCE, eventually


@dataclass
class Reader:
    """A reader as a client is one: it keeps its place over broken streams."""

    served: Served
    execution_id: str
    seen: list[bytes] = field(default_factory=list[bytes])
    """Each event, encoded, from the first."""
    incarnation: str = ""
    heartbeats: list[int] = field(default_factory=list[int])
    resets: int = 0
    end: TailResponse.End | None = None
    batches: int = 0

    def open(self, *, follow: bool = True) -> aio.UnaryStreamCall[TailRequest, TailResponse]:
        cursor = Cursor(incarnation=self.incarnation, after_seq=len(self.seen))
        request = TailRequest(execution_id=self.execution_id, cursor=cursor, follow=follow)
        return self.served.stubs.service.Tail(request, metadata=self.served.stubs.metadata)

    def take(self, frame: TailResponse) -> None:
        match frame.WhichOneof("frame"):
            case "batch":
                self.batches += 1
                self.incarnation = frame.batch.incarnation or self.incarnation
                assert frame.batch.first_seq == len(self.seen) + 1
                self.seen += [one.SerializeToString() for one in EventBatch.FromString(frame.batch.events).events]
            case "heartbeat":
                self.incarnation = frame.heartbeat.incarnation
                assert frame.heartbeat.head_seq == len(self.seen)
                self.heartbeats.append(frame.heartbeat.head_seq)
            case "reset":
                self.resets += 1
                self.incarnation = frame.reset.incarnation
                assert frame.reset.first_available == 1
                self.seen.clear()
            case _:
                self.end = frame.end

    async def read(self, *, follow: bool = True) -> None:
        """Read to the end of the stream."""
        async with asyncio.timeout(PATIENCE * 2):
            async for frame in self.open(follow=follow):
                self.take(frame)

    async def read_until(self, count: int) -> None:
        """Read until so many events were seen, then break the stream."""
        call = self.open()
        async with asyncio.timeout(PATIENCE):
            while len(self.seen) < count:
                frame = await call.read()
                assert isinstance(frame, TailResponse)
                self.take(frame)
        call.cancel()


def line(number: int) -> Event:
    return Event(log_line=LogLine(component="test", text=f"line {number}"))


async def ended_run(served: Served, runner: ScriptedRunner, count: int) -> str:
    """An execution with `count` lines that has ended: `count + 4` events."""
    name = (await served.run()).metadata.id
    await runner.begin(name)
    for start in range(0, count, 500):
        lines = [line(number) for number in range(start, min(start + 500, count))]
        await runner.append(name, lines, urgent=False, wait=False)
    await runner.complete(name)
    return name


async def test_without_follow_it_ends_with_a_heartbeat_or_the_end(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    reader = Reader(served, name)
    await reader.read(follow=False)
    assert (len(reader.seen), reader.heartbeats, reader.end) == (2, [2], None)
    await runner.begin(name)
    await runner.complete(name)
    await reader.read(follow=False)
    assert reader.end is not None
    assert (reader.end.final_seq, reader.end.phase) == (4, ExecutionPhase.EXECUTION_COMPLETED)
    await eventually(lambda: served.backend.counts()[1] == 0)
    again = Reader(served, name)
    await again.read()
    assert again.end == reader.end
    assert again.seen == reader.seen


async def test_a_heartbeat_comes_when_everything_was_sent_and_then_now_and_again(short_tmp: Path) -> None:
    async with serve_backend(short_tmp, options=ExecutionOptions(heartbeat_seconds=0.05)) as served:
        reader = Reader(served, (await served.run()).metadata.id)
        call = reader.open()
        while len(reader.heartbeats) < 4:
            frame = await call.read()
            assert isinstance(frame, TailResponse)
            reader.take(frame)
        assert reader.heartbeats == [2, 2, 2, 2]
        call.cancel()


@pytest.mark.parametrize("after", [0, 1, 499, 1000, 2003])
async def test_a_reader_goes_on_from_any_place_also_in_the_middle_of_a_stored_chunk(
    served: Served, runner: ScriptedRunner, after: int
) -> None:
    name = await ended_run(served, runner, 2000)
    await eventually(lambda: served.backend.counts()[1] == 0)
    whole = Reader(served, name)
    await whole.read()
    assert len(whole.seen) == 2004
    late = Reader(served, name, seen=whole.seen[:after], incarnation=whole.incarnation)
    await late.read()
    assert late.seen == whole.seen
    assert late.resets == 0


async def test_a_cursor_of_another_incarnation_or_beyond_the_end_is_reset(
    served: Served, runner: ScriptedRunner
) -> None:
    name = await ended_run(served, runner, 10)
    whole = Reader(served, name)
    await whole.read()
    for stranger in (
        Reader(served, name, seen=whole.seen[:5], incarnation="another"),
        Reader(served, name, seen=[b""] * 99, incarnation=whole.incarnation),
    ):
        await stranger.read()
        assert (stranger.resets, stranger.seen) == (1, whole.seen)
    nameless = Reader(served, name, seen=whole.seen[:5])
    await nameless.read()
    assert (nameless.resets, nameless.seen) == (0, whole.seen)


async def test_an_unknown_execution_is_not_found_and_a_deleted_one_ends_its_readers(served: Served) -> None:
    with refused(NotFound):
        await Reader(served, "aex-nobody").read()
    with refused(NotFound):
        await Reader(served, "a b\x1b").read()


async def test_many_readers_with_cuts_see_every_event_once(served: Served, runner: ScriptedRunner) -> None:
    count, readers = scaled(2_000, 10_000), scaled(12, 100)
    name = (await served.run()).metadata.id
    await runner.begin(name)
    dice = random.Random(1)

    async def cut_reader() -> Reader:
        reader = Reader(served, name)
        while reader.end is None:
            call = reader.open()
            try:
                async with asyncio.timeout(dice.uniform(0.02, 0.4)):
                    while isinstance(frame := await call.read(), TailResponse):
                        reader.take(frame)
            except TimeoutError:
                call.cancel()
        return reader

    async def write() -> None:
        sent = 0
        while sent < count:
            some = dice.randint(1, 40)
            await runner.append(
                name, [line(number) for number in range(sent, min(count, sent + some))], urgent=False, wait=False
            )
            sent += some
            await asyncio.sleep(0.002)
        await runner.complete(name)

    async with asyncio.timeout(PATIENCE * 3), asyncio.TaskGroup() as group:
        tasks = [group.create_task(cut_reader()) for _ in range(readers)]
        group.create_task(write())
    whole = Reader(served, name)
    await whole.read()
    assert len(whole.seen) == count + 4
    for task in tasks:
        assert task.result().seen == whole.seen


async def test_a_reader_that_stands_still_holds_nobody_up_and_gets_everything_later(
    served: Served, runner: ScriptedRunner
) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    await runner.start_line(name, "yes")
    slow, quick = Reader(served, name), Reader(served, name)
    call = slow.open()
    slow.take(await first_frame(call))
    chunk = b"y" * 16_000
    count = 400
    reading = asyncio.create_task(quick.read())
    for _ in range(count):
        await runner.append(name, [printed("term-call-1", chunk)], urgent=False, wait=False)
    await runner.finish_line(name)
    await runner.complete(name)
    await reading
    assert len(quick.seen) == 2 + 1 + 5 + count + 2
    while isinstance(frame := await call.read(), TailResponse):
        slow.take(frame)
    assert slow.seen == quick.seen
    assert slow.end is not None


async def first_frame(call: aio.UnaryStreamCall[TailRequest, TailResponse]) -> TailResponse:
    frame = await call.read()
    assert isinstance(frame, TailResponse)
    return frame


async def test_under_load_batches_gather_events_and_stay_bounded(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    await runner.start_line(name, "yes")
    reader = Reader(served, name)
    reading = asyncio.create_task(reader.read())
    count = 3_000
    for number in range(count):
        await runner.append(name, [printed("term-call-1", b"%06d\n" % number)], urgent=False, wait=False)
    await runner.finish_line(name)
    await runner.complete(name)
    await reading
    assert len(reader.seen) == count + 10
    assert reader.batches < count / 3


async def test_an_event_of_megabytes_travels_whole(short_tmp: Path) -> None:
    async with serve_backend(short_tmp, store_options=StoreOptions(chunk_bytes=4096)) as served:
        runner = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
        await runner.connect()
        name = (await served.run("x" * (10 << 20))).metadata.id
        await runner.begin(name)
        await runner.append(name, [printed("t", b"\xff" * (5 << 20)), line(1)])
        await runner.append(name, [phase(ExecutionPhase.EXECUTION_COMPLETED)])
        reader = Reader(served, name)
        await reader.read()
        assert len(reader.seen) == 6
        assert len(reader.seen[3]) > 5 << 20
        await runner.disconnect()


async def test_a_follower_of_an_execution_that_nobody_runs_sees_its_cancel(served: Served) -> None:
    name = (await served.run()).metadata.id
    reader = Reader(served, name)
    reading = asyncio.create_task(reader.read())
    await eventually(lambda: bool(reader.heartbeats))
    await served.stubs.service.Cancel(CancelRequest(execution_id=name), metadata=served.stubs.metadata)
    await reading
    assert reader.end is not None
    assert reader.end.phase == ExecutionPhase.EXECUTION_CANCELLED


def window_of(served: Served, execution_id: str, size: int) -> aio.UnaryStreamCall[TailRequest, TailResponse]:
    """The last `size` bytes, to what is there now."""
    request = TailRequest(execution_id=execution_id, last_bytes=size)
    return served.stubs.service.Tail(request, metadata=served.stubs.metadata)


async def test_the_end_of_a_long_run_costs_what_it_shows(short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the run is: events sent, and bytes read for them, are those of the window; what is left out is there to be read."""
    window, sent, read = 8192, list[int](), list[int]()
    reads = Store.read

    async def counted(
        store: Store, execution: str, after_seq: int, max_bytes: int, lane: Lane = Lane.EVENTS
    ) -> list[Batch]:
        found = await reads(store, execution, after_seq, max_bytes, lane)
        read[-1] += sum(len(batch.body) for batch in found)
        return found

    options = ExecutionOptions(tail_batch_bytes=4096)
    async with serve_backend(short_tmp, options=options, store_options=StoreOptions(chunk_bytes=4096)) as served:
        runner = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
        await runner.connect()
        for count in (2000, 12000):
            name = await ended_run(served, runner, count)
            await eventually(lambda: served.backend.counts()[1] == 0)
            await served.store.settle(name)
            read.append(0)
            with monkeypatch.context() as patched:
                patched.setattr(Store, "read", counted)
                frames = [frame async for frame in window_of(served, name, window)]
            reset, batches = frames[0].reset, [frame.batch for frame in frames if frame.HasField("batch")]
            assert reset.held_back == reset.first_available - 1 > count // 2
            assert batches[0].first_seq == reset.first_available
            assert EventBatch.FromString(reset.beginning).events[0].HasField("execution_created")
            assert reset.snapshot.seq == frames[-1].end.final_seq == count + 4
            assert reset.snapshot.summary.phase == ExecutionPhase.EXECUTION_COMPLETED
            sent.append(sum(len(EventBatch.FromString(batch.events).events) for batch in batches))
        await runner.disconnect()
    assert sent[1] <= sent[0] * 2
    assert read[1] <= read[0] * 2
    assert read[1] <= window * 8


async def test_a_window_tells_what_is_open_that_began_before_it(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    asked = ToolCallRequested(call_id="c1", name="shell")
    asked.args.fields["command"].string_value = "make"
    began = [
        Event(tool_call_requested=asked),
        Event(tool_call_started=ToolCallStarted(call_id="c1", terminal_id="t1")),
        Event(tool_call_requested=ToolCallRequested(call_id="c2", name="grep")),
        Event(tool_call_finished=ToolCallFinished(call_id="c2", outcome=ToolOutcome.TOOL_OUTCOME_ENDED)),
    ]
    await runner.append(name, began)
    for _ in range(8):
        await runner.append(name, [printed("t1", b"x" * 400 + b"\n") for _ in range(250)], urgent=False, wait=False)
    await runner.append(name, [line(0)])
    frames = [frame async for frame in window_of(served, name, 1024)]
    snapshot = frames[0].reset.snapshot
    assert [(call.id, call.args["command"]) for call in snapshot.status.tool_calls] == [("c1", "make")]
    assert dict(snapshot.terminals) == {"t1": "c1"}
    assert snapshot.seq >= frames[0].reset.first_available > 4
    whole = [frame async for frame in window_of(served, name, 1 << 20)]
    assert whole[0].batch.first_seq == 1, "all of it fits: it is read from the beginning"
