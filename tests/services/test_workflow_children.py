"""What workflow executions start and wait for: children, signals, events, tasks that somebody outside completes; and runs once more."""

import asyncio
import base64
import json

import pytest
from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    ExecutionPhase,
    MessageType,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowrunner.v1.workflow_runner_pb2 import (
    CancelExecutionRequest,
    PauseExecutionRequest,
    WorkflowExecuteInput,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowrunner.v1.workflow_runner_service_pb2_grpc import (
    WorkflowRunnerServiceControllerStub,
)
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import AttentionKind
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    ExecutionFilter,
    GroupBy,
    GroupExecutionsRequest,
    ListExecutionsRequest,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionKind, ExecutionSummary
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import (
    AwaitCallbackRequest,
    AwaitCallbackResponse,
    AwaitExecutionRequest,
    AwaitExecutionResponse,
    CancelChildRequest,
    CreateCallbackRequest,
    GetExecutionContextRequest,
    PublishEventRequest,
    StartChildExecutionRequest,
)
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import (
    CompleteRequest,
    ListAttentionRequest,
    RetryRequest,
    SignalRequest,
    SignalResponse,
)
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2_grpc import SteeringServiceStub
from stigmer_apis.errors import FailedPrecondition, InvalidArgument, NotFound
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS, WORKFLOWS
from tests.conformance.grounds import JsonValue, document, workflow_spec
from tests.conformance.wire import Wire
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner, phase
from tests.support.served_backend import Served
from tests.support.waiting import eventually

YAML = """\
document: {dsl: 1.0.0, namespace: tests, name: small, version: 1.0.0}
do:
  - one: {set: {a: 1}}
"""
Agent, Workflow = StartChildExecutionRequest.Agent, StartChildExecutionRequest.Workflow


@pytest.fixture
def wire(served: Served) -> Wire:
    """A person's connection."""
    return Wire(served, served.stubs.channel, served.stubs.metadata)


@pytest.fixture
def steering(served: Served) -> SteeringServiceStub:
    """What a person steers with."""
    return SteeringServiceStub(served.stubs.channel)


async def begin(wire: Wire, **spec: JsonValue) -> str:
    wanted = document(WORKFLOW_EXECUTIONS, "", {"document": YAML, **spec} if "workflowId" not in spec else dict(spec))
    return (await wire.write(WORKFLOW_EXECUTIONS, "create", wanted)).metadata.id


async def rows(wire: Wire, **filtered: object) -> list[ExecutionSummary]:
    asked = ExecutionFilter(**filtered)  # pyright: ignore[reportArgumentType]
    answer = await wire.served.stubs.service.ListExecutions(ListExecutionsRequest(filter=asked), metadata=wire.metadata)
    return list(answer.executions)


async def start(runner: ScriptedRunner, parent: str, key: str, **what: object) -> str:
    request = StartChildExecutionRequest(
        execution_id=parent,
        epoch=runner.held[parent].granted.epoch,
        key=key,
        **what,  # pyright: ignore[reportArgumentType]
    )
    return (await runner.calls.StartChildExecution(request, metadata=runner.metadata)).child_execution_id


async def follow(runner: ScriptedRunner, parent: str, child: str) -> list[AwaitExecutionResponse]:
    asked = AwaitExecutionRequest(
        execution_id=parent, epoch=runner.held[parent].granted.epoch, child_execution_id=child
    )
    return [told async for told in runner.calls.AwaitExecution(asked, metadata=runner.metadata)]


def said(text: str) -> list[ev.Event]:
    return [
        ev.Event(message_started=ev.MessageStarted(message_id="m", type=MessageType.MESSAGE_AI)),
        ev.Event(message_completed=ev.MessageCompleted(message_id="m", content=text)),
    ]


async def test_an_agent_is_started_once_for_a_key_and_followed_to_its_last_words(
    wire: Wire, runner: ScriptedRunner, steering: SteeringServiceStub
) -> None:
    parent = await begin(wire)
    await runner.begin(parent)
    agent = Agent(
        agent="shell", message="true", env={"SHORT": "x", "TOKEN": "a-long-secret-value"}, share_workspace=True
    )
    child, again = await asyncio.gather(*(start(runner, parent, "/do/0/ask#1", agent=agent) for _ in range(2)))
    assert child == again == await start(runner, parent, "/do/0/ask#1", agent=agent)
    granted = (await runner.begin(child)).granted
    assert granted.execution.spec.parent_execution_id == parent
    assert granted.workspace == runner.held[parent].granted.workspace
    assert granted.execution.spec.runtime_env["TOKEN"].value not in ("", "a-long-secret-value")
    context = await runner.calls.GetExecutionContext(
        GetExecutionContextRequest(execution_id=child, epoch=granted.epoch), metadata=runner.metadata
    )
    assert context.context.spec.data["TOKEN"].value == "a-long-secret-value"

    following = asyncio.create_task(follow(runner, parent, child))
    raised = ev.AttentionRaised(attention_id="q", kind=AttentionKind.ATTENTION_KIND_QUESTION, text="which one?")
    await runner.append(child, [ev.Event(attention_raised=raised)])
    (shown,) = await rows(wire, kinds=[ExecutionKind.EXECUTION_KIND_WORKFLOW], needs_attention=True)
    assert (shown.execution_id, shown.child_attention_count) == (parent, 1)
    (told,) = (await wire.get(WORKFLOW_EXECUTIONS, parent)).status.attention
    assert "which one?" in told.text
    waiting = await steering.ListAttention(ListAttentionRequest(), metadata=wire.metadata)
    assert [(one.execution.execution_id, one.execution.parent_execution_id) for one in waiting.waiting] == [
        (child, parent)
    ]
    await runner.append(child, [ev.Event(attention_cleared=ev.AttentionCleared(attention_id="q")), *said("it is blue")])
    await runner.complete(child)
    ways = await following
    assert ways[-1].ended
    assert (ways[-1].phase, ways[-1].text) == (ExecutionPhase.EXECUTION_COMPLETED, "it is blue")
    assert any(way.attention_count == 1 for way in ways)

    assert {row.execution_id for row in await rows(wire)} == {parent, child}
    assert [row.execution_id for row in await rows(wire, top=True)] == [parent]
    assert [row.execution_id for row in await rows(wire, parent_execution_id=parent)] == [child]
    await runner.complete(parent)
    await eventually(lambda: wire.served.backend.counts() == (2, 0))
    await wire.delete(WORKFLOW_EXECUTIONS, parent)
    assert not await rows(wire)
    assert wire.served.backend.counts() == (0, 0)


async def test_a_workflow_below_a_workflow_gives_its_output_whole(wire: Wire, runner: ScriptedRunner) -> None:
    made = await wire.write(WORKFLOWS, "create", document(WORKFLOWS, "inner", workflow_spec()))
    parent = await begin(wire)
    await runner.begin(parent)
    child = await start(runner, parent, "k", workflow=Workflow(name="inner", input_json='{"n": 12345678901234567}'))
    granted = (await runner.begin(child)).granted
    assert granted.workflow.metadata.id == made.metadata.id
    assert granted.input_json == '{"n": 12345678901234567}'
    large = Value()
    large.struct_value.fields["text"].string_value = "x" * 700_000
    await runner.append(child, [ev.Event(workflow_output=ev.WorkflowOutput(output=large))])
    await runner.complete(child)
    (last,) = [told for told in await follow(runner, parent, child) if told.ended]
    assert len(json.loads(last.output_json)["text"]) == 700_000
    with refused(NotFound):
        await start(runner, parent, "other", workflow=Workflow(name="nowhere"))
    with refused(InvalidArgument):
        await start(runner, parent, "other", workflow=Workflow(document="do: 1"))
    with refused(NotFound):
        await follow(runner, parent, parent)
    groups = await wire.served.stubs.service.GroupExecutions(
        GroupExecutionsRequest(group_by=GroupBy.GROUP_BY_AGENT), metadata=wire.metadata
    )
    assert [(group.title, group.total, group.filter.workflow) for group in groups.groups] == [
        ("inner", 1, made.metadata.id)
    ]


async def test_children_end_with_a_parent_that_did_not_complete(wire: Wire, runner: ScriptedRunner) -> None:
    parent = await begin(wire)
    await runner.begin(parent)
    kept, stopped = [await start(runner, parent, key, workflow=Workflow(document=YAML)) for key in ("kept", "stopped")]
    asked = CancelChildRequest(
        execution_id=parent, epoch=runner.held[parent].granted.epoch, child_execution_id=stopped, reason="enough"
    )
    await runner.begin(kept)
    await runner.begin(stopped)
    assert not (await runner.calls.CancelChild(asked, metadata=runner.metadata)).already_ended
    assert (await runner.command(stopped)).cancel.reason == "enough"
    await runner.append(parent, [phase(ExecutionPhase.EXECUTION_FAILED, "it broke")])
    assert "has ended" in (await runner.command(kept)).cancel.reason


async def test_executions_below_each_other_have_an_end(wire: Wire, runner: ScriptedRunner) -> None:
    runner.capacity = 40
    await runner.disconnect()
    await runner.connect()
    name = await begin(wire)
    with refused(FailedPrecondition) as refusal:
        for _ in range(40):
            await runner.begin(name)
            name = await start(runner, name, "again", workflow=Workflow(document=YAML))
    assert "runs itself" in refusal.text


async def test_a_signal_is_stored_delivered_and_known_again(
    wire: Wire, runner: ScriptedRunner, steering: SteeringServiceStub
) -> None:
    name = await begin(wire)
    await runner.begin(name)
    data = Value(number_value=7)
    sending = asyncio.create_task(
        _signal(steering, wire, SignalRequest(execution_id=name, name="go", data=data, id="s-1"))
    )
    command = await runner.command(name)
    assert (command.signal.name, command.signal.id, command.signal.payload.number_value) == ("go", "s-1", 7)
    assert not command.signal.is_event
    applied = ev.Event(command_applied=ev.CommandApplied(command_id=command.command_id))
    await runner.append(name, [applied])
    assert (await sending).command_id == command.command_id
    again = await _signal(steering, wire, SignalRequest(execution_id=name, name="go", data=data, id="s-1"))
    assert again.command_id == command.command_id
    assert len(runner.commands(name)) == 1
    await runner.complete(name)
    with refused(FailedPrecondition):
        await steering.Signal(SignalRequest(execution_id=name, name="go"), metadata=wire.metadata)
    run = await wire.served.run()
    with refused(InvalidArgument):
        await steering.Signal(SignalRequest(execution_id=run.metadata.id, name="go"), metadata=wire.metadata)


async def test_an_event_reaches_who_waits_for_its_type(wire: Wire, runner: ScriptedRunner) -> None:
    emitter, listens, deaf = [await begin(wire) for _ in range(3)]
    for name in (emitter, listens, deaf):
        await runner.begin(name)
        await runner.append(
            name, [ev.Event(workflow_task_started=ev.WorkflowTaskStarted(task_id="t", name="t", kind="listen"))]
        )
    for name, kind in ((listens, "order.placed"), (deaf, "order.lost")):
        waiting = ev.WorkflowTaskWaiting(task_id="t", signals=ev.WorkflowTaskWaiting.Signals(names=[kind]))
        await runner.append(name, [ev.Event(workflow_task_waiting=waiting)])
    event = {"specversion": "1.0", "id": "e-1", "source": "/tests", "type": "order.placed", "data": {"n": 1}}
    request = PublishEventRequest(
        execution_id=emitter,
        epoch=runner.held[emitter].granted.epoch,
        key="emit#1",
        event_json=json.dumps(event),
    )
    for _ in range(2):
        told = await runner.calls.PublishEvent(request, metadata=runner.metadata)
        assert (told.delivered, told.started) == (1, 0)
    command = await runner.command(listens)
    assert command.signal.is_event
    assert command.signal.payload.struct_value["data"]["n"] == 1  # pyright: ignore
    assert (len(runner.commands(listens)), runner.commands(deaf), runner.commands(emitter)) == (1, [], [])
    request.event_json = "{}"
    with refused(InvalidArgument):
        await runner.calls.PublishEvent(request, metadata=runner.metadata)


async def test_a_token_is_for_one_use_of_one_task(
    wire: Wire, runner: ScriptedRunner, steering: SteeringServiceStub
) -> None:
    name = await begin(wire)
    epoch = (await runner.begin(name)).granted.epoch

    async def token(key: str, expires: int = 0) -> str:
        request = CreateCallbackRequest(
            execution_id=name, epoch=epoch, key=key, task_id="t", expires_unix_micros=expires
        )
        return (await runner.calls.CreateCallback(request, metadata=runner.metadata)).token

    first = await token("a")
    assert await token("a") == first != await token("b")
    waits = AwaitCallbackRequest(execution_id=name, epoch=epoch, token=first)
    waiting = asyncio.create_task(_wait(runner, waits))
    done = CompleteRequest(token=first, result=Value(string_value="yes"))
    assert (await steering.Complete(done, metadata=wire.metadata)).task_id == "t"
    assert json.loads((await waiting).result_json) == "yes"
    for wrong, kind in (
        (done, FailedPrecondition),
        (CompleteRequest(token="cb-nobody", error="x"), NotFound),
        (CompleteRequest(token=await token("old", 1), error="x"), FailedPrecondition),
    ):
        with refused(kind):
            await steering.Complete(wrong, metadata=wire.metadata)
    other = await token("b")
    child = await begin(wire, callbackToken=_base64(other))
    await runner.begin(child)
    await runner.append(child, [phase(ExecutionPhase.EXECUTION_FAILED, "it broke")])
    ended = await _wait(runner, AwaitCallbackRequest(execution_id=name, epoch=epoch, token=other))
    assert ended.error == "it broke"
    assert json.loads(ended.result_json)["metadata"]["id"] == child
    left = await token("left")
    await runner.complete(name)
    await eventually(lambda: wire.served.backend.counts() == (2, 0))
    with refused(NotFound):
        await steering.Complete(CompleteRequest(token=left, error="x"), metadata=wire.metadata)


async def test_an_ended_execution_runs_once_more(
    wire: Wire, runner: ScriptedRunner, steering: SteeringServiceStub
) -> None:
    name = await begin(wire, triggerMessage='{"a": 1}')
    with refused(FailedPrecondition):
        await steering.Retry(RetryRequest(execution_id=name), metadata=wire.metadata)
    await runner.begin(name)
    await runner.append(name, [phase(ExecutionPhase.EXECUTION_FAILED, "it broke")])
    keyed = wire.served.stubs.keyed("k")
    first = (await steering.Retry(RetryRequest(execution_id=name), metadata=keyed)).execution_id
    assert (await steering.Retry(RetryRequest(execution_id=name), metadata=keyed)).execution_id == first
    granted = (await runner.begin(first)).granted
    assert granted.workflow_execution.spec.retried_from == name
    assert json.loads(granted.input_json) == {"a": 1}
    assert {row.retried_from for row in await rows(wire)} == {"", name}


async def test_the_published_runner_service_begins_and_steers(wire: Wire, runner: ScriptedRunner) -> None:
    stub = WorkflowRunnerServiceControllerStub(wire.channel)
    name = await begin(wire, triggerMessage="go")
    told = await stub.executeAsync(WorkflowExecuteInput(workflow_execution_id=name), metadata=wire.metadata)
    assert (told.workflow_execution_id, told.status) == (name, "pending")
    other = await stub.executeAsync(
        WorkflowExecuteInput(workflow_execution_id=name, workflow_yaml=YAML), metadata=wire.metadata
    )
    assert other.workflow_execution_id != name
    granted = (await runner.begin(other.workflow_execution_id)).granted
    assert json.loads(granted.input_json) == "go"
    shown = await wire.get(WORKFLOW_EXECUTIONS, other.workflow_execution_id)
    assert shown.status.document_json == granted.document_json
    pausing = asyncio.create_task(_pause(stub, wire, other.workflow_execution_id))
    command = await runner.command(other.workflow_execution_id)
    assert command.pause.reason == "lunch"
    await runner.append(
        other.workflow_execution_id,
        [ev.Event(command_applied=ev.CommandApplied(command_id=command.command_id))],
    )
    await pausing
    await stub.cancelExecution(CancelExecutionRequest(execution_id=other.workflow_execution_id), metadata=wire.metadata)
    assert (await runner.command(other.workflow_execution_id, 2)).HasField("cancel")
    with refused(NotFound):
        await stub.executeAsync(WorkflowExecuteInput(workflow_execution_id="wex-nobody"), metadata=wire.metadata)


async def _pause(stub: WorkflowRunnerServiceControllerStub, wire: Wire, execution_id: str) -> None:
    await stub.pauseExecution(PauseExecutionRequest(execution_id=execution_id, reason="lunch"), metadata=wire.metadata)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def _wait(runner: ScriptedRunner, request: AwaitCallbackRequest) -> AwaitCallbackResponse:
    return await runner.calls.AwaitCallback(request, metadata=runner.metadata)


async def _signal(steering: SteeringServiceStub, wire: Wire, request: SignalRequest) -> SignalResponse:
    return await steering.Signal(request, metadata=wire.metadata)
