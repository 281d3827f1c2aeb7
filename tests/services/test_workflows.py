"""Workflows: checked task by task, and kept; what is asked of their executions."""

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.serverless.validation_pb2 import ValidationState
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis.errors import FieldViolation, InvalidArgument, NotFound
from stigmer_backend.resources.kinds import WORKFLOW_EXECUTIONS, WORKFLOW_INSTANCES, WORKFLOWS
from tests.conformance.grounds import JsonValue, document, workflow_spec
from tests.conformance.wire import Wire
from tests.support.refusals import refused
from tests.support.served_backend import Served


@pytest.fixture
def wire(served: Served) -> Wire:
    """A person's connection."""
    return Wire(served, served.stubs.channel, served.stubs.metadata)


def workflow(*tasks: JsonValue, name: str = "wf") -> Workflow:
    return document(WORKFLOWS, name, workflow_spec(list(tasks)))


def task(kind: str, config: JsonValue, name: str = "one", **more: JsonValue) -> dict[str, JsonValue]:
    return {"name": name, "kind": f"WORKFLOW_TASK_KIND_{kind}", "taskConfig": config, **more}


SET: JsonValue = {"variables": {"a": "b"}}

GOOD: dict[str, JsonValue] = {
    "SET": SET,
    "HTTP_CALL": {"method": "GET", "endpoint": {"uri": "http://localhost/x"}, "timeoutSeconds": 5},
    "GRPC_CALL": {"service": "s", "method": "m"},
    "CALL_ACTIVITY": {"activity": "a", "input": {"x": [1, 2]}},
    "SWITCH": {"cases": [{"name": "c", "when": "${ .x }", "then": "two"}]},
    "FOR": {"each": "x", "in": "${ .xs }", "do": [task("SET", SET, "inner")]},
    "FORK": {"branches": [{"name": n, "do": [task("SET", SET)]} for n in ("l", "r")], "compete": True},
    "TRY": {"try": [task("SET", SET)], "catch": {"as": "e", "do": [task("SET", SET)]}},
    "LISTEN": {"to": {"mode": "one", "signals": [{"id": "s", "type": "signal"}]}},
    "WAIT": {"seconds": 5},
    "RAISE": {"error": "e", "message": "m"},
    "AGENT_CALL": {"agent": "shell", "message": "true"},
}


async def violations(wire: Wire, wanted: Workflow) -> list[FieldViolation]:
    with refused(InvalidArgument) as refusal:
        await wire.write(WORKFLOWS, "create", wanted)
    assert isinstance(refusal.error, InvalidArgument)
    return list(refusal.error.violations)


@pytest.mark.parametrize("kind", GOOD)
async def test_every_kind_of_task_is_taken_with_its_configuration(wire: Wire, kind: str) -> None:
    made = await wire.write(WORKFLOWS, "create", workflow(task(kind, GOOD[kind]), task("SET", SET, "two")))
    assert made.status.serverless_workflow_validation.state == ValidationState.VALID
    instance = await wire.get(WORKFLOW_INSTANCES, made.status.default_instance_id)
    assert instance.spec.workflow_id == made.metadata.id
    assert instance.metadata.slug == "wf-default"


BAD: dict[str, tuple[JsonValue, str]] = {
    "unknown field": (task("SET", {"variables": {"a": "b"}, "colour": "blue"}), "spec.tasks[0].task_config"),
    "wrong type": (task("WAIT", {"seconds": "soon"}), "spec.tasks[0].task_config"),
    "a rule of the contract": (task("WAIT", {"seconds": 0}), "spec.tasks[0].task_config.seconds"),
    "an empty list": (task("SWITCH", {"cases": []}), "spec.tasks[0].task_config.cases"),
    "then": (task("SET", SET, flow={"then": "nowhere"}), "spec.tasks[0].flow.then"),
    "then of a case": (
        task("SWITCH", {"cases": [{"name": "c", "then": "nowhere"}]}),
        "spec.tasks[0].task_config.cases[0].then",
    ),
    "inner": (
        task("FOR", {"each": "x", "in": "y", "do": [task("WAIT", {"seconds": -1})]}),
        "spec.tasks[0].task_config.do[0].task_config.seconds",
    ),
    "inner of a branch": (
        task("FORK", {"branches": [{"name": n, "do": [task("RAISE", {"error": "e"})]} for n in ("l", "r")]}),
        "spec.tasks[0].task_config.branches[0].do[0].task_config.message",
    ),
    "no such agent": (task("AGENT_CALL", {"agent": "nobody", "message": "m"}), "spec.tasks[0].task_config.agent"),
    "no such workflow": (task("RUN", {"workflow": "nowhere"}), "spec.tasks[0].task_config.workflow"),
}


@pytest.mark.parametrize(("given", "field"), BAD.values(), ids=BAD)
async def test_what_is_wrong_with_a_task_is_told_where_it_is(wire: Wire, given: JsonValue, field: str) -> None:
    assert field in [one.field for one in await violations(wire, workflow(given))]


