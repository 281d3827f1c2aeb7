"""Link: leases, their epochs and their ends; appends once and in order; over broken connections and restarts of the daemon."""

import asyncio
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
)
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import SessionId
from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import ActivityStarted, JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, EventBatch, LogLine
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest, ReadJournalRequest
from stigmer_apis._generated.stigmer.runner.v1.link_pb2_grpc import RunnerServiceStub
from stigmer_apis.errors import FailedPrecondition, InvalidArgument, PermissionDenied, SequenceGap
from stigmer_apis.errors_grpc import error_from_rpc
from stigmer_apis.protocol import PROTOCOL
from stigmer_apis.transport import aio, client_options, unix_target
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.placing import PLACINGS
from stigmer_backend.store import Append, Lane, StaleEpoch
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner, phase
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually

HASTY = ExecutionOptions(lease_seconds=0.5)


def line(text: str) -> Event:
    return Event(log_line=LogLine(component="test", text=text))


def player(served: Served, name: str = "run-1", capacity: int = 4) -> ScriptedRunner:
    return ScriptedRunner(served.home, name, served.tokens.issue_runner(name), capacity=capacity)


async def stored(served: Served, execution_id: str) -> AgentExecution:
    return await served.stubs.execution_queries.get(
        AgentExecutionId(value=execution_id), metadata=served.stubs.metadata
    )


async def texts(served: Served, execution_id: str) -> list[str]:
    """The log lines of an execution, in order."""
    found: list[str] = []
    after = 0
    while batches := await served.store.read(execution_id, after, 1 << 20):
        for batch in batches:
            events = EventBatch.FromString(batch.body).events
            found += [event.log_line.text for event in events if event.HasField("log_line")]
            after = batch.last_seq
    return found


async def test_the_oldest_goes_first_and_a_runner_gets_no_more_than_it_takes(served: Served) -> None:
    names = [(await served.run(f"echo {number}")).metadata.id for number in range(4)]
    runner = player(served, capacity=2)
    await runner.connect()
    await runner.lease(names[0])
    await runner.lease(names[1])
    assert set(runner.held) == set(names[:2])
    await runner.begin(names[0])
    await runner.complete(names[0])
    await runner.lease(names[2])
    assert names[3] not in runner.held
    (facts,) = served.backend.runners.describe()
    assert (facts.runner_id, facts.pid, facts.running, facts.sandbox) == ("run-1", 4711, 2, "none")
    await runner.disconnect()
    await eventually(lambda: served.backend.runners.describe() == [])


async def test_a_grant_carries_all_that_a_runner_needs(served: Served, runner: ScriptedRunner, tmp_path: Path) -> None:
    execution = await served.run("ls", workspace=str(tmp_path))
    granted = (await runner.lease(execution.metadata.id)).granted
    assert granted.epoch == 1
    assert granted.execution.spec.message == "ls"
    assert granted.execution.spec.session_id == execution.spec.session_id
    assert granted.agent.metadata.id == execution.spec.agent_id
    assert (granted.workspace, granted.workspace_is_own) == (str(tmp_path), False)
    assert (granted.journal_records, list(granted.pending), granted.fresh) == (0, [], True)


