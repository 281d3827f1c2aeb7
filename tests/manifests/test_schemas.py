"""The schemas for editors say what applying a file says: what is right passes both, what is broken passes neither."""

from typing import Any

import jsonschema
import pytest
import yaml

from stigmer_tui.manifests.drafts import draft
from stigmer_tui.manifests.kinds import DESCRIBED, Kind
from stigmer_tui.manifests.schemas import all_kinds_schema, kind_schema
from tests.manifests.reads import complaints

AGENT = "kind: Agent\nmetadata: {name: x}\nspec:\n  instructions: Review what changed.\n"
INSTANCE = "kind: AgentInstance\nmetadata: {name: x}\n"
WORKFLOW = "kind: Workflow\nmetadata: {name: x}\nspec:\n  document: {dsl: 1.0.0, namespace: a, name: b, version: '1'}\n"

RIGHT = [
    AGENT,
    AGENT + "  model_settings: {max_tokens: 5, temperature: 1}\n  modelSettings:\n".replace("  modelSettings:\n", ""),
    AGENT + "  skillRefs: [a, {slug: b, version: latest, kind: skill}]\n",
    AGENT + "  policy: {rules: [{decision: allow}, {decision: DECISION_DENY}]}\n  limits: {tokens: '5', time: 60s}\n",
    AGENT + "  mcpServers: [{name: a, docker: {image: x, ports: [{hostPort: 1, containerPort: 2}]}}]\n",
    AGENT + "  tools:\n  description:\nstatus: {anything: [1]}\n",
    INSTANCE + "spec: {agent: y}\n",
    INSTANCE + "spec: {agentId: y, environmentRefs: [z]}\n",
    INSTANCE + "spec: {agent_id: y}\n",
    "kind: Environment\nmetadata: {slug: x, labels: {a: b}}\nspec: {data: {A: {value: a, isSecret: true}}}\n",
    WORKFLOW + "  tasks: [{name: a, kind: set, taskConfig: {variables: {a: '1'}}}]\n",
    "kind: McpServer\nmetadata: {name: x}\nspec: {http: {url: 'https://example.com', timeoutSeconds: 300}}\n",
    "kind: Session\nspec: {agentInstance: shell-default}\n",
]
BROKEN = [
    "kind: Agent\nmetadata: {name: x}\n",
    "kind: Agent\nmetadata: {}\nspec: {instructions: Review what changed.}\n",
    "kind: Agent\nmetadata: {name: x}\nspec: {}\n",
    "kind: Agent\nmetadata: {name: x}\nspec: {instructions: short}\n",
    "apiVersion: v2\n" + AGENT,
    AGENT + "  modle: x\n",
    AGENT + "  model: 5\n",
    AGENT + "  tools: read\n",
    AGENT + "  tools: [5]\n",
    AGENT + "  limits: {turns: -1}\n",
    AGENT + "  limits: {turns: 4294967296}\n",
    AGENT + "  limits: {time: 10m}\n",
    AGENT + "  policy: {rules: [{decision: alow}]}\n",
    AGENT + "  mcpServers: [{name: a, stdio: {command: x}, http: {url: y}}]\n",
    AGENT + "  mcpServers: [{name: a, docker: {image: x, ports: [{hostPort: 0, containerPort: 2}]}}]\n",
    AGENT + "  mcpServers: [{stdio: {command: x}}]\n",
    AGENT + "  skillRefs: [{slug: b, version: 'a b'}]\n",
    AGENT + "  envSpec: {data: {A: {isSecret: 'yes'}}}\n",
    INSTANCE + "spec: {}\n",
    WORKFLOW + "  tasks: []\n",
    WORKFLOW + "  tasks: [{name: a, kind: st, taskConfig: {}}]\n",
    "kind: McpServer\nmetadata: {name: x}\nspec: {http: {url: 'https://example.com', timeoutSeconds: 301}}\n",
    "kind: Environment\nmetadata: {name: x, labels: {a: 1}}\nspec: {}\n",
]


def valid(text: str, schema: dict[str, Any]) -> bool:
    validator: Any = jsonschema.Draft202012Validator(schema)
    return validator.is_valid(yaml.safe_load(text))


def schema_of(text: str) -> dict[str, Any]:
    name = yaml.safe_load(text)["kind"]
    return kind_schema(next(kind for kind in DESCRIBED if kind.name == name))


@pytest.mark.parametrize("kind", DESCRIBED, ids=lambda kind: kind.word)
def test_each_schema_is_one_and_takes_its_kinds_draft(kind: Kind) -> None:
    schema = kind_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert valid(draft(kind, "x"), schema)
    assert valid(draft(kind, "x"), all_kinds_schema())
    others = [other for other in DESCRIBED if other is not kind]
    assert not any(valid(draft(kind, "x"), kind_schema(other)) for other in others)


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_passes_both(text: str) -> None:
    assert complaints(text) == []
    assert valid(text, schema_of(text))
    assert valid(text, all_kinds_schema())


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_broken_passes_neither(text: str) -> None:
    assert complaints(text)
    assert not valid(text, schema_of(text))
    assert not valid(text, all_kinds_schema())


def test_an_unknown_kind_is_none() -> None:
    jsonschema.Draft202012Validator.check_schema(all_kinds_schema())
    assert not valid("kind: Agnet\n", all_kinds_schema())
    assert not valid("metadata: {name: x}\n", all_kinds_schema())