async def test_names_of_tasks_are_unique_and_tasks_may_be_nested(wire: Wire) -> None:
    doubled = await violations(wire, workflow(task("SET", SET), task("SET", SET)))
    assert [one.field for one in doubled] == ["spec.tasks[1].name"]
    inner = task("SET", SET)
    for _ in range(10):
        inner = task("FOR", {"each": "x", "in": "${ .xs }", "do": [inner]})
    await wire.write(WORKFLOWS, "create", workflow(inner))


async def test_an_execution_needs_a_workflow_that_is_there(wire: Wire) -> None:
    await wire.write(WORKFLOWS, "create", workflow(task("SET", SET)))
    other = await wire.write(WORKFLOWS, "create", workflow(task("SET", SET), name="other"))
    for spec, kind in (
        ({}, InvalidArgument),
        ({"workflowId": "nowhere"}, NotFound),
        ({"workflowInstanceId": "nowhere"}, NotFound),
        ({"workflowId": "wf", "workflowInstanceId": other.status.default_instance_id}, InvalidArgument),
    ):
        with refused(kind):
            await wire.write(WORKFLOW_EXECUTIONS, "create", document(WORKFLOW_EXECUTIONS, "", dict(spec)))


async def test_what_was_asked_of_an_execution_stays(wire: Wire) -> None:
    await wire.write(WORKFLOWS, "create", workflow(task("SET", SET)))
    spec: dict[str, JsonValue] = {"workflowId": "wf", "triggerMessage": "go"}
    run: WorkflowExecution = await wire.write(WORKFLOW_EXECUTIONS, "create", document(WORKFLOW_EXECUTIONS, "run", spec))
    run.metadata.labels["seen"] = "yes"
    assert (await wire.write(WORKFLOW_EXECUTIONS, "update", run)).metadata.labels["seen"] == "yes"
    run.metadata.version.id = ""
    run.spec.trigger_message = "stop"
    with refused(InvalidArgument) as refusal:
        await wire.write(WORKFLOW_EXECUTIONS, "update", run)
    assert "trigger_message" in refusal.text


YAML = """\
document: {dsl: 1.0.0, namespace: tests, name: written, version: 1.0.0}
do:
  - one: {set: {a: 1}}
"""


def written(text: str) -> Workflow:
    """A workflow as a document, with what older programs read beside it."""
    spec = workflow_spec([task("SET", SET)])
    return document(WORKFLOWS, "written", {**spec, "yaml": text})


async def test_a_document_is_kept_as_it_was_written_and_checked_where_it_is_wrong(wire: Wire) -> None:
    made = await wire.write(WORKFLOWS, "apply", written(YAML))
    assert made.spec.yaml == YAML
    validation = made.status.serverless_workflow_validation
    assert (validation.state, validation.yaml) == (ValidationState.VALID, YAML)
    again = await wire.write(WORKFLOWS, "apply", written(YAML))
    assert again.metadata.version.id == made.metadata.version.id
    (wrong,) = await violations(wire, written(YAML.replace("set:", "sett:")))
    assert (wrong.field, "3:5" in wrong.message) == ("spec.yaml", True)
    (broken,) = await violations(wire, written("document: {"))
    assert broken.field == "spec.yaml"
    warned = await wire.write(
        WORKFLOWS, "apply", written(YAML + "  - two: {set: {b: 2}, then: end}\n  - three: {set: {c: 3}}\n")
    )
    assert "three" in warned.status.serverless_workflow_validation.warnings[0]


def _running(name: str, task: str) -> Workflow:
    yaml = f"document: {{dsl: 1.0.0, namespace: tests, name: {name}, version: 1.0.0}}\ndo:\n  - one: {{do: [{{inner: {task}}}]}}\n"
    return document(WORKFLOWS, name, {**workflow_spec(), "yaml": yaml})


async def test_what_a_document_runs_and_calls_has_to_be_there(wire: Wire) -> None:
    with refused(InvalidArgument) as agent:
        await wire.write(WORKFLOWS, "apply", _running("asks", "{call: agent, with: {agent: nobody, message: x}}"))
    assert "'nobody'" in agent.text
    with refused(InvalidArgument) as missing:
        await wire.write(
            WORKFLOWS, "apply", _running("outer", "{run: {workflow: {namespace: tests, name: inner, version: '1'}}}")
        )
    assert "'inner'" in missing.text
    await wire.write(WORKFLOWS, "apply", _running("asks", "{call: agent, with: {agent: shell, message: x}}"))
    await wire.write(WORKFLOWS, "apply", _running("later", "{call: agent, with: {agent: '${ .who }', message: x}}"))


async def test_documents_that_run_each_other_in_a_circle_are_refused_with_the_way(wire: Wire) -> None:
    run = "{run: {workflow: {namespace: tests, name: NAME, version: '1'}}}"
    with refused(InvalidArgument) as itself:
        await wire.write(WORKFLOWS, "apply", _running("own", run.replace("NAME", "own")))
    assert "own -> own" in itself.text
    await wire.write(WORKFLOWS, "apply", _running("first", "{set: {a: 1}}"))
    await wire.write(WORKFLOWS, "apply", _running("second", run.replace("NAME", "first")))
    with refused(InvalidArgument) as circle:
        await wire.write(WORKFLOWS, "apply", _running("first", run.replace("NAME", "second")))
    assert "first -> second -> first" in circle.text
