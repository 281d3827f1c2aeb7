"""A workflow's run goes on where another one failed: what its events say, what is refused; and who hears an event of a person's."""

import json

import pytest
from google.protobuf.struct_pb2 import Struct, Value

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import PublishRequest, RetryRequest
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2_grpc import SteeringServiceStub
from stigmer_apis.errors import FailedPrecondition, InvalidArgument
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS
from tests.conformance.grounds import document
from tests.conformance.wire import Wire
from tests.services.test_commands import events as events_of
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner, phase
from tests.support.served_backend import Served

YAML = """\
document: {dsl: 1.0.0, namespace: tests, name: small, version: 1.0.0}
do:
  - one: {set: {a: 1}, export: {as: '${ {kept: .a} }'}}
  - two: {call: http, with: {method: post, endpoint: 'http://site.test'}}
"""


@pytest.fixture
def wire(served: Served) -> Wire:
    """A person's connection."""
    return Wire(served, served.stubs.channel, served.stubs.metadata)


@pytest.fixture
def steering(served: Served) -> SteeringServiceStub:
    """What a person steers with."""
    return SteeringServiceStub(served.stubs.channel)


async def _begin(wire: Wire) -> str:
    wanted = document(WORKFLOW_EXECUTIONS, "", {"document": YAML, "input": {"n": 2**40}})
    return (await wire.write(WORKFLOW_EXECUTIONS, "create", wanted)).metadata.id


def _value(**fields: float) -> Value:
    found = Struct()
    found.update(fields)
    return Value(struct_value=found)


async def _fail_at_two(runner: ScriptedRunner, name: str, *, only_two: bool = False) -> None:
    """The run `name` does `one`, unless that was taken over, and fails at `two`."""
    one = ev.WorkflowTaskStarted(task_id="/do/0/one#1", path="/do/0/one", name="one", kind="set", input=_value(n=1))
    done = ev.WorkflowTaskFinished(task_id="/do/0/one#1", output=_value(a=1), exported=_value(kept=1))
    two = ev.WorkflowTaskStarted(task_id="/do/1/two#1", path="/do/1/two", name="two", kind="call:http")
    two.input.CopyFrom(_value(a=1))
    failed = ev.WorkflowTaskFinished(task_id="/do/1/two#1", error="refused")
    events = [
        ev.Event(workflow_task_started=one),
        ev.Event(workflow_task_finished=done),
        ev.Event(workflow_task_started=two),
        ev.Event(workflow_task_finished=failed),
    ]
    await runner.append(name, events[2:] if only_two else events)
    await runner.append(name, [phase(ExecutionPhase.EXECUTION_FAILED, "refused")])


async def test_a_run_goes_on_where_it_failed(
    wire: Wire, runner: ScriptedRunner, steering: SteeringServiceStub, served: Served
) -> None:
    name = await _begin(wire)
    await runner.begin(name)
    await _fail_at_two(runner, name)
    made = await steering.Retry(RetryRequest(execution_id=name, from_failed=True), metadata=wire.metadata)
    assert (list(made.goes_on_at), made.taken_over) == (["/do/1/two"], 1)
    granted = (await runner.begin(made.execution_id)).granted
    carried = json.loads(granted.carried_json)
    assert carried["frames"] == [{"at": 1, "data": {"a": 1}}]
    assert carried["context"] == {"kept": 1}
    assert json.loads(granted.input_json) == {"n": 2**40}
    events = await events_of(served, made.execution_id)
    created = events[0].execution_created
    assert (created.retried_from, list(created.goes_on_at)) == (name, ["/do/1/two"])
    told = [event.workflow_task_finished for event in events if event.HasField("workflow_task_finished")]
    assert [(each.task_id, each.taken_over_from) for each in told] == [("/do/0/one#1", name)]
    await _fail_at_two(runner, made.execution_id, only_two=True)
    again = RetryRequest(execution_id=made.execution_id, from_task="two")
    third = await steering.Retry(again, metadata=wire.metadata)
    assert third.taken_over == 1
    first = next(e for e in await events_of(served, third.execution_id) if e.HasField("workflow_task_finished"))
    assert first.workflow_task_finished.taken_over_from == name


async def test_what_cannot_go_on_is_refused(
    wire: Wire, runner: ScriptedRunner, steering: SteeringServiceStub, served: Served
) -> None:
    name = await _begin(wire)
    await runner.begin(name)
    with refused(FailedPrecondition) as live:
        await steering.Retry(RetryRequest(execution_id=name, from_failed=True), metadata=wire.metadata)
    assert "has not ended" in live.text
    await runner.complete(name)
    with refused(FailedPrecondition) as well:
        await steering.Retry(RetryRequest(execution_id=name, from_failed=True), metadata=wire.metadata)
    assert "did not fail" in well.text
    with refused(InvalidArgument) as none:
        await steering.Retry(RetryRequest(execution_id=name, from_task="zz"), metadata=wire.metadata)
    assert "no task `zz` began" in none.text
    run = await served.run()
    with refused(FailedPrecondition):
        await steering.Retry(RetryRequest(execution_id=run.metadata.id, from_failed=True), metadata=wire.metadata)


async def test_an_event_of_a_persons_is_heard_once(
    wire: Wire, runner: ScriptedRunner, steering: SteeringServiceStub
) -> None:
    name = await _begin(wire)
    await runner.begin(name)
    task = ev.WorkflowTaskStarted(task_id="t", name="t", kind="listen")
    waiting = ev.WorkflowTaskWaiting(task_id="t", signals=ev.WorkflowTaskWaiting.Signals(names=["order.placed"]))
    await runner.append(name, [ev.Event(workflow_task_started=task), ev.Event(workflow_task_waiting=waiting)])
    request = PublishRequest(type="order.placed", data=_value(n=7), id="e-1", subject="order/7")
    for _ in range(2):
        told = await steering.Publish(request, metadata=wire.metadata)
        assert (told.delivered, told.started, told.id) == (1, 0, "e-1")
    command = await runner.command(name)
    event = command.signal.payload.struct_value
    assert command.signal.is_event
    assert (event["type"], event["subject"], event["source"]) == ("order.placed", "order/7", "/people/local-user")
    assert len(runner.commands(name)) == 1
    nobody = await steering.Publish(PublishRequest(type="order.lost"), metadata=wire.metadata)
    assert (nobody.delivered, nobody.started) == (0, 0)
    with refused(InvalidArgument):
        await steering.Publish(PublishRequest(), metadata=wire.metadata)
