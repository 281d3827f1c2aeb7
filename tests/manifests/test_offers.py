"""What is offered while one writes a document: by place, from the same descriptors that `apply` reads with."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

from stigmer_runner import skills, tools
from stigmer_runner.durable.tool_turn import DELEGATE
from stigmer_runner.tools.tool import BaseTool
from stigmer_tui.completion.document_place import place_at
from stigmer_tui.manifests.drafts import draft
from stigmer_tui.manifests.kinds import AGENT, AGENT_INSTANCE, DESCRIBED, ENVIRONMENT, SKILL, Kind
from stigmer_tui.manifests.offers import TOOLS, Names, Offered, offered
from tests.tui.hostile import HOSTILE


def at(text: str, kind: Kind = AGENT) -> Offered | None:
    """What is offered at the `@` of a text."""
    row = text[: text.index("@")].count("\n")
    lines = text.split("\n")
    column = lines[row].index("@")
    lines[row] = lines[row].replace("@", "")
    place = place_at(lines, row, column)
    return None if place is None else offered(kind, place)


def words(text: str, kind: Kind = AGENT) -> list[str]:
    """Their texts."""
    found = at(text, kind)
    return [each.text for each in found.words] if found is not None else []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ki@", ["apiVersion", "kind", "metadata", "spec"]),
        ("kind: @", ["Agent"]),
        ("kind: Agent\nmetadata:\n  name: x\n  @\nspec:\n  tools: []", ["slug", "labels", "annotations", "tags"]),
        ("spec:\n  policy:\n    rules:\n      - decision: al@\n        tool: x", ["allow", "ask", "deny"]),
        ("spec:\n  policy:\n    rules:\n    - decision: ask\n      h@", ["tool", "commandPrefix", "path", "host"]),
        ("spec:\n  policy:\n    rules:\n      - tool: x\n      - @", ["decision", "tool", "commandPrefix", "path", "host"]),
        ("spec:\n  policy:\n    preset: @", ["read-only", "ask", "auto"]),
        ("spec:\n  policy:\n    sandbox: @", ["walls", "container", "daytona", "none"]),
        ("spec:\n  policy:\n    network:\n      mode: @", ["open", "closed", "hosts"]),
        ("spec:\n  tools:\n  - @", list(TOOLS)),
        ("spec:\n  limits:\n    turns: 5\n    # a comment\n\n    @\n  model: x", ["tokens", "costMicroUsd", "time"]),
        ("spec:\n  envSpec:\n    data:\n      A:\n        @\n      B: {}", ["value", "isSecret", "description"]),
        ("spec:\n  envSpec:\n    data:\n      A:\n        isSecret: @", ["true", "false"]),
        ("spec:\n  modelSettings:\n    reasoning: @", ["low", "medium", "high"]),
        ("spec:\n  instructions: |\n    po@", []),
        ("spec:\n  # po@", []),
        ("spec:\n  model: x # po@", []),
        ("spec:\n  p@ # more", []),
        ("spec:\n  nothing:\n    p@", []),
        ("spec:\n  tools: [@]", list(TOOLS)),
        ("spec:\n  tools: [shell, r@, x]", list(TOOLS)),
        ("spec:\n  policy: {preset: @}", ["read-only", "ask", "auto"]),
        ("spec:\n  policy: {preset: ask, network: {mode: c@", ["open", "closed", "hosts"]),
        ("spec:\n  policy:\n    rules:\n      - {tool: x, @, path: y}", ["decision", "commandPrefix", "host"]),
        ("spec: {policy: {rules: [{tool: x}, {decision: a@}]}}", ["allow", "ask", "deny"]),
        ("spec:\n  policy: {preset: ask} @", []),
        ("spec:\n  policy: {preset: \"a@", []),
        ("spec:\n  policy: {preset: ask # {@", []),
    ],
)  # fmt: skip
def test_by_place(text: str, expected: list[str]) -> None:
    """Keys that are not there yet, values that fit; nothing in texts and comments."""
    assert words(text) == expected


def test_what_has_to_be_asked_for() -> None:
    """References by the kind that they are to, models, tools, variables."""
    assert at("spec:\n  skillRefs:\n    - a@") == Offered(names=Names.RESOURCE, kind=SKILL)
    assert at("spec:\n  agent: @", AGENT_INSTANCE) == Offered(names=Names.RESOURCE, kind=AGENT)
    assert at("spec:\n  environmentRefs:\n  - @", AGENT_INSTANCE) == Offered(names=Names.RESOURCE, kind=ENVIRONMENT)
    assert at("spec:\n  model: an@") == Offered(names=Names.MODEL)
    assert at("spec:\n  envSpec:\n    data:\n      TO@") == Offered(names=Names.VARIABLE)
    found = at("spec:\n  tools:\n    - @")
    assert found is not None
    assert found.names is Names.TOOL


def test_what_comes_behind_a_key() -> None:
    """A value on the line, or the place for one below it."""
    found = at("spec:\n  @")
    assert found is not None
    follows = {each.text: each.follows for each in found.words}
    assert follows["model"] == ": "
    assert follows["tools"] == ":\n    - "
    assert follows["limits"] == ":\n    "
    assert dict.fromkeys(follows) == dict.fromkeys(each.text for each in found.words)


def test_anywhere_in_anything() -> None:
    """No place of any text fails."""
    brackets = "a: {b: [c, {d: }], 'e': {f}]\n- [{[}]: {"
    for kind in DESCRIBED:
        for text in (
            draft(kind, "one"),
            *HOSTILE[:20],
            brackets,
            "- - - a:\n- b: - c",
            "a:\n\tb: c",
            ":\n:\n",
            "---\n...",
        ):
            lines = text.split("\n")
            for row, line in enumerate(lines):
                for column in range(0, len(line) + 1, 3):
                    place = place_at(lines, row, column)
                    if place is not None:
                        offered(kind, place)


def test_the_tools_are_those_of_the_runner() -> None:
    """By their names."""
    for package in (tools, skills):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)

    def below(base: type[BaseTool]) -> Iterator[type[BaseTool]]:
        for each in base.__subclasses__():
            yield each
            yield from below(each)

    named = {each.signature.name for each in below(BaseTool) if hasattr(each, "signature")}
    assert named | {DELEGATE} == set(TOOLS)
