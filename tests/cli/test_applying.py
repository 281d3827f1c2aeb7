"""Files that describe resources, applied on a real daemon."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.cli.described import TEAM, complaint, environment, lines
from tests.cli.dialogue import dialogue
from tests.support.workstation import Workstation, new_workstation


@pytest.fixture(scope="module")
def workstation() -> Generator[Workstation]:
    with new_workstation() as made:
        made.run("apply", "-f", "-", stdin=TEAM.encode())
        yield made


# -- apply --------------------------------------------------------------------------------------------------------------------


def test_applying_creates_in_order_of_need_then_says_unchanged_then_updates() -> None:
    with new_workstation() as fresh:
        assert lines(fresh, "apply", "-f", "-", stdin=TEAM) == [
            "agent-instance/reviewer-here created",
            "agent/reviewer created",
            "environment/team created",
        ]
        assert lines(fresh, "apply", "-f", "-", stdin=TEAM) == [
            "agent-instance/reviewer-here unchanged",
            "agent/reviewer unchanged",
            "environment/team unchanged",
        ]
        changed = TEAM.replace("value: eu", "value: us")
        shown = lines(fresh, "apply", "-f", "-", "--dry-run", "--diff", stdin=changed)
        assert "-      value: eu" in shown
        assert "+      value: us" in shown
        assert shown[-1] == "environment/team updated (not stored: --dry-run)"
        assert lines(fresh, "apply", "-f", "-", stdin=changed)[-1] == "environment/team updated"


def test_what_is_got_as_yaml_or_json_can_be_applied_again(workstation: Workstation) -> None:
    for form in ("yaml", "json"):
        text = workstation.run("get", "environments", "-o", form).stdout.decode()
        assert {line.split()[1] for line in lines(workstation, "apply", "-f", "-", stdin=text)} == {"unchanged"}


def test_text_comes_back_to_the_last_character(workstation: Workstation) -> None:
    text = "a\\tb \\u202e \\u200d \\x07 \\U0001f469\\u200d\\U0001f680"
    lines(workstation, "apply", "-f", "-", stdin=environment("exact", f'"{text}"'))
    for form in ("yaml", "json"):
        shown = workstation.run("get", "env", "exact", "-o", form).stdout.decode()
        assert lines(workstation, "apply", "-f", "-", stdin=shown) == ["environment/exact unchanged"]
    with dialogue(workstation.command("get", "env", "exact", "-o", "yaml"), workstation.environ()) as terminal:
        assert terminal.end() == 0
        assert "\u202e" not in terminal.shown
        assert "\x07" not in terminal.shown


def test_pruning_takes_what_has_the_label_and_is_not_described(workstation: Workstation) -> None:
    both = environment("one", app="prune") + environment("two", app="prune") + environment("three", app="other")
    lines(workstation, "apply", "-f", "-", stdin=both)
    one = environment("one", app="prune")
    assert (
        lines(workstation, "apply", "-f", "-", "--prune", "-l", "app=prune", "--dry-run", stdin=one)[-1]
        == "environment/two pruned (not stored: --dry-run)"
    )
    assert lines(workstation, "apply", "-f", "-", "--prune", "-l", "app=prune", stdin=one) == [
        "environment/one unchanged",
        "environment/two pruned",
    ]
    assert "environment/three" in lines(workstation, "get", "env", "-o", "name")
    workflow = workstation.run("new", "workflow", "flow").stdout.decode().replace("labels: {}", "labels: {app: prune}")
    lines(workstation, "apply", "-f", "-", stdin=workflow)
    assert lines(workstation, "apply", "-f", "-", "--prune", "-l", "app=prune", stdin=one)[-1] == "workflow/flow pruned"
    assert "wants a label" in complaint(workstation, "apply", "-f", "-", "--prune", code=64)


def test_outcomes_as_json(workstation: Workstation) -> None:
    told = json.loads(workstation.run("apply", "-f", "-", "-o", "json", stdin=TEAM.encode()).stdout)
    assert [(each["kind"], each["name"], each["outcome"]) for each in told] == [
        ("AgentInstance", "reviewer-here", "unchanged"),
        ("Agent", "reviewer", "unchanged"),
        ("Environment", "team", "unchanged"),
    ]


def test_every_reference_to_nowhere_is_said_where_it_stands(workstation: Workstation) -> None:
    instance = "kind: AgentInstance\nmetadata: {{name: {0}}}\nspec:\n  agent: nobody-{0}\n"
    said = complaint(
        workstation, "apply", "-f", "-", stdin=instance.format("x") + "---\n" + instance.format("y"), code=66
    ).splitlines()
    assert [line.partition(": ")[0] for line in said[:2]] == ["-:4:3", "-:9:3"]
    assert "no agent `nobody-x`" in said[0]
    assert "no agent `nobody-y`" in said[1]


def test_an_unknown_kind_is_refused_with_the_nearest_or_all(workstation: Workstation) -> None:
    assert "no kind of resource; did you mean `agents`?" in complaint(workstation, "get", "agentss", code=64)
    assert "no kind of resource; kinds are agents, agent-instances, " in complaint(
        workstation, "get", "UNICORNS", code=64
    )


def test_one_mistake_stores_nothing_and_all_are_said(workstation: Workstation, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        environment("never-stored") + "---\nkind: Agent\nmetadata: {name: m}\nspec:\n  instructions: short\n"
    )
    (tmp_path / "b.json").write_text('{"kind": "Environment", "metadata": {"name": "b"},\n "spec": {"dat": {}}}')
    said = complaint(workstation, "apply", "-f", str(tmp_path), code=65)
    assert f"{tmp_path}/a.yaml:9:3: must be at least 10 characters (spec.instructions)\n" in said
    assert f"{tmp_path}/b.json:2:11: unknown field `dat` (spec.dat): did you mean `data`?\n" in said
    assert said.endswith("stigmer: nothing was stored\n")
    complaint(workstation, "get", "environment", "never-stored", code=66)


def test_what_only_the_server_can_say_has_its_place_too(workstation: Workstation) -> None:
    text = environment("never-stored") + (
        "---\nkind: AgentInstance\nmetadata: {name: lost}\nspec:\n  agent: nowhere\n  environmentRefs: [team, missing]\n"
        "---\nkind: Agent\nmetadata: {name: mine}\nspec:\n  instructions: Do as I say.\n  model: shell\n"
    )
    said = complaint(workstation, "apply", "-f", "-", code=65, stdin=text)
    assert "-:9:3: there is no agent `nowhere`, here or stored (spec.agent): describe it as well" in said
    assert "-:10:27: there is no environment `missing`, here or stored (spec.environmentRefs[1])" in said
    assert "-:16:3: must name a model (spec.model)" in said
    complaint(workstation, "get", "environment", "never-stored", code=66)


def test_names_and_labels_at_the_limit_and_one_past_it(workstation: Workstation) -> None:
    for text in (
        environment("n" * 256),
        environment("labelled", app="v" * 256),
        environment("labelled", **{"k" * 256: "v"}),
    ):
        assert lines(workstation, "apply", "-f", "-", "--dry-run", stdin=text)[0].endswith(
            "created (not stored: --dry-run)"
        )
    said = complaint(workstation, "apply", "-f", "-", "--dry-run", code=65, stdin=environment("n" * 257))
    assert said.startswith("-:3:12: ")
    assert "(metadata.name)" in said
    assert "256" in said
    for text in (environment("labelled", app="v" * 257), environment("labelled", **{"k" * 257: "v"})):
        said = complaint(workstation, "apply", "-f", "-", "--dry-run", code=65, stdin=text)
        assert said.startswith("-:3:28: ")
        assert "(metadata.labels" in said


def test_a_version_that_is_old_is_refused_with_its_place(workstation: Workstation) -> None:
    lines(workstation, "apply", "-f", "-", stdin=environment("raced"))
    mine = workstation.run("get", "environment", "raced", "-o", "yaml").stdout.decode()
    lines(workstation, "apply", "-f", "-", stdin=environment("raced", "b"))
    said = complaint(workstation, "apply", "-f", "-", stdin=mine.replace("value: a", "value: c"), code=73)
    assert "-:3:1: the environment 'raced' is at version 2, the change was made from '1'" in said


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (["-"], b"", "there is no document in it"),
        (["-"], b"---\n---\n", "there is no document in it"),
        (["-"], b"caf\xe9", "-:1:4: byte 0xe9 is not UTF-8"),
        (["-"], b"\x1b]0;evil\x07: [", "-:1:1: there is a character that YAML does not allow"),
        (["-"], b"[" * 200_000, "nested more than 64 deep"),
        (["/no/such/file"], b"", "/no/such/file: is not there"),
        (["/proc/self/environ"], b"", "/proc/self/environ:1:"),
    ],
)
def test_bad_files_are_said_in_words(workstation: Workstation, arguments: list[str], stdin: bytes, words: str) -> None:
    done = workstation.run("apply", "-f", *arguments, stdin=stdin, code=65)
    assert words in done.stderr.decode()
    assert b"\x1b" not in done.stderr


def test_an_empty_directory_is_said_in_words(workstation: Workstation, tmp_path: Path) -> None:
    assert "has no .yaml, .yml or .json file in it" in complaint(workstation, "apply", "-f", str(tmp_path), code=65)
    (tmp_path / "package.json").write_text("{}")
    said = complaint(workstation, "apply", "-f", str(tmp_path), code=65)
    assert "describes nothing of Stigmer's; passed over" in said
    assert "there is no document in it" in said
