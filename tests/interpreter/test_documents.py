"""Published messages and the examples as documents that run."""

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import WorkflowSpec
from stigmer_apis.documents.parsing import parse
from stigmer_apis.documents.problems import Problem
from stigmer_apis.documents.sources import Source
from stigmer_apis.workflow import limits
from stigmer_apis.workflow.document_json import DocumentBroken, of_data, to_data, to_json, workflow_of_json
from stigmer_apis.workflow.messages import document_of
from tests.interpreter.playing import Play

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "workflows").glob("*.yaml"))


def spec(*tasks: dict[str, Any]) -> WorkflowSpec:
    """A published workflow."""
    head = {"dsl": "1.0.0", "namespace": "tests", "name": "published", "version": "1.0.0"}
    return ParseDict({"document": head, "tasks": list(tasks)}, WorkflowSpec())


def task(name: str, kind: str, config: dict[str, Any], **others: Any) -> dict[str, Any]:
    """One task of it."""
    return {"name": name, "kind": f"WORKFLOW_TASK_KIND_{kind}", "taskConfig": config, **others}


async def test_published_messages_run_by_the_rules_of_their_dialect() -> None:
    inner = task("add", "SET", {"variables": {"sum": '${ (.sum // "") + $item }'}})
    text = to_json(
        document_of(
            spec(
                task("first", "SET", {"variables": {"other": "1"}}, export={"as": "${ $context + {kept: .other} }"}),
                task(
                    "each", "FOR", {"each": "item", "in": "${ $input.letters }", "do": [inner]}, flow={"then": "answer"}
                ),
                task("never", "WAIT", {"seconds": 600}),
                task("answer", "SET", {"variables": {"sum": "${ .sum }", "kept": "${ $context.kept }"}}),
            )
        )
    )
    assert await Play(text, {"letters": ["a", "b"]}).output() == {"sum": "ab", "kept": "1"}


def test_what_is_no_document_says_why() -> None:
    with pytest.raises(DocumentBroken, match="no JSON"):
        workflow_of_json("{")
    with pytest.raises(DocumentBroken, match="hedders"):
        workflow_of_json(
            '{"document": {"dsl": "1.0.0", "namespace": "a", "name": "b", "version": "1.0.0"}, "hedders": 1, "do": [{"a": {"set": {"b": 1}}}]}'
        )
    with pytest.raises(DocumentBroken, match="http_call"):
        document_of(spec(task("a", "HTTP_CALL", {"nothing": 1})))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_survives_being_json(path: Path) -> None:
    ((first, *_),) = parse([Source(path.name, path.read_bytes(), "yaml")], limits.DEPTH)
    assert not isinstance(first, Problem)
    text = to_json(first)
    assert len(workflow_of_json(text).tasks) > 0
    assert to_data(of_data(json.loads(text))) == json.loads(text)
