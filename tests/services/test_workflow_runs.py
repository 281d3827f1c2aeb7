"""Executions of workflows: begun, given to a runner, followed, steered, ended; alone and below others."""

import json
import os
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import (
    WorkflowTaskStatus,
    WorkflowTaskType,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import (
    ListWorkflowExecutionsByWorkflowRequest,
    SubscribeWorkflowExecutionRequest,
    WorkflowExecution,
    WorkflowExecutionList,
    WorkflowExecutionStatus,
    WorkflowExecutionUpdateStatusInput,
)
from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import ActivityStarted, JournalRecord
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    CancelRequest,
    ListExecutionsRequest,
    TailRequest,
)
from stigmer_apis.errors import FailedPrecondition, InvalidArgument
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS, WORKFLOWS
from tests.conformance.grounds import JsonValue, document, workflow_spec
from tests.conformance.wire import Wire
from tests.support.refusals import refused
from tests.support.scripted_runner import ScriptedRunner, phase
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually

YAML = """\
document: {dsl: 1.0.0, namespace: tests, name: greet, version: 1.0.0}
do:
  - hello:
      set: {greeting: "${ \\"hello \\" + .name }"}
"""


@pytest.fixture
def wire(served: Served) -> Wire:
    """A person's connection."""
    return Wire(served, served.stubs.channel, served.stubs.metadata)


async def begin(wire: Wire, spec: dict[str, JsonValue] | None = None, *, key: str = "") -> WorkflowExecution:
    wanted = document(WORKFLOW_EXECUTIONS, "", {"document": YAML} if spec is None else spec)
    return await wire.write(WORKFLOW_EXECUTIONS, "create", wanted, key=key)


async def stored(wire: Wire, execution_id: str) -> WorkflowExecution:
    return await wire.get(WORKFLOW_EXECUTIONS, execution_id)


def task_started(task_id: str, name: str, kind: str = "set") -> ev.Event:
    return ev.Event(workflow_task_started=ev.WorkflowTaskStarted(task_id=task_id, name=name, kind=kind, attempt=1))


def task_finished(task_id: str, output: Value | None = None, error: str = "") -> ev.Event:
    return ev.Event(workflow_task_finished=ev.WorkflowTaskFinished(task_id=task_id, output=output, error=error))


def value(**fields: str) -> Value:
    made = Value()
    for key, text in fields.items():
        made.struct_value.fields[key].string_value = text
    return made


async def test_a_document_runs_without_being_stored(served: Served, wire: Wire, runner: ScriptedRunner) -> None:
    run = await begin(
        wire, {"document": YAML, "triggerMessage": '{"name": "Ada"}', "triggerMetadata": {"from": "a test"}}
    )
    name = run.metadata.id
    assert name.startswith("wex-")
    assert run.status.phase == ExecutionPhase.EXECUTION_PENDING
    granted = (await runner.lease(name)).granted
    assert not granted.HasField("execution")
    assert not granted.HasField("agent")
    assert granted.workflow_execution.spec.trigger_metadata["from"] == "a test"
    read = json.loads(granted.document_json)
    assert read["document"]["name"] == "greet"
    assert read["do"] == [{"hello": {"set": {"greeting": '${ "hello " + .name }'}}}]
    assert json.loads(granted.input_json) == {"name": "Ada"}
    assert not granted.document_is_published
    assert os.path.isdir(granted.workspace)  # noqa: ASYNC240
    assert (Path(granted.workspace).name, granted.workspace_is_own, granted.fresh) == (name, True, True)

    await runner.begin(name)
    await runner.append(
        name,
        [task_started("/do/0/hello#1", "hello"), task_finished("/do/0/hello#1", value(greeting="hello Ada"))],
        journal=[JournalRecord(activity_started=ActivityStarted(sequence=1))],
    )
    shown = await stored(wire, name)
    assert shown.status.phase == ExecutionPhase.EXECUTION_IN_PROGRESS
    (task,) = shown.status.tasks
    assert (task.task_id, task.task_name) == ("/do/0/hello#1", "hello")
    assert (task.task_type, task.status) == (
        WorkflowTaskType.WORKFLOW_TASK_TRANSFORM,
        WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED,
    )
    assert dict(task.output) == {"greeting": "hello Ada"}
    await runner.append(name, [ev.Event(workflow_output=ev.WorkflowOutput(output=value(greeting="hello Ada")))])
    await runner.complete(name)
    ended = await stored(wire, name)
    assert ended.status.phase == ExecutionPhase.EXECUTION_COMPLETED
    assert dict(ended.status.output) == {"greeting": "hello Ada"}
    assert ended.status.head_seq == 7


