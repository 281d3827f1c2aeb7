"""Documents become messages, with every mistake of every document said at its place."""

import pytest
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.documents.problems import ManifestError
from stigmer_apis.documents.sources import Source
from stigmer_tui.manifests import kinds
from stigmer_tui.manifests.reading import read_documents
from tests.manifests.reads import complaints, documents

AGENT = """\
apiVersion: agentic.stigmer.ai/v1
kind: Agent
metadata: {name: Reviewer}
spec:
  instructions: Review what changed.
"""


def agent(lines: str) -> str:
    return AGENT + lines


def test_the_kinds_are_those_of_the_contract() -> None:
    assert [kind.field for kind in kinds.KINDS] == [field.name for field in Resource.DESCRIPTOR.fields]
    for kind in kinds.KINDS:
        assert ApiResourceKind.Value(kind.field) == kind.number
        assert getattr(Resource(), kind.field).DESCRIPTOR.name == kind.name
        for alias in kind.aliases:
            assert kinds.find_kind(alias.upper()) is kind


def test_a_document_becomes_a_resource() -> None:
    [document] = documents(
        agent(
            "  mcpServers:\n    - name: gh\n      stdio: {command: gh-mcp, args: [-v]}\n  skillRefs: [writing, {slug: reading, version: latest}]\n"
            "  policy: {rules: [{decision: allow, tool: read}]}\n  limits: {turns: 5, tokens: 100000, time: 600s}\n  model_settings: {temperature: 0.5}\n"
        )
    )
    made = document.resource.agent
    assert document.slug == "reviewer"
    assert made.api_version == "agentic.stigmer.ai/v1"
    assert made.metadata.owner_scope == 2
    assert [(each.kind, each.slug, each.version) for each in made.spec.skill_refs] == [
        (43, "writing", ""),
        (43, "reading", "latest"),
    ]
    assert made.spec.mcp_servers[0].stdio.command == "gh-mcp"
    assert (made.spec.policy.rules[0].decision, made.spec.limits.tokens, made.spec.limits.time.seconds) == (
        1,
        100000,
        600,
    )
    assert made.spec.model_settings.temperature == 0.5


def test_what_only_the_server_writes_is_passed_over() -> None:
    [document] = documents(agent("status: {defaultInstanceId: ain-1, nonsense: [1, 2]}\n"))
    assert not document.resource.agent.HasField("status")


def test_names_stand_for_ids_and_references() -> None:
    [document] = documents(
        "kind: AgentInstance\nmetadata: {name: here}\nspec: {agent: reviewer, environmentRefs: [support]}\n"
    )
    spec = document.resource.agent_instance.spec
    assert spec.agent_id == "reviewer"
    assert (spec.environment_refs[0].kind, spec.environment_refs[0].slug) == (53, "support")
    [document] = documents("kind: Session\nspec: {agentInstance: here}\n")
    assert document.resource.session.spec.agent_instance_id == "here"
    [document] = documents("kind: WorkflowInstance\nmetadata: {name: w}\nspec: {workflow: nightly}\n")
    assert document.resource.workflow_instance.spec.workflow_id == "nightly"


