"""What is written as YAML is read as the same again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceOwnerScope
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_tui.manifests.differences import difference
from stigmer_tui.manifests.drafts import draft, project
from stigmer_tui.manifests.kinds import DESCRIBED, Kind
from stigmer_tui.manifests.writing import lasting_data, to_yaml
from tests.manifests.reads import documents
from tests.support.scale import scaled

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
AWKWARD = ["no", "12:30", "1.5", "0755", "~", "", " x ", "a: b", "# x", "- x", "a\nb\n", "a \nb", "\n", "x\n\n", "\ttab", "é\u2028\x85\x07", "\x85", "a\x85b\n", "\u2029\n", "\ufeff", "%", "@", "'\"", "2024-01-01", "<<", "=", "*a", "\U0001f600"]  # fmt: skip


def environment(values: dict[str, str], description: str) -> Resource:
    resource = Resource()
    made = resource.environment
    made.api_version, made.kind = "agentic.stigmer.ai/v1", "Environment"
    made.metadata.name = made.metadata.slug = "e"
    made.metadata.owner_scope = ApiResourceOwnerScope.organization
    made.spec.description = description
    for key, value in values.items():
        made.spec.data[key].value = value
    return resource


@given(st.dictionaries(TEXT, TEXT, max_size=4), TEXT)
@settings(max_examples=scaled(15, 400), deadline=None)
def test_any_text_comes_back(values: dict[str, str], description: str) -> None:
    values = {key.replace("\0", ""): value.replace("\0", "") for key, value in values.items()}
    wanted = environment(values, description.replace("\0", ""))
    [document] = documents(to_yaml(lasting_data(wanted.environment)))
    assert document.resource == wanted


def test_awkward_texts_come_back() -> None:
    wanted = environment({f"k{text}": text for text in AWKWARD}, "x")
    [document] = documents(to_yaml(lasting_data(wanted.environment)))
    assert document.resource == wanted


def test_a_text_of_several_lines_reads_as_it_is() -> None:
    assert "description: |\n    one\n    two\n" in to_yaml(lasting_data(environment({}, "one\ntwo\n").environment))


@pytest.mark.parametrize("kind", DESCRIBED, ids=lambda kind: kind.word)
def test_a_draft_can_be_applied_as_it_stands(kind: Kind) -> None:
    [document] = documents(draft(kind, "my thing"))
    assert (document.kind, document.slug) == (kind, "my-thing")


@pytest.mark.parametrize("name", ["project", "no", "12", "a: b", "x" * 200, "Ünï"])
def test_a_project_can_be_applied_as_it_stands(name: str) -> None:
    files = project(name)
    found = [document for path, text in files.items() if path.endswith(".yaml") for document in documents(text)]
    assert [document.kind.word for document in found] == ["agent", "agent-instance", "environment", "workflow"]
    assert {document.resource.agent.metadata.name for document in found[:1]} == {name}


def test_a_difference_is_of_what_lasts() -> None:
    before, after = environment({"A": "1"}, "x"), environment({"A": "2"}, "x")
    after.environment.metadata.version.id = "7"
    lines = list(difference(before.environment, after.environment, "environment/e"))
    assert [line for line in lines if line[:1] in "+-"] == [
        "--- environment/e (before)",
        "+++ environment/e (after)",
        "-      value: '1'",
        "+      value: '2'",
    ]
    assert list(difference(before.environment, before.environment, "x")) == []
    assert next(difference(None, after.environment, "x")).startswith("--- /dev/null")


def test_names_of_enumerations_are_as_a_person_writes_them() -> None:
    resource = Resource()
    made = resource.agent
    made.api_version, made.kind = "agentic.stigmer.ai/v1", "Agent"
    made.metadata.name = made.metadata.slug = "a"
    made.spec.instructions = "long enough a text"
    made.spec.policy.rules.add(tool="read", decision=Policy.DECISION_ALLOW)
    data = lasting_data(made)
    assert data["spec"]["policy"]["rules"] == [{"decision": "allow", "tool": "read"}]
    [document] = documents(to_yaml(data))
    assert document.resource.agent.spec == made.spec
