"""Resources listed, described, deleted and restored from the command line, on a real daemon."""

import json
import os
import subprocess
from collections.abc import Generator

import pytest
import yaml

from tests.cli.described import TEAM, complaint, environment, lines
from tests.cli.dialogue import dialogue
from tests.support.workstation import Workstation, new_workstation


@pytest.fixture(scope="module")
def workstation() -> Generator[Workstation]:
    with new_workstation() as made:
        made.run("apply", "-f", "-", stdin=TEAM.encode())
        yield made


# -- get ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "heading"),
    [("agents", "MODEL"), ("ain", "ENVIRONMENTS"), ("Session", "SUBJECT"), ("workflows", "TASKS"), ("win", "WORKFLOW"), ("workflow-executions", "PHASE"), ("env", "VALUES"), ("execution-contexts", "EXECUTION"), ("skills", "TAG"), ("mcp-servers", "SERVER"), ("executions", "SUBJECT")],
)  # fmt: skip
def test_every_kind_has_a_table(workstation: Workstation, kind: str, heading: str) -> None:
    assert heading in lines(workstation, "get", kind)[0]


def test_every_form_of_a_list_and_of_one(workstation: Workstation) -> None:
    assert "agent/reviewer" in lines(workstation, "get", "agents", "-o", "name")
    assert lines(workstation, "get", "agent", "reviewer", "-o", "name") == ["agent/reviewer"]
    assert json.loads(workstation.run("get", "agt", "reviewer", "-o", "json").stdout)["metadata"]["name"] == "Reviewer"
    found = list(yaml.safe_load_all(workstation.run("get", "agents", "-l", "app=team", "-o", "yaml").stdout))
    assert [each["metadata"]["slug"] for each in found] == ["reviewer"]
    assert lines(workstation, "get", "agents", "-l", "app=team", "-o", "jsonpath=$[*].metadata.labels") == [
        '{"app": "team"}'
    ]
    assert lines(workstation, "get", "agent", "reviewer", "-o", "jsonpath=$.spec.instructions") == [
        "Review what changed.",
        "Be kind.",
        "",
    ]
    wide = lines(workstation, "get", "agent", "reviewer", "-o", "wide")
    assert wide[0].split()[-3:] == ["AGE", "VERSION", "LABELS"]
    assert wide[1].endswith("app=team")


def test_lists_go_over_pages_up_to_a_limit(workstation: Workstation) -> None:
    lines(
        workstation,
        "apply",
        "-f",
        "-",
        stdin="".join(environment(f"many-{number}", app="many") for number in range(30)),
    )
    assert len(lines(workstation, "get", "env", "-l", "app=many", "-o", "name")) == 30
    assert len(lines(workstation, "get", "env", "-l", "app=many", "-n", "7", "-o", "name")) == 7
    assert lines(workstation, "get", "env", "--text", "MANY-29", "-o", "name") == ["environment/many-29"]


def test_watch_prints_what_changes(workstation: Workstation) -> None:
    process = workstation.start("get", "env", "-l", "app=watched", "-o", "json", "--watch")
    assert process.stdout is not None
    try:
        lines(workstation, "apply", "-f", "-", stdin=environment("other", app="others"))
        shown: list[str] = []
        workstation.until(lambda: bool(watched(workstation, shown, process)), "a change is printed")
        assert json.loads(shown[0])["metadata"]["name"].startswith("watched")
    finally:
        process.terminate()
        process.communicate(timeout=30)