async def test_a_stored_workflow_runs_as_it_was_when_the_execution_began(wire: Wire, runner: ScriptedRunner) -> None:
    made = await wire.write(WORKFLOWS, "create", document(WORKFLOWS, "wf", workflow_spec()))
    run = await begin(wire, {"workflowId": "wf", "triggerMessage": "just words"})
    assert run.spec.workflow_id == made.metadata.id
    assert run.spec.workflow_instance_id == made.status.default_instance_id
    granted = (await runner.lease(run.metadata.id)).granted
    assert granted.workflow.metadata.id == made.metadata.id
    assert granted.document_is_published
    assert json.loads(granted.input_json) == "just words"
    assert json.loads(granted.document_json)["do"]
    pages = await wire.call(
        WORKFLOW_EXECUTIONS, "listByWorkflow", ListWorkflowExecutionsByWorkflowRequest(workflow_id=made.metadata.id)
    )
    assert isinstance(pages, WorkflowExecutionList)
    assert [one.metadata.id for one in pages.entries] == [run.metadata.id]
    with refused(FailedPrecondition):
        await wire.delete(WORKFLOW_EXECUTIONS, run.metadata.id)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"document": "document: {dsl: 1.0.0\n"}, "2:1"),
        ({"document": YAML.replace("set:", "sett:")}, "3:5"),
        ({"document": YAML + "---\n" + YAML}, "twice in one text"),
        ({"document": "kind: Workflow\n"}, "1:1"),
        ({"document": YAML, "triggerMessage": "[" * 200 + "]" * 200}, "nested"),
        ({"document": YAML, "runtimeEnv": {"a=b": {"value": "x"}}}, "name of a variable"),
        ({"document": YAML, "options": {"workspace": "/nowhere/at/all"}}, "does not exist"),
    ],
)
async def test_what_cannot_run_is_refused_with_its_place(wire: Wire, spec: dict[str, JsonValue], words: str) -> None:
    with refused(InvalidArgument) as refusal:
        await begin(wire, spec)
    assert words in refusal.text
    listed = await wire.served.stubs.service.ListExecutions(ListExecutionsRequest(), metadata=wire.metadata)
    assert not listed.executions


async def test_the_same_call_begins_once(wire: Wire) -> None:
    first = await begin(wire, key="k-1")
    again = await begin(wire, key="k-1")
    assert again.metadata.id == first.metadata.id
    with refused(InvalidArgument):
        await begin(wire, {"document": YAML + "# other\n"}, key="k-1")


async def test_a_cancel_ends_what_nobody_holds_and_is_delivered_to_who_does(wire: Wire, runner: ScriptedRunner) -> None:
    name = (await begin(wire)).metadata.id
    await runner.begin(name)
    await runner.append(name, [task_started("/do/0/hello#1", "hello")])
    service = wire.served.stubs.service
    told = await service.Cancel(CancelRequest(execution_id=name, reason="enough"), metadata=wire.metadata)
    command = await runner.command(name)
    assert command.cancel.reason == "enough"
    await runner.give_back(name, "gone")
    ended = await service.Cancel(CancelRequest(execution_id=name, wait=Duration(seconds=30)), metadata=wire.metadata)
    assert ended.phase == ExecutionPhase.EXECUTION_CANCELLED
    assert ended.command_id in ("", told.command_id)
    (task,) = (await stored(wire, name)).status.tasks
    assert task.status == WorkflowTaskStatus.WORKFLOW_TASK_FAILED
    await eventually(lambda: wire.served.backend.counts() == (1, 0))
    gone = await wire.delete(WORKFLOW_EXECUTIONS, name)
    assert gone.metadata.id == name


