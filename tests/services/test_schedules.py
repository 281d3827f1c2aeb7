"""Schedules: one start for each due time, over restarts, jumps of the clock and pauses; cron expressions."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ListExecutionsRequest
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import PublishEventRequest
from stigmer_apis._generated.stigmer.schedule.v1.schedule_service_pb2 import (
    ListSchedulesRequest,
    PauseScheduleRequest,
    ResumeScheduleRequest,
    Schedule,
    TriggerScheduleRequest,
)
from stigmer_apis._generated.stigmer.schedule.v1.schedule_service_pb2_grpc import ScheduleServiceStub
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import PublishRequest
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2_grpc import SteeringServiceStub
from stigmer_apis.errors import FailedPrecondition, InvalidArgument
from stigmer_apis.workflow.cron import CronError, parse_cron
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS, WORKFLOWS
from tests.conformance.grounds import document, workflow_spec
from tests.conformance.wire import Wire
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def scheduled(when: str, name: str = "tick") -> Workflow:
    yaml = (
        f"document: {{dsl: 1.0.0, namespace: tests, name: {name}, version: 1.0.0}}\n"
        f"schedule: {when}\ndo:\n  - one: {{set: {{a: 1}}}}\n"
    )
    return document(WORKFLOWS, name, {**workflow_spec(), "yaml": yaml})


def wire_of(served: Served) -> Wire:
    return Wire(served, served.stubs.channel, served.stubs.metadata)


async def schedules(wire: Wire) -> list[Schedule]:
    stub = ScheduleServiceStub(wire.channel)
    return list((await stub.ListSchedules(ListSchedulesRequest(), metadata=wire.metadata)).schedules)


async def starts(wire: Wire) -> int:
    answer = await wire.served.stubs.service.ListExecutions(ListExecutionsRequest(), metadata=wire.metadata)
    return answer.total


async def test_what_was_due_is_started_once_whatever_the_clock_and_the_daemon_do(short_tmp: Path) -> None:
    clock = Clock()
    async with serve_backend(short_tmp, clock=clock) as served:
        wire = wire_of(served)
        await wire.write(WORKFLOWS, "apply", scheduled("{every: {minutes: 1}}"))
        (shown,) = await schedules(wire)
        assert (shown.workflow_name, shown.kind, shown.paused, shown.starts) == ("tick", "every", False, 0)
        assert shown.next_unix_micros > clock.now * 1e6
        clock.now += 61
        await wire.write(WORKFLOWS, "apply", scheduled("{cron: 0 0 1 1 *}", "other"))

        async def once() -> bool:
            return await starts(wire) == 1

        await eventually(once)
        clock.now -= 600
    clock.now += 600 + 3_600
    async with serve_backend(short_tmp, clock=clock) as served:
        wire = wire_of(served)

        async def twice() -> bool:
            return await starts(wire) == 2

        await eventually(twice)
        first, other = sorted(await schedules(wire), key=lambda one: one.kind, reverse=True)
        assert (first.starts, first.last_error, other.starts) == (2, "", 0)
        assert clock.now * 1e6 < first.next_unix_micros <= (clock.now + 60) * 1e6
        run = await wire.get(WORKFLOW_EXECUTIONS, first.last_execution_id)
        assert run.spec.trigger_metadata["trigger"] == "every"
        await wire.write(WORKFLOWS, "apply", scheduled("{every: {minutes: 1}}"))
        assert [one.starts for one in await schedules(wire)] == [0, 2]


async def test_a_pause_starts_nothing_and_a_trigger_starts_at_once(short_tmp: Path) -> None:
    clock = Clock()
    async with serve_backend(short_tmp, clock=clock) as served:
        wire, stub = wire_of(served), ScheduleServiceStub(served.stubs.channel)
        made = await wire.write(WORKFLOWS, "apply", scheduled("{every: {minutes: 1}}"))
        paused = await stub.PauseSchedule(PauseScheduleRequest(workflow="tick"), metadata=wire.metadata)
        assert (paused.schedule.paused, paused.schedule.next_unix_micros) == (True, 0)
        clock.now += 600
        told = await stub.TriggerSchedule(TriggerScheduleRequest(workflow=made.metadata.id), metadata=wire.metadata)
        assert await starts(wire) == 1
        resumed = await stub.ResumeSchedule(ResumeScheduleRequest(workflow="tick"), metadata=wire.metadata)
        assert resumed.schedule.next_unix_micros > clock.now * 1e6
        assert resumed.schedule.last_execution_id == told.execution_id
        await wire.write(WORKFLOWS, "apply", document(WORKFLOWS, "plain", workflow_spec()))
        with refused(FailedPrecondition):
            await stub.TriggerSchedule(TriggerScheduleRequest(workflow="plain"), metadata=wire.metadata)
        plain = scheduled("{every: {minutes: 1}}")
        plain.spec.yaml = plain.spec.yaml.replace("schedule: {every: {minutes: 1}}\n", "")
        await wire.write(WORKFLOWS, "apply", plain)
        assert await schedules(wire) == []


@pytest.mark.parametrize("when", ["{cron: 0 3 * * *}", "{every: {hours: 3}}"])
async def test_a_pause_and_a_resume_leave_the_next_start_where_it_was(short_tmp: Path, when: str) -> None:
    clock = Clock()
    async with serve_backend(short_tmp, clock=clock) as served:
        wire, stub = wire_of(served), ScheduleServiceStub(served.stubs.channel)
        await wire.write(WORKFLOWS, "apply", scheduled(when))
        (before,) = await schedules(wire)
        await stub.PauseSchedule(PauseScheduleRequest(workflow="tick"), metadata=wire.metadata)
        clock.now += 60
        resumed = await stub.ResumeSchedule(ResumeScheduleRequest(workflow="tick"), metadata=wire.metadata)
        assert resumed.schedule.next_unix_micros == before.next_unix_micros > 0


async def test_several_events_start_it_once_all_have_come(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        wire, steering = wire_of(served), SteeringServiceStub(served.stubs.channel)
        all_of = "{on: {all: [{with: {type: order.placed}}, {with: {type: order.paid}}]}}"
        await wire.write(WORKFLOWS, "apply", scheduled(all_of, "both"))
        (shown,) = await schedules(wire)
        assert shown.text == "order.placed and order.paid"
        started: list[int] = []
        for number, kind in enumerate(["order.paid", "order.paid", "order.placed", "order.placed"]):
            data = Value(number_value=number)
            told = await steering.Publish(PublishRequest(type=kind, data=data), metadata=wire.metadata)
            started.append(told.started)
        assert started == [0, 0, 1, 0]
        (shown,) = await schedules(wire)
        run = await wire.get(WORKFLOW_EXECUTIONS, shown.last_execution_id)
        placed, paid = json.loads(run.spec.trigger_message)
        assert (placed["type"], placed["data"], paid["data"]) == ("order.placed", 2, 0)


async def test_an_event_and_an_end_start_what_waits_for_them(short_tmp: Path) -> None:
    clock = Clock()
    async with serve_backend(short_tmp, clock=clock) as served:
        wire = wire_of(served)
        runner = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
        await runner.connect()
        await wire.write(WORKFLOWS, "apply", scheduled("{on: {one: {with: {type: order.placed}}}}", "heard"))
        await wire.write(WORKFLOWS, "apply", scheduled("{after: {seconds: 30}}", "again"))
        emitter = (
            await wire.write(WORKFLOW_EXECUTIONS, "create", document(WORKFLOW_EXECUTIONS, "", {"workflowId": "again"}))
        ).metadata.id
        epoch = (await runner.begin(emitter)).granted.epoch
        event = {"id": "e", "source": "/t", "type": "order.placed", "data": 7}
        request = PublishEventRequest(execution_id=emitter, epoch=epoch, key="k", event_json=json.dumps(event))
        assert (await runner.calls.PublishEvent(request, metadata=runner.metadata)).started == 1
        heard = next(one for one in await schedules(wire) if one.workflow_name == "heard")
        granted = (await runner.begin(heard.last_execution_id)).granted
        assert json.loads(granted.input_json)["data"] == 7
        clock.now += 31

        async def started() -> bool:
            return any(one.workflow_name == "again" and one.starts == 1 for one in await schedules(wire))

        await wire.write(WORKFLOWS, "apply", document(WORKFLOWS, "nudge", workflow_spec()))
        await eventually(started)
        last = next(one for one in await schedules(wire) if one.workflow_name == "again")
        assert last.next_unix_micros == 0
        await runner.begin(last.last_execution_id)
        await runner.complete(last.last_execution_id)

        async def due() -> bool:
            return any(one.workflow_name == "again" and one.next_unix_micros > 0 for one in await schedules(wire))

        await eventually(due)
        await runner.disconnect()


@pytest.mark.parametrize(
    "when", ["{cron: 61 * * * *}", "{every: {milliseconds: 5}}", "{cron: a b c d e}", "{cron: 0 0 3 * * *}"]
)
async def test_a_schedule_that_cannot_be_kept_is_refused(served: Served, when: str) -> None:
    with refused(InvalidArgument) as refusal:
        await wire_of(served).write(WORKFLOWS, "apply", scheduled(when))
    assert "schedule" in refusal.text


@pytest.mark.parametrize(
    ("text", "begin", "expected"),
    [
        ("*/15 * * * *", "2026-11-21 10:07:30", "2026-11-21 10:15:00"),
        ("0 3 * * *", "2026-11-21 03:00:00", "2026-11-22 03:00:00"),
        ("0 9 * * mon-fri", "2026-11-21 10:00:00", "2026-11-23 09:00:00"),
        ("30 4 1,15 * 5", "2026-11-21 10:00:00", "2026-11-27 04:30:00"),
        ("0 0 29 2 *", "2026-11-21 10:00:00", "2028-02-29 00:00:00"),
        ("0 0 * jan sun", "2026-11-21 10:00:00", "2027-01-03 00:00:00"),
        ("5-10/5 0 * * 7", "2026-11-21 10:00:00", "2026-11-22 00:05:00"),
        ("@monthly", "2026-12-31 23:59:59", "2027-01-01 00:00:00"),
    ],
)
def test_cron_says_when(text: str, begin: str, expected: str) -> None:
    found = parse_cron(text).after(datetime.fromisoformat(begin).timestamp())
    assert found is not None
    assert str(datetime.fromtimestamp(found)) == expected  # noqa: DTZ006


@pytest.mark.parametrize(
    "text", ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "*/0 * * * *", "1-0 * * * *"]
)
def test_cron_refuses_what_never_comes(text: str) -> None:
    with pytest.raises(CronError):
        parse_cron(text)


def test_a_day_that_never_comes_is_never() -> None:
    assert parse_cron("0 0 31 2 *").after(0) is None