def watched(workstation: Workstation, shown: list[str], process: "subprocess.Popen[bytes]") -> list[str]:
    """Change something until the watcher, which may still be starting, has told of a change."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    name = f"watched-{len(lines(workstation, 'get', 'env', '-o', 'name'))}"
    lines(workstation, "apply", "-f", "-", stdin=environment(name, app="watched"))
    shown.extend(line.decode() for line in process.stdout.readlines())
    return shown


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["get", "agnets"], 64, "did you mean `agents`?"),
        (["get", "agent", "nobody"], 66, "`stigmer get agents` lists them"),
        (["get", "env", "taem"], 66, "did you mean 'team'?"),
        (["delete", "env", "teams"], 66, "did you mean 'team'?"),
        (["history", "env", "te"], 66, "there is no environment 'te'"),
        (["agent", "create", "curt", "-i", "Be nice"], 65, "instructions: must be at least 10 characters"),
        (["get", "agents", "-o", "xml"], 64, "is none of table, wide"),
        (["get", "agents", "-o", "jsonpath"], 64, "wants a path"),
        (["get", "agents", "-o", "jsonpath=$["], 64, "is no JSONPath"),
        (["get", "agents", "-l", "team"], 64, "is no label"),
        (["get", "agents", "--phase", "failed"], 64, "agents have none"),
        (["get", "agents", "--watch", "--text", "a"], 64, "do not go together"),
        (["describe", "env", "nobody"], 66, "there is no environment 'nobody'"),
        (["delete", "env", "nobody"], 66, "there is no environment 'nobody'"),
        (["history", "env", "nobody"], 66, "there is no environment 'nobody'"),
        (["history", "env", "team", "--restore", "99"], 66, "99"),
        (["edit", "env", "nobody"], 66, "there is no environment 'nobody'"),
        (["edit", "execution", "aex-1"], 64, "stigmer run"),
        (["new", "agnet", "x"], 64, "did you mean `agent`?"),
        (["schema", "skill"], 64, "pushed whole"),
    ],
)
def test_bad_input_is_said_in_words(workstation: Workstation, arguments: list[str], code: int, words: str) -> None:
    assert words in complaint(workstation, *arguments, code=code)


# -- describe, history, delete ------------------------------------------------------------------------------------------------


def test_a_page_shows_who_depends_on_it_what_ran_and_what_it_was(workstation: Workstation) -> None:
    page = lines(workstation, "describe", "environment", "team")
    assert "Labels:   app=team" in page
    assert "  agent-instance/reviewer-here" in page
    assert "      value: eu" in page
    workstation.run("run", "shell", "-m", "echo described")
    assert any("echo described" in line for line in lines(workstation, "describe", "agent", "shell"))


def test_history_shows_changes_and_restores_one(workstation: Workstation) -> None:
    lines(workstation, "apply", "-f", "-", stdin=environment("old", "a"))
    lines(workstation, "apply", "-f", "-", stdin=environment("old", "b"))
    assert [line.split()[0] for line in lines(workstation, "history", "env", "old")] == ["VERSION", "2", "1"]
    changes = lines(workstation, "history", "env", "old", "--diff")
    assert "-      value: a" in changes
    assert "+      value: b" in changes
    assert lines(workstation, "history", "env", "old", "--restore", "1") == [
        "environment/old is as in version 1 again (version 3)"
    ]
    assert lines(workstation, "get", "env", "old", "-o", "jsonpath=$.spec.data.A.value") == ["a"]
    told = json.loads(workstation.run("history", "env", "old", "-o", "json").stdout)
    assert [each["event"] for each in told] == ["restored", "updated", "created"]


def test_delete_says_what_goes_along_and_what_holds_it(workstation: Workstation) -> None:
    text = "kind: Agent\nmetadata: {name: brief}\nspec: {instructions: Say hello to all.}\n---\nkind: AgentInstance\nmetadata: {name: brief-here}\nspec: {agent: brief}\n"
    lines(workstation, "apply", "-f", "-", stdin=text)
    assert lines(workstation, "delete", "agent", "brief", "--dry-run") == [
        "agent/brief would be deleted",
        "  with agent-instance/brief-default",
        "  held by agent-instance/brief-here",
    ]
    assert "held by agent-instance/brief-here" in complaint(workstation, "delete", "agent", "brief", code=79)
    shown = lines(workstation, "delete", "agent", "brief", "--force")
    assert shown[0] == "agent/brief deleted"
    assert sorted(shown[1:]) == ["  with agent-instance/brief-default", "  with agent-instance/brief-here"]
    complaint(workstation, "get", "ain", "brief-here", code=66)


def test_in_a_terminal_delete_asks_first(workstation: Workstation) -> None:
    lines(workstation, "apply", "-f", "-", stdin=environment("asked"))
    words = workstation.command("delete", "env", "asked")
    for answer, code, outcome in (
        ("n\n", 0, "nothing was deleted"),
        ("\x03", 130, ""),
        ("y\n", 0, "environment/asked deleted"),
    ):
        with dialogue(words, workstation.environ()) as terminal:
            terminal.until("Delete? [y/N]:")
            assert "environment/asked would be deleted" in terminal.shown
            if answer == "\x03":
                terminal.interrupt()
            else:
                terminal.say(answer)
            assert terminal.end() == code
            assert outcome in terminal.shown
    complaint(workstation, "get", "env", "asked", code=66)


def test_in_a_terminal_a_diff_has_colours_unless_none_are_wanted(workstation: Workstation) -> None:
    lines(workstation, "apply", "-f", "-", stdin=environment("painted"))
    lines(workstation, "apply", "-f", "-", stdin=environment("painted", "b"))
    words = workstation.command("history", "env", "painted", "--diff")
    with dialogue(words, workstation.environ()) as terminal:
        assert terminal.end() == 0
        assert "\x1b[32m+      value: b" in terminal.shown
    with dialogue(words, {**workstation.environ(), "NO_COLOR": "1"}) as terminal:
        assert terminal.end() == 0
        assert "\x1b[" not in terminal.shown