def test_free_forms_keep_their_types() -> None:
    [document] = documents(
        "kind: Workflow\nmetadata: {name: w}\nspec:\n  document: {dsl: 1.0.0, namespace: a, name: b, version: '1'}\n"
        "  tasks:\n    - {name: one, kind: run, taskConfig: {workflow: w, input: {a: 1, b: [2.5, x, null, yes, 0x10, '1']}}}\n"
    )
    config = MessageToDict(document.resource.workflow.spec.tasks[0].task_config)
    assert config == {"workflow": "w", "input": {"a": 1, "b": [2.5, "x", None, True, 16, "1"]}}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("  instructons: x\n", "f.yaml:6:3: unknown field `instructons` (spec.instructons): did you mean `instructions`?"),
        ("  Tools: [x]\n", "f.yaml:6:3: unknown field `Tools` (spec.Tools): did you mean `tools`?"),
        ("  tools: read\n", "f.yaml:6:10: a list is wanted, and this is text (spec.tools): write each item on a line of its own after `- `"),
        ("  tools: [1]\n", "f.yaml:6:11: text is wanted, and this is a whole number (spec.tools[0]): put it into quotes"),
        ("  tools: [no]\n", "f.yaml:6:11: text is wanted, and this is true or false, as YAML reads `yes`, `no`, `on` and `off` too (spec.tools[0]): put it into quotes"),
        ("  tools: [~]\n", "f.yaml:6:11: a value is wanted, and this is nothing (spec.tools[0]): leave the item out, or write \"\" for an empty text"),
        ("  model: [x]\n", "f.yaml:6:10: text is wanted, and this is a list (spec.model)"),
        ("  model: 12:30\n", "f.yaml:6:10: text is wanted, and this is a number to some readers of YAML and text to others (spec.model): put it into quotes"),
        ("  limits: {turns: -5}\n", "f.yaml:6:19: the number is out of range (spec.limits.turns): it goes from 0 to 4294967295"),
        ("  limits: {turns: 1.5}\n", "f.yaml:6:19: a whole number is wanted, and this is a number (spec.limits.turns)"),
        ("  limits: {turns: many}\n", "f.yaml:6:19: a whole number is wanted, and this is text (spec.limits.turns): write digits alone"),
        ("  limits: {time: 10m}\n", "f.yaml:6:18: a time is wanted, and this is text (spec.limits.time): write it as `600s`"),
        ("  limits: 5\n", "f.yaml:6:11: a mapping is wanted, and this is a whole number (spec.limits)"),
        ("  policy: {rules: [{decision: alow}]}\n", "f.yaml:6:31: `alow` is none of the known names (spec.policy.rules[0].decision): did you mean `allow`?"),
        ("  envSpec: {data: {A: {value: x, isSecret: 'true'}}}\n", "f.yaml:6:44: true or false is wanted, and this is text (spec.envSpec.data.A.isSecret): take the quotes off"),
        ("  envSpec: {data: {A: x}}\n", "f.yaml:6:23: a mapping is wanted, and this is text (spec.envSpec.data.A)"),
        ("  mcpServers: [{name: a, stdio: {command: x}, http: {url: y}}]\n", "f.yaml:6:47: `http` and `stdio` exclude each other (spec.mcpServers[0].http): keep one of the two"),
        ("  mcpServers: [{stdio: {command: x}}]\n", "f.yaml:6:16: this is required (spec.mcpServers[0].name)"),
        ("  icon_url: a\n  iconUrl: b\n", "f.yaml:7:3: this is the same field as `icon_url` (spec.iconUrl): keep one of the two"),
        ("  skillRefs: [{kind: environment, slug: x}]\n", "f.yaml:6:15: skill_refs must reference resources with kind=skill (spec.skillRefs[0])"),
        ("  skillRefs: [{slug: x, version: 'a b'}]\n", "f.yaml:6:25: does not match regex pattern `^$|^latest$|^[a-zA-Z0-9._-]+$|^[a-f0-9]{64}$` (spec.skillRefs[0].version)"),
        ("  modelSettings: {temperature: hot}\n", "f.yaml:6:32: a number is wanted, and this is text (spec.modelSettings.temperature)"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line_its_field_and_a_way_out(lines: str, said: str) -> None:
    assert complaints(agent(lines)) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Agent\nmetadata: {name: x}\nspec: {instructions: short}\n", ["f.yaml:3:8: must be at least 10 characters (spec.instructions)"]),
        ("kind: Agent\nmetadata: {name: x}\n", ["f.yaml:1:1: this is required (spec): write under `spec:` what it shall be"]),
        ("kind: Environment\nspec: {}\n", ["f.yaml:1:1: the environment has no name (metadata.name): add `name:` to its metadata"]),
        ("kind: Environment\nmetadata: {}\nspec: {}\n", ["f.yaml:2:1: the environment has no name (metadata.name): add `name:` to its metadata"]),
        ("kind: Environment\nmetadata: {name: '???'}\nspec: {}\n", ["f.yaml:2:12: has no letter a-z and no digit, so that nothing can refer to it (metadata.name): set metadata.slug as well"]),
        ("apiVersion: v2\nkind: Environment\nmetadata: {name: a}\nspec: {}\n", ["f.yaml:1:1: must equal `agentic.stigmer.ai/v1` (apiVersion)"]),
        ("kind: Envirnment\n", ["f.yaml:1:7: there is no kind `Envirnment` (kind): did you mean `Environment`?"]),
        ("kind: [a]\n", ["f.yaml:1:7: the name of a kind is wanted, and this is a list (kind): known are `Agent`, `AgentInstance`, `Session`, `Workflow`, `WorkflowInstance`, `Environment`, `McpServer`"]),
        ("kind: Skill\n", ["f.yaml:1:7: a file cannot describe Skill (kind): a skill is a folder with a SKILL.md that is pushed whole, not a document"]),
        ("- a\n", ["f.yaml:1:1: a document is a mapping, and this is a list: write kind, metadata and spec as its keys"]),
        ("a: 1\n", ["f.yaml:1:1: the document does not say what it describes (kind): add `kind:`; known are `Agent`, `AgentInstance`, `Session`, `Workflow`, `WorkflowInstance`, `Environment`, `McpServer`"]),
    ],
)  # fmt: skip
def test_a_document_that_is_none_is_refused_in_words(text: str, said: list[str]) -> None:
    found = complaints(text)
    assert said[0] in found
    assert len(found) <= 2


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file() -> None:
    text = agent(
        "  modle: x\n---\nkind: Envirnment\n---\nkind: Environment\nmetadata: {name: e}\nspec: {data: {A: {value: 1}}}\n"
    )
    assert [line.split(" ", 1)[0] for line in complaints(text)] == ["f.yaml:6:3:", "f.yaml:8:7:", "f.yaml:12:26:"]


def test_the_same_name_twice_is_found_across_files() -> None:
    sources = [Source("a.yaml", AGENT.encode(), "yaml"), Source("b.yaml", AGENT.encode(), "yaml")]
    with pytest.raises(ManifestError) as refused:
        read_documents(sources)
    assert (
        str(refused.value)
        == "b.yaml:3:12: the agent `reviewer` is described in a.yaml:3 already (metadata.name): keep one of the two"
    )


def test_a_secret_value_is_not_repeated_in_what_is_said() -> None:
    text = "kind: Environment\nmetadata: {name: e}\nspec: {data: {A: {value: 8812340987, isSecret: true}, B: {value: [hunter2hunter2]}, C: hunter2hunter2}}\n"
    found = "\n".join(complaints(text))
    assert "8812340987" not in found
    assert "hunter2" not in found
    assert found.count("\n") == 2


def test_json_documents_have_places_too() -> None:
    text = '{"kind": "Environment",\n "metadata": {"name": "e"},\n "spec": {"dat": {}}}'
    assert complaints(text, "json") == ["f.yaml:3:11: unknown field `dat` (spec.dat): did you mean `data`?"]


def test_other_peoples_files_in_a_named_directory_are_passed_over() -> None:
    theirs = Source("package.json", b'{"name": "x"}', "json", found=True)
    reading = read_documents([theirs, Source("a.yaml", AGENT.encode(), "yaml", found=True)])
    assert reading.passed_over == ("package.json",)
    assert [document.slug for document in reading.documents] == ["reviewer"]