async def test_many_appends_are_acknowledged_together_in_order(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    held = await runner.begin(name)
    count = 2_000
    for number in range(count):
        await runner.append(name, [line(str(number))], urgent=False, wait=False)
    await runner.append(name, [line("last")])
    assert held.acknowledged == held.sent == count + 2
    acknowledged = [frame.acknowledged.producer_seq for frame in runner.frames if frame.HasField("acknowledged")]
    assert acknowledged == sorted(acknowledged)
    assert len(acknowledged) < count / 2
    assert await texts(served, name) == [*(str(number) for number in range(count)), "last"]


async def test_appends_of_several_executions_come_and_are_acknowledged_as_one(served: Served) -> None:
    names = [(await served.run()).metadata.id for _ in range(3)]
    runner = player(served)
    runner.takes_groups = True
    welcome = await runner.connect()
    assert welcome.takes_groups
    for name in names:
        await runner.begin(name)
    await runner.append_together({name: [line(f"{name} {number}") for number in range(2)] for name in names})
    assert any(frame.HasField("acknowledged_all") for frame in runner.frames)
    for name in names:
        assert await texts(served, name) == [f"{name} 0", f"{name} 1"]


async def test_events_and_engine_records_of_one_append_stand_together(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    records = [JournalRecord(activity_started=ActivityStarted(sequence=number, attempt=1)) for number in range(1, 4)]
    await runner.append(name, [line("a")], journal=records[:2])
    await runner.append(name, journal=records[2:])
    assert await runner.read_journal(name) == records
    assert await texts(served, name) == ["a"]


async def test_the_journal_is_read_by_the_holder_of_the_lease_alone(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    await runner.begin(name)
    token = served.tokens.issue_runner("run-2")
    async with aio.insecure_channel(unix_target(served.home.runner_socket), options=client_options()) as channel:
        stub = RunnerServiceStub(channel)
        for asked in (ReadJournalRequest(execution_id=name, epoch=1), ReadJournalRequest(execution_id="x", epoch=1)):
            with refused(FailedPrecondition):
                async for _ in stub.ReadJournal(asked, metadata=(("authorization", f"Bearer {token}"),)):
                    pass


async def test_a_silent_runner_loses_its_lease_to_the_next_and_is_fenced(short_tmp: Path) -> None:
    async with serve_backend(short_tmp, options=HASTY) as served:
        first, second = player(served, "run-1"), player(served, "run-2")
        await first.connect()
        name = (await served.run()).metadata.id
        await first.begin(name)
        await first.append(name, [line("first")], journal=[JournalRecord(activity_started=ActivityStarted(sequence=1))])
        stale = first.held[name].granted.epoch
        await first.until(lambda: name not in first.held)
        assert first.frames[-1].lease_revoked.epoch == stale
        await second.connect()
        taken = await second.lease(name)
        assert taken.granted.epoch > stale
        assert (taken.granted.fresh, taken.granted.journal_records) == (False, 1)
        await first.heartbeat()
        revoked = len(first.kinds())
        await first.send(  # a late append of the old lease
            LinkRequest(
                append=LinkRequest.Append(
                    execution_id=name,
                    epoch=stale,
                    producer_seq=3,
                    events=EventBatch(events=[line("late")]).SerializeToString(),
                    event_count=1,
                )
            )
        )
        await first.until(lambda: len(first.kinds()) > revoked)
        assert first.frames[-1].lease_revoked.epoch == stale
        assert first.connected
        await second.append(name, [line("second")])
        assert await texts(served, name) == ["first", "second"]
        with pytest.raises(StaleEpoch):
            await served.store.append([Append(name, Lane.EVENTS, b"\n\0", 1, "runner", stale, 9)])
        await first.disconnect()
        await second.disconnect()


async def test_a_dead_runners_leases_are_taken_at_once(served: Served) -> None:
    first, second = player(served, "run-1"), player(served, "run-2")
    await first.connect()
    name = (await served.run()).metadata.id
    await first.begin(name)
    await second.connect()
    await served.backend.runners.revoke("run-1", "its process ended")
    assert (await second.lease(name)).granted.epoch == 2
    await first.until(lambda: not first.connected)
    assert first.ended_with is not None
    assert isinstance(error_from_rpc(first.ended_with), FailedPrecondition)
    await first.disconnect()
    await second.disconnect()


async def test_a_broken_connection_keeps_the_lease_and_resends_count_once(
    served: Served, runner: ScriptedRunner
) -> None:
    name = (await served.run()).metadata.id
    held = await runner.begin(name)
    for number in range(50):
        await runner.append(name, [line(str(number))], urgent=False, wait=False)
        if number % 10 == 9:
            await runner.disconnect()
            welcome = await runner.connect()
            assert [kept.epoch for kept in welcome.kept] == [held.granted.epoch]
    await runner.append(name, [line("50")])
    assert await texts(served, name) == [str(number) for number in range(51)]


async def test_all_that_is_sent_twice_is_stored_once(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    held = await runner.begin(name)
    await runner.append(name, [line("a")])
    await runner.append(name, [line("b")])
    before = len(runner.frames)
    await runner.append(name, [line("a")], step=2, wait=False)
    await runner.append(name, [line("b")], step=3, wait=False)
    await runner.until(lambda: len(runner.frames) > before)
    assert runner.frames[-1].acknowledged.producer_seq == held.acknowledged == 3
    assert await texts(served, name) == ["a", "b"]


async def test_a_runner_outlives_the_daemon_and_goes_on(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        runner = player(served)
        await runner.connect()
        name = (await served.run()).metadata.id
        waiting = (await served.run("echo later")).metadata.id
        await runner.begin(name)
        await runner.lease(waiting)
        await runner.append(name, [line("before")])
        epoch = runner.held[name].granted.epoch
    await runner.disconnect()
    held = runner.held[name]
    for text in ("meanwhile 1", "meanwhile 2"):
        held.sent += 1
        held.unacknowledged[held.sent] = LinkRequest.Append(
            execution_id=name,
            epoch=epoch,
            producer_seq=held.sent,
            events=EventBatch(events=[line(text)]).SerializeToString(),
            event_count=1,
            urgent=True,
        )
    held.unacknowledged[2] = LinkRequest.Append(
        execution_id=name,
        epoch=epoch,
        producer_seq=2,
        events=EventBatch(events=[line("before")]).SerializeToString(),
        event_count=1,
    )
    async with serve_backend(short_tmp) as served:
        welcome = await runner.connect()
        assert {kept.execution_id: (kept.epoch, kept.producer_seq) for kept in welcome.kept} == {
            name: (epoch, 2),
            waiting: (1, 0),
        }
        await runner.until(lambda: runner.held[name].acknowledged == 4)
        await runner.append(name, [line("after")])
        assert await texts(served, name) == ["before", "meanwhile 1", "meanwhile 2", "after"]
        await runner.complete(name)
        assert (await stored(served, name)).status.phase == ExecutionPhase.EXECUTION_COMPLETED
        await runner.disconnect()


async def test_after_a_start_a_runner_that_does_not_come_back_is_replaced(short_tmp: Path) -> None:
    async with serve_backend(short_tmp, options=HASTY) as served:
        first = player(served)
        await first.connect()
        name = (await served.run()).metadata.id
        await first.begin(name)
    await first.disconnect()
    async with serve_backend(short_tmp, options=HASTY) as served:
        second = player(served, "run-2")
        await second.connect()
        taken = asyncio.create_task(second.lease(name))
        while not taken.done():
            await second.heartbeat()
            await asyncio.sleep(0.05)
        assert taken.result().granted.epoch == 2
        assert not taken.result().granted.fresh
        welcome = await first.connect()
        assert list(welcome.kept) == []
        await first.disconnect()
        await second.disconnect()


async def test_what_nobody_claims_is_free_at_once_when_nobody_can(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        first = player(served)
        await first.connect()
        name = (await served.run()).metadata.id
        await first.begin(name)
    await first.disconnect()
    async with serve_backend(short_tmp) as served:
        second = player(served, "run-2")
        await second.connect()
        await served.backend.runners.release_unclaimed("none is alive")
        assert (await second.lease(name)).granted.epoch == 2
        await second.disconnect()


async def test_a_lease_that_its_runner_never_heard_of_is_given_again(served: Served) -> None:
    runner = player(served)
    await runner.connect()
    name = (await served.run()).metadata.id
    await runner.lease(name)
    await runner.disconnect()
    runner.held.clear()
    await runner.connect()
    assert (await runner.lease(name)).granted.epoch == 2
    await runner.disconnect()


async def test_a_lease_given_back_goes_to_who_has_room(served: Served) -> None:
    first, second = player(served, "run-1", 1), player(served, "run-2", 1)
    await first.connect()
    name = (await served.run()).metadata.id
    await first.lease(name)
    await second.connect()
    first.capacity = 1
    other = (await served.run()).metadata.id
    await second.lease(other)
    await first.give_back(name, "no room")
    assert (await first.lease(name)).granted.epoch == 2
    await first.disconnect()
    await second.disconnect()


async def test_a_second_link_of_a_runner_replaces_the_first(served: Served) -> None:
    token = served.tokens.issue_runner("run-1")
    first = ScriptedRunner(served.home, "run-1", token)
    await first.connect()
    name = (await served.run()).metadata.id
    held = await first.lease(name)
    again = ScriptedRunner(served.home, "run-1", token)
    again.held[name] = held
    welcome = await again.connect()
    assert [kept.execution_id for kept in welcome.kept] == [name]
    await first.until(lambda: not first.connected)
    await again.append(name, [line("a")])
    await first.disconnect()
    await again.disconnect()


async def test_nothing_comes_after_the_end(served: Served, runner: ScriptedRunner) -> None:
    name = (await served.run()).metadata.id
    held = await runner.begin(name)
    await runner.append(name, [line("a"), phase(ExecutionPhase.EXECUTION_FAILED, "no more")])
    runner.held[name] = held
    before = len(runner.kinds())
    await runner.append(name, [line("late")], wait=False)
    await runner.until(lambda: len(runner.kinds()) > before)
    assert runner.frames[-1].lease_revoked.execution_id == name
    assert await texts(served, name) == ["a"]
    await eventually(lambda: served.backend.counts() == (1, 0))
    execution = await stored(served, name)
    assert (execution.status.phase, execution.status.error) == (ExecutionPhase.EXECUTION_FAILED, "no more")
    assert await served.store.head(name) == 5


async def test_an_end_that_was_not_committed_is_committed_at_the_next_start(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        name = (await served.run()).metadata.id
        ended = EventBatch(events=[phase(ExecutionPhase.EXECUTION_FAILED, "cut off")])
        await served.store.append([Append(name, Lane.EVENTS, ended.SerializeToString(), 1, "runner", 1, 1)])
        assert served.backend.counts() == (1, 1)
    async with serve_backend(short_tmp) as served:
        await eventually(lambda: served.backend.counts() == (1, 0))
        execution = await stored(served, name)
        assert (execution.status.phase, execution.status.error) == (ExecutionPhase.EXECUTION_FAILED, "cut off")
        assert await served.store.read_state(lambda state: state.get("live_execution", name)) is None


async def test_a_fold_goes_on_from_its_snapshot_over_restarts(short_tmp: Path) -> None:
    options = ExecutionOptions(snapshot_bytes=2_000)
    async with serve_backend(short_tmp, options=options) as served:
        runner = player(served)
        await runner.connect()
        name = (await served.run()).metadata.id
        await runner.begin(name)
        await runner.start_line(name, "seq")
        for number in range(200):
            await runner.append(name, [line("x" * 50 + str(number))], wait=False)
        await runner.append(name, [line("last")])

        async def saved() -> bool:
            record = await served.store.read_state(lambda state: state.get("live_execution", name))
            return record is not None and bool(record.data)

        await eventually(saved)
        before = await stored(served, name)
    await runner.disconnect()
    async with serve_backend(short_tmp, options=options) as served:
        assert await stored(served, name) == before
        await runner.connect()
        await runner.finish_line(name)
        await runner.complete(name)
        assert (await stored(served, name)).status.last_exit_code.value == 0
        await runner.disconnect()


@pytest.mark.parametrize("wrong", ["protocol", "id", "capacity", "no hello", "twice"])
async def test_a_hello_that_is_wrong_is_refused(served: Served, wrong: str) -> None:
    hello = LinkRequest.Hello(runner_id="run-1", protocol=PROTOCOL, capacity=1, version="0")
    if wrong == "protocol":
        hello.protocol = PROTOCOL + 1
    if wrong == "id":
        hello.runner_id = "run-2"
    if wrong == "capacity":
        hello.capacity = 0
    frames = [LinkRequest(hello=hello)]
    if wrong == "no hello":
        frames = [LinkRequest(heartbeat=LinkRequest.Heartbeat())]
    if wrong == "twice":
        frames.append(LinkRequest(hello=hello))
    kind = {"protocol": FailedPrecondition, "id": PermissionDenied}.get(wrong, InvalidArgument)
    token = served.tokens.issue_runner("run-1")
    async with aio.insecure_channel(unix_target(served.home.runner_socket), options=client_options()) as channel:
        call = RunnerServiceStub(channel).Link(metadata=(("authorization", f"Bearer {token}"),))
        with refused(kind):
            for frame in frames:
                await call.write(frame)
            while await call.read() is not aio.EOF:
                pass


async def test_what_is_no_append_ends_the_link_and_a_gap_says_what_is_next(served: Served) -> None:
    runner = player(served)
    await runner.connect()
    name = (await served.run()).metadata.id
    held = await runner.begin(name)
    for kind, append in (
        (SequenceGap, LinkRequest.Append(producer_seq=9, events=b"\n\0", event_count=1)),
        (InvalidArgument, LinkRequest.Append(producer_seq=2, events=b"\xff\xff", event_count=1)),
        (InvalidArgument, LinkRequest.Append(producer_seq=2, events=b"\n\0", event_count=2)),
        (InvalidArgument, LinkRequest.Append(producer_seq=2)),
        (InvalidArgument, LinkRequest.Append(producer_seq=2, events=b"\n\0", event_count=1, final=True)),
    ):
        append.execution_id, append.epoch = name, held.granted.epoch
        await runner.send(LinkRequest(append=append))
        await runner.until(lambda: not runner.connected)
        assert runner.ended_with is not None
        error = error_from_rpc(runner.ended_with)
        assert isinstance(error, kind), error
        if isinstance(error, SequenceGap):
            assert (error.expected, error.got) == (2, 9)
        await runner.disconnect()
        await runner.connect()
    await runner.append(name, [line("good")])
    assert await texts(served, name) == ["good"]
    await runner.disconnect()


async def test_a_runner_is_told_to_stop_and_gets_no_more(served: Served, runner: ScriptedRunner) -> None:
    await served.backend.runners.shut_down("the daemon stops")
    await runner.until(lambda: "shut_down" in runner.kinds())
    name = (await served.run()).metadata.id
    await runner.heartbeat()
    assert name not in runner.held


async def test_a_session_goes_where_its_files_are_also_after_a_start_of_the_daemon(tmp_path: Path) -> None:
    """And is forgotten with the session."""

    def far(served: Served) -> ScriptedRunner:
        return ScriptedRunner(served.home, "run-far", served.tokens.issue_runner("run-far"), host="elsewhere")

    async with serve_backend(tmp_path) as served:
        runner = far(served)
        await runner.connect()
        first = await served.run(runner="elsewhere")
        await runner.begin(first.metadata.id)
        await runner.complete(first.metadata.id)
        await runner.disconnect()
    async with serve_backend(tmp_path) as served:
        near, runner = player(served, "run-near"), far(served)
        await near.connect()
        await runner.connect()
        again = await served.run(session_id=first.spec.session_id)
        await runner.begin(again.metadata.id)
        await runner.complete(again.metadata.id)
        other = await served.run()
        await near.begin(other.metadata.id)
        await near.complete(other.metadata.id)
        assert await served.store.read_state(lambda state: state.count(PLACINGS)) == 1
        await served.stubs.sessions.delete(SessionId(value=first.spec.session_id), metadata=served.stubs.metadata)
        await near.disconnect()
        await runner.disconnect()
    async with serve_backend(tmp_path) as served:
        assert await served.store.read_state(lambda state: state.count(PLACINGS)) == 0