async def test_an_execution_and_its_tasks_outlive_the_daemon(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        wire = Wire(served, served.stubs.channel, served.stubs.metadata)
        name = (await begin(wire)).metadata.id
        player = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
        await player.connect()
        await player.begin(name)
        await player.append(name, [task_started("/do/0/hello#1", "hello")])
        await player.disconnect()
    async with serve_backend(short_tmp, options=ExecutionOptions(lease_seconds=0.5)) as served:
        wire = Wire(served, served.stubs.channel, served.stubs.metadata)
        assert [task.task_name for task in (await stored(wire, name)).status.tasks] == ["hello"]
        second = ScriptedRunner(served.home, "run-2", served.tokens.issue_runner("run-2"))
        await second.connect()
        granted = (await second.lease(name)).granted
        assert json.loads(granted.document_json)["document"]["name"] == "greet"
        assert not granted.fresh
        await second.append(name, [task_finished("/do/0/hello#1")])
        await second.complete(name)
        assert (await stored(wire, name)).status.phase == ExecutionPhase.EXECUTION_COMPLETED
        await second.disconnect()


async def test_followers_see_each_step_and_the_end(wire: Wire, runner: ScriptedRunner) -> None:
    name = (await begin(wire)).metadata.id
    await runner.begin(name)
    seen: list[WorkflowExecutionStatus] = []
    async for one in wire.stream(
        WORKFLOW_EXECUTIONS, "subscribe", SubscribeWorkflowExecutionRequest(execution_id=name)
    ):
        assert isinstance(one, WorkflowExecution)
        seen.append(one.status)
        if len(seen) == 1:
            await runner.append(name, [task_started("/do/0/hello#1", "hello")])
        elif one.status.phase == ExecutionPhase.EXECUTION_IN_PROGRESS:
            await runner.append(name, [task_finished("/do/0/hello#1"), phase(ExecutionPhase.EXECUTION_COMPLETED)])
    assert seen[-1].phase == ExecutionPhase.EXECUTION_COMPLETED
    tail = wire.served.stubs.service.Tail(TailRequest(execution_id=name, follow=True), metadata=wire.metadata)
    bodies: list[str] = []
    async for response in tail:
        if response.HasField("batch"):
            events = ev.EventBatch.FromString(response.batch.events).events
            bodies += [str(event.WhichOneof("body")) for event in events]
        if response.HasField("end"):
            assert response.end.phase == ExecutionPhase.EXECUTION_COMPLETED
    assert bodies[0] == "execution_created"
    assert bodies[-1] == "phase_changed"
    assert "workflow_task_finished" in bodies


async def test_a_published_runners_reports_become_events(wire: Wire) -> None:
    name = (await begin(wire)).metadata.id

    async def report(**status: object) -> WorkflowExecution:
        given = WorkflowExecutionStatus(**status)  # pyright: ignore[reportArgumentType]
        asked = WorkflowExecutionUpdateStatusInput(execution_id=name, status=given)
        answer = await wire.call(WORKFLOW_EXECUTIONS, "updateStatus", asked)
        assert isinstance(answer, WorkflowExecution)
        return answer

    assert (await report(phase=2)).status.phase == ExecutionPhase.EXECUTION_IN_PROGRESS
    with refused(FailedPrecondition):
        await report(phase=1)
    running = {"task_id": "a", "task_name": "a", "task_type": 3, "status": 2}
    assert (await report(tasks=[running])).status.tasks[0].task_type == WorkflowTaskType.WORKFLOW_TASK_API_CALL
    done = await report(tasks=[{**running, "started_at": "", "status": 3}])
    assert done.status.tasks[0].status == WorkflowTaskStatus.WORKFLOW_TASK_COMPLETED
    replaced = await report(tasks=[{"task_id": "b", "task_name": "b", "status": 1}], temporal_workflow_id="t")
    assert [task.task_id for task in replaced.status.tasks] == ["b"]
    assert replaced.status.temporal_workflow_id == "t"
    ended = await report(phase=4, error="it broke")
    assert (ended.status.phase, ended.status.error) == (ExecutionPhase.EXECUTION_FAILED, "it broke")
    with refused(FailedPrecondition):
        await report(error="late")
