"""The thirteen published kinds mean what the language means, and are held to the same rules."""

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import WorkflowSpec
from stigmer_apis.documents.nodes import Place
from stigmer_apis.workflow.checking import Checked
from stigmer_apis.workflow.messages import CONFIGS, check_messages
from stigmer_apis.workflow.model import Do, Fork, Try
from tests.manifests.reads import complaints

SIGNAL = {"id": "go", "type": "signal"}


def task(name: str, kind: str, config: dict[str, Any], then: str = "") -> dict[str, Any]:
    return {"name": name, "kind": f"WORKFLOW_TASK_KIND_{kind}", "taskConfig": config, "flow": {"then": then}}


REST = task("rest", "WAIT", {"seconds": 5})
TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "SET": ({"variables": {"a": "1"}}, "set"),
    "HTTP_CALL": ({"method": "GET", "endpoint": {"uri": "https://e.com"}, "timeout_seconds": 30}, "call http"),
    "GRPC_CALL": ({"service": "a.B", "method": "Get", "request": {"id": 1}}, "call grpc"),
    "CALL_ACTIVITY": ({"activity": "charge", "input": {"a": 1}}, "call activity"),
    "SWITCH": ({"cases": [{"name": "x", "when": "${ .a }", "then": "end"}, {"name": "y", "then": "continue"}]}, "switch"),
    "FOR": ({"each": "order", "in": "${ .orders }", "do": [task("s", "SET", {"variables": {"a": "${ $order }"}})]}, "for"),
    "FORK": ({"compete": True, "branches": [{"name": "a", "do": [REST]}, {"name": "b", "do": [REST]}]}, "fork"),
    "TRY": ({"try": [REST], "catch": {"as": "e", "do": [task("s", "SET", {"variables": {"a": "${ $e }"}})]}}, "try"),
    "LISTEN": ({"to": {"mode": "one", "signals": [SIGNAL, {"id": "no", "type": "signal"}]}}, "listen"),
    "WAIT": ({"seconds": 5}, "wait"),
    "RAISE": ({"error": "Refused", "message": "no"}, "raise"),
    "RUN": ({"workflow": "other", "input": {"a": "${ .a }"}}, "run workflow"),
    "AGENT_CALL": ({"agent": "helper", "message": "${ .question }"}, "call agent"),
}  # fmt: skip


def check(*tasks: dict[str, Any]) -> Checked:
    head = {"dsl": "1.0.0", "namespace": "tests", "name": "a name of one's own", "version": "7"}
    spec = ParseDict({"document": head, "tasks": list(tasks)}, WorkflowSpec())

    def find(path: str) -> tuple[Place, str]:
        number = int(path[6 : path.index("]")]) if path.startswith("tasks[") else -1
        return Place(number + 10, 3), f"spec.{path}"

    return check_messages("f.yaml", spec, find)


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_kind_is_read_as_what_it_is(kind: str) -> None:
    config, expected = TASKS[kind]
    found = check(task("it", kind, config))
    assert (found.errors, found.warnings) == ((), ())
    assert found.workflow is not None
    assert [each.kind for each in found.workflow.tasks] == [expected]


def test_lists_inside_of_tasks_are_read_to_their_end() -> None:
    found = check(
        task(
            "f",
            "FORK",
            {"branches": [{"name": "a", "do": [task("t", "TRY", {"try": [REST]})]}, {"name": "b", "do": [REST]}]},
        )
    )
    assert found.workflow is not None
    fork = found.workflow.tasks[0].work
    assert isinstance(fork, Fork)
    branch = fork.branches[0].work
    assert isinstance(branch, Do)
    assert isinstance(branch.tasks[0].work, Try)


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([REST, REST], "f.yaml:11:3: the name `rest` is there twice, first in line 10 (spec.tasks[1]): `then` goes by names: give one of them another"),
        ([task("a", "WAIT", {"seconds": 1}, "b")], "there is no task `b` in this list"),
        ([task("a", "WAIT", {"secs": 1})], 'this is no configuration of wait: Message type "ai.stigmer.agentic.workflow.v1.tasks.WaitTaskConfig" has no field named "secs"'),
        ([task("a", "WAIT", {"seconds": 0})], "(spec.tasks[0].task_config.seconds)"),
        ([task("a", "HTTP_CALL", {"method": "GET"})], "this is required (spec.tasks[0].task_config.endpoint)"),
        ([task("a", "SET", {"variables": {"x": "${ $nope }"}})], "there is no variable `$nope` here"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_task(tasks: list[dict[str, Any]], said: str) -> None:
    found = [str(problem) for problem in check(*tasks).errors]
    assert any(said in line for line in found), found


def test_a_description_is_held_to_it_with_lines() -> None:
    said = complaints(
        "apiVersion: agentic.stigmer.ai/v1\nkind: Workflow\nmetadata: {name: x}\nspec:\n"
        "  document: {dsl: 1.0.0, namespace: n, name: x, version: 1.0.0}\n  tasks:\n"
        "    - name: a\n      kind: wait\n      taskConfig: {seconds: 1}\n      flow: {then: nowhere}\n"
    )
    assert len(said) == 1
    assert said[0].startswith("f.yaml:7:7: there is no task `nowhere` in this list (spec.tasks[0])")
