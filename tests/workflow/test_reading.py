"""Documents are read with every kind of task, each part with its place, and however large they may be there is an answer."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stigmer_apis.documents.nodes import Place
from stigmer_apis.workflow import limits
from stigmer_apis.workflow.model import Do, For, Task, Try, Wait, Workflow
from stigmer_apis.workflow.values import Retry, Span
from tests.workflow.documents import EXAMPLES, HEAD, checked, errors, workflow, workflows_of

KINDS = """\
use:
  retries: { soon: { delay: PT1S, limit: { attempt: { count: 2 } } } }
  functions:
    greet: { set: { said: hello } }
do:
  - a: { set: { x: 1 } }
  - b: { call: http, with: { method: get, endpoint: "https://example.com/{id}" } }
  - c: { call: grpc, with: { service: { name: a.B, host: example.com, port: 443 }, method: Get, arguments: { id: 1 } } }
  - d: { call: openapi, with: { document: { endpoint: https://example.com/api.json }, operationId: get } }
  - e: { call: agent, with: { agent: helper, message: hello } }
  - f: { call: activity, with: { name: charge, taskQueue: cards, arguments: ["${ . }"] } }
  - g: { call: greet }
  - h: { call: "log:1.0.0@https://example.com/catalog" }
  - i: { do: [{ x: { set: { y: 1 } } }] }
  - j: { for: { in: "${ .all }" }, do: [{ x: { set: { y: "${ $item }" } } }] }
  - k: { fork: { branches: [{ x: { wait: PT1M } }, { y: { wait: { hours: 1, minutes: 30 } } }] } }
  - l: { try: [{ x: { wait: 5s } }], catch: { errors: { with: { status: 503 } }, retry: soon } }
  - m: { switch: [{ x: { when: .a, then: n } }, { y: { then: continue } }] }
  - n: { listen: { to: { one: { with: { id: go, type: signal, acceptIf: "${ $data.go }" } } } } }
  - o: { emit: { event: { with: { type: com.example.done, source: https://example.com } } } }
  - p: { run: { container: { image: alpine, pullPolicy: never } } }
  - q: { run: { script: { language: js, code: "console.log(1)" } } }
  - r: { run: { shell: { command: "echo ${HOME}" }, return: all } }
  - s: { run: { workflow: { name: other }, await: false } }
  - t: { if: .go, raise: { error: { type: https://example.com/e, status: 400 } } }
"""


def test_every_kind_is_read_as_what_it_is() -> None:
    found = workflow(KINDS)
    assert [task.kind for task in found.tasks] == [
        "set", "call http", "call grpc", "call openapi", "call agent", "call activity", "call greet",
        "call log:1.0.0@https://example.com/catalog", "do", "for", "fork", "try", "switch", "listen", "emit",
        "run container", "run script", "run shell", "run workflow", "raise",
    ]  # fmt: skip
    assert found.tasks[0].place == Place(11, 5)
    assert isinstance(found.uses.retries[0][1], Retry)
    assert found.uses.retries[0][1].delay == Span(Place(7, 29), 1.0, "PT1S")
    fork = next(found.tasks[10].lists())[1]
    assert [task.work.span.seconds for task in fork if isinstance(task.work, Wait) and task.work.span is not None] == [
        60.0,
        5400.0,
    ]
    assert isinstance(found.tasks[11].work, Try)


def test_json_is_read_alike() -> None:
    text = json.dumps(
        {
            "document": {"dsl": "1.0.0", "namespace": "n", "name": "x", "version": "0.1.0"},
            "do": [{"a": {"wait": {"seconds": 1}}}],
        }
    )
    found = checked(text, "json")
    assert not found.errors
    assert checked(text.replace("wait", "wat"), "json").errors[0].column == text.index('"a"') + 1


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_valid_and_worth_no_warning(path: Path) -> None:
    assert all((found.errors, found.warnings) == ((), ()) for found in workflows_of(path))


def test_the_other_dialect_is_read_as_it_is() -> None:
    found = checked(
        "document: { dsl: 1.0.0, taskQueue: orders, workflowType: pay, version: 0.0.1, metadata: { tags: [a] } }\n"
        "do:\n"
        "  - one:\n      metadata: { activityOptions: { summary: x } }\n      do: [{ a: { wait: { seconds: 1 } } }]\n"
        "  - two:\n      do: [{ a: { wait: { seconds: 1 } } }]\n"
    )
    assert (found.errors, found.warnings) == ((), ())
    assert found.workflow is not None
    assert found.workflow.are_several
    assert found.workflow.namespace is not None
    assert found.workflow.namespace.text == "orders"


def nested(levels: int) -> str:
    inner = [line for level in range(levels - 1) for line in (f"{'    ' * level}- t:", f"{'    ' * level}    do:")]
    return "\n".join(["do:", *inner, f"{'    ' * (levels - 1)}- t: {{ set: {{ x: 1 }} }}", ""])


def depth(found: Workflow) -> int:
    levels, tasks = 0, found.tasks
    while tasks:
        levels += 1
        tasks = next((inner for task in tasks for _, inner in task.lists()), tuple[Task, ...]())
    return levels


def test_a_hundred_levels_are_read_and_one_more_is_refused_at_its_place() -> None:
    assert depth(workflow(nested(limits.LEVELS))) == limits.LEVELS
    said = errors(nested(limits.LEVELS + 1))
    assert len(said) == 1
    assert f"tasks are nested more than {limits.LEVELS} deep" in said[0]
    assert said[0].startswith(f"f.yaml:{7 + 2 * limits.LEVELS}:")
    assert "nested more than 512 deep" in errors("do: " + "[" * 2000)[0]


def test_ten_thousand_tasks_are_read_and_one_more_is_refused_at_its_place() -> None:
    many = "do:\n" + "".join(f"  - t{number}: {{wait: PT1S}}\n" for number in range(limits.TASKS))
    assert len(workflow(many).tasks) == limits.TASKS
    (said,) = errors(many + "  - more: {wait: PT1S}\n")
    assert said.startswith(f"f.yaml:{7 + limits.TASKS}:5: this is more than {limits.TASKS} tasks")


def test_a_thousand_branches_are_read_and_one_more_is_refused() -> None:
    branches = ", ".join(f"{{b{number}: {{wait: PT1S}}}}" for number in range(limits.BRANCHES))
    assert not errors(f"do: [{{f: {{fork: {{branches: [{branches}]}}}}}}]\n")
    (said,) = errors(f"do: [{{f: {{fork: {{branches: [{branches}, {{more: {{wait: PT1S}}}}]}}}}}}]\n")
    assert "these are 1001 branches" in said


def test_a_loop_keeps_what_it_calls_its_items() -> None:
    work = workflow("do: [{a: {for: {each: order, at: n, in: .orders}, do: [{b: {wait: PT1S}}]}}]\n").tasks[0].work
    assert isinstance(work, For)
    assert work.each is not None
    assert work.each.text == "order"
    assert isinstance(workflow("do: [{a: {do: [{b: {wait: PT1S}}]}}]\n").tasks[0].work, Do)


def test_it_loads_neither_grpc_nor_an_engine_nor_a_screen() -> None:
    package = Path(__file__).parents[2] / "apis" / "stigmer_apis"
    names = [
        f"stigmer_apis.{folder}.{path.stem}"
        for folder in ("documents", "workflow")
        for path in sorted((package / folder).glob("*.py"))
        if path.stem not in ("__init__", "parsing_child")
    ]
    program = f"import {', '.join(names)}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"grpc", "textual", "temporalio", "click", "asyncio"} & set(done.stdout.split())
    assert HEAD.count("\n") == 5
