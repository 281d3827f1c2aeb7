"""Resources from the command line: described, listed, edited, deleted and restored, on a real daemon."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.cli.dialogue import dialogue
from tests.support.workstation import Workstation, new_workstation

TEAM = """\
apiVersion: agentic.stigmer.ai/v1
kind: AgentInstance
metadata: {name: reviewer-here, labels: {app: team}}
spec: {agent: reviewer, environmentRefs: [team]}
---
kind: Agent
metadata: {name: Reviewer, labels: {app: team}}
spec:
  instructions: |
    Review what changed.
    Be kind.
---
kind: Environment
metadata: {name: team, labels: {app: team}}
spec:
  description: For reviews
  data: {REGION: {value: eu}}
"""


@pytest.fixture(scope="module")
def workstation() -> Generator[Workstation]:
    with new_workstation() as made:
        made.run("apply", "-f", "-", stdin=TEAM.encode())
        yield made


def lines(workstation: Workstation, *arguments: str, stdin: str = "", code: int = 0) -> list[str]:
    return workstation.run(*arguments, stdin=stdin.encode(), code=code).stdout.decode().splitlines()


def complaint(workstation: Workstation, *arguments: str, code: int, stdin: str = "") -> str:
    done = workstation.run(*arguments, stdin=stdin.encode(), code=code)
    said = done.stderr.decode()
    assert "Traceback" not in said
    assert "\x1b" not in said
    return said


def environment(name: str, value: str = "a", **labels: str) -> str:
    return f"---\nkind: Environment\nmetadata: {{name: {name}, labels: {json.dumps(labels)}}}\nspec: {{data: {{A: {{value: {value}}}}}}}\n"


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


# -- edit ---------------------------------------------------------------------------------------------------------------------


def edit(
    workstation: Workstation, tmp_path: Path, program: str, *, code: int, name: str
) -> "subprocess.CompletedProcess[bytes]":
    """Edit an environment with a Python program as the editor; `path` is the file, `text` what is in it."""
    script = tmp_path / "editor.py"
    script.write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n{program}\n")
    environ: Mapping[str, str] = {"VISUAL": f"{sys.executable} {script}", "TMPDIR": str(tmp_path)}
    return Workstation(workstation.home, environ).run("edit", "environment", name, code=code)


def kept(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.glob("stigmer-edit-*/*.yaml"))


def test_an_edit_without_a_change_stores_nothing(workstation: Workstation, tmp_path: Path) -> None:
    for program in ("pass", "path.write_text('')"):
        assert edit(workstation, tmp_path, program, code=0, name="team").stdout == b"environment/team unchanged\n"
    assert not list(tmp_path.glob("stigmer-edit-*"))


def test_an_edit_is_stored_and_its_file_removed(workstation: Workstation, tmp_path: Path) -> None:
    lines(workstation, "apply", "-f", "-", stdin=environment("edited"))
    program = "assert text.startswith('# yaml-language-server: $schema=environment.json')\nassert (path.parent / 'environment.json').exists()\npath.write_text(text.replace('value: a', 'value: b'))"
    assert edit(workstation, tmp_path, program, code=0, name="edited").stdout == b"environment/edited updated\n"
    assert lines(workstation, "get", "env", "edited", "-o", "jsonpath=$.spec.data.A.value") == ["b"]
    assert not list(tmp_path.glob("stigmer-edit-*"))


def test_a_mistake_opens_the_editor_again_with_what_is_wrong_at_the_line(
    workstation: Workstation, tmp_path: Path
) -> None:
    lines(workstation, "apply", "-f", "-", stdin=environment("mended"))
    seen = tmp_path / "seen"
    program = (
        f"if '#! ' in text:\n    pathlib.Path({str(seen)!r}).write_text(text)\n    path.write_text(text.replace('valu: c', 'value: c'))\n"
        "else:\n    path.write_text(text.replace('value: a', 'valu: c'))"
    )
    assert edit(workstation, tmp_path, program, code=0, name="mended").stdout == b"environment/mended updated\n"
    assert "#! unknown field `valu` (spec.data.A.valu): did you mean `value`?\n      valu: c\n" in seen.read_text()
    assert lines(workstation, "get", "env", "mended", "-o", "jsonpath=$.spec.data.A.value") == ["c"]


def test_a_mistake_that_is_left_keeps_the_text(workstation: Workstation, tmp_path: Path) -> None:
    program = "if '#! ' not in text:\n    path.write_text(text.replace('REGION:', 'REGION: ['))"
    done = edit(workstation, tmp_path, program, code=65, name="team")
    [path] = kept(tmp_path)
    assert str(path) in done.stderr.decode()
    assert "not YAML" in done.stderr.decode()


def test_the_name_stays(workstation: Workstation, tmp_path: Path) -> None:
    done = edit(
        workstation, tmp_path, "path.write_text(text.replace('slug: team', 'slug: taem'))", code=65, name="team"
    )
    assert "this describes environment/taem, not environment/team" in done.stderr.decode()


def test_two_who_edit_one_thing_overwrite_nothing(workstation: Workstation, tmp_path: Path) -> None:
    lines(workstation, "apply", "-f", "-", stdin=environment("shared"))
    other = tmp_path / "other.yaml"
    other.write_text(environment("shared", "theirs"))
    program = (
        f"import subprocess\nsubprocess.run([sys.executable, '-m', 'stigmer_tui', 'apply', '-f', {str(other)!r}], check=True, stdout=subprocess.DEVNULL)\n"
        "path.write_text(text.replace('value: a', 'value: mine'))"
    )
    done = edit(workstation, tmp_path, program, code=73, name="shared")
    assert "is at version 2, the change was made from '1'" in done.stderr.decode()
    [path] = kept(tmp_path)
    assert "value: mine" in path.read_text()
    assert str(path) in done.stderr.decode()
    assert lines(workstation, "get", "env", "shared", "-o", "jsonpath=$.spec.data.A.value") == ["theirs"]


def test_what_was_deleted_meanwhile_is_not_made_again(workstation: Workstation, tmp_path: Path) -> None:
    lines(workstation, "apply", "-f", "-", stdin=environment("fleeting"))
    program = (
        "import subprocess\nsubprocess.run([sys.executable, '-m', 'stigmer_tui', 'delete', 'env', 'fleeting'], check=True, stdout=subprocess.DEVNULL)\n"
        "path.write_text(text.replace('value: a', 'value: mine'))"
    )
    done = edit(workstation, tmp_path, program, code=73, name="fleeting")
    assert "was deleted meanwhile" in done.stderr.decode()
    complaint(workstation, "get", "env", "fleeting", code=66)


def test_an_editor_that_is_not_there_or_fails_is_said(workstation: Workstation, tmp_path: Path) -> None:
    for editor, words in (
        ("no-such-editor-here", "set EDITOR to one"),
        ("false", "ended with 1, nothing was stored"),
        ("'", "set EDITOR"),
    ):
        environ = {"EDITOR": editor, "VISUAL": "", "TMPDIR": str(tmp_path)}
        done = Workstation(workstation.home, environ).run("edit", "env", "team", code=None)
        assert done.returncode != 0
        assert words in done.stderr.decode()


# -- nouns --------------------------------------------------------------------------------------------------------------------


def test_agents_by_the_noun(workstation: Workstation) -> None:
    assert lines(
        workstation, "agent", "create", "Greeter", "-i", "Greet everybody in verse.", "-m", "openai/gpt-5"
    ) == ["agent/greeter created"]
    assert "already" in complaint(workstation, "agent", "create", "greeter", "-i", "Greet everybody in verse.", code=73)
    assert "agent/greeter" in lines(workstation, "agent", "list", "-o", "name")
    assert lines(workstation, "agent", "get", "greeter", "-o", "jsonpath=$.spec.model") == ["openai/gpt-5"]
    assert lines(workstation, "agent", "execute", "shell", "-m", "echo $((6*7))") == ["42"]
    assert lines(workstation, "agent", "delete", "greeter")[0] == "agent/greeter deleted"
    assert "at least 10" in complaint(workstation, "agent", "create", "x", "-i", "short", code=65)
    assert "NAME and --instructions" in complaint(workstation, "agent", "create", code=64)


def test_workflows_by_the_noun_and_running_them_comes_later(workstation: Workstation, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(workstation.run("new", "workflow", "nightly").stdout.decode())
    assert lines(workstation, "workflow", "create", "-f", str(file)) == ["workflow/nightly created"]
    assert "already" in complaint(workstation, "workflow", "create", "-f", str(file), code=73)
    assert "running them comes later" in complaint(workstation, "workflow", "execute", "nightly", code=79)
    assert "there is no workflow" in complaint(workstation, "workflow", "execute", "nope", code=66)
    assert lines(workstation, "workflow", "delete", "nightly")[0] == "workflow/nightly deleted"
    file.write_text(TEAM)
    assert "does not describe one workflow alone" in complaint(
        workstation, "workflow", "create", "-f", str(file), code=65
    )


def test_environments_by_the_noun(workstation: Workstation) -> None:
    assert lines(workstation, "environment", "create", "staging", "A=1", "B=x=y") == ["environment/staging created"]
    assert lines(workstation, "environment", "set", "staging", "A=2", "--unset", "B") == ["environment/staging updated"]
    assert lines(workstation, "environment", "set", "staging", "A=2") == ["environment/staging unchanged"]
    assert lines(workstation, "environment", "get", "staging", "-o", "jsonpath=$.spec.data") == [
        '{"A": {"value": "2"}}'
    ]
    assert lines(workstation, "environment", "delete", "staging") == ["environment/staging deleted"]


def test_sessions_by_the_noun(workstation: Workstation) -> None:
    workstation.run("run", "shell", "-m", "true")
    [session] = lines(workstation, "session", "list", "-n", "1", "-o", "jsonpath=$[*].metadata.id")
    assert lines(workstation, "session", "get", session, "-o", "name") == [f"session/{session}"]
    assert lines(workstation, "session", "delete", session)[0] == f"session/{session} deleted"


# -- projects -----------------------------------------------------------------------------------------------------------------


def test_a_new_project_can_be_applied_as_it_stands(tmp_path: Path) -> None:
    with new_workstation() as fresh:
        project = tmp_path / "my project"
        assert f"stigmer apply -f {project}" in "\n".join(lines(fresh, "init", str(project)))
        assert fresh.processes() == []
        assert lines(fresh, "apply", "-f", str(project)) == [
            "agent/my-project created",
            "agent-instance/my-project-here created",
            "environment/my-project created",
        ]
        assert {path.name for path in (project / ".stigmer" / "schemas").iterdir()} >= {
            "agent.json",
            "environment.json",
            "stigmer.json",
        }
        assert (project / "AGENTS.md").exists()
        assert (project / ".gitignore").exists()
        (project / "agent.yaml").write_text("mine")
        assert f"{project}/agent.yaml is there already, left as it is" in lines(fresh, "init", str(project))
        assert (project / "agent.yaml").read_text() == "mine"


def test_a_draft_is_printed_or_written_and_never_over_a_file(workstation: Workstation, tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    assert lines(workstation, "new", "environment", "drafted", "-f", str(file)) == [
        f"{file} written; make it so: stigmer apply -f {file}"
    ]
    assert file.read_text() == workstation.run("new", "environment", "drafted").stdout.decode()
    assert "is there already" in complaint(workstation, "new", "environment", "drafted", "-f", str(file), code=73)
    assert lines(workstation, "apply", "-f", str(file)) == ["environment/drafted created"]


def test_schemas_are_printed_or_written(workstation: Workstation, tmp_path: Path) -> None:
    assert json.loads(workstation.run("schema", "env").stdout)["title"] == "A Stigmer environment"
    assert json.loads(workstation.run("schema").stdout)["title"] == "A resource of Stigmer"
    assert len(lines(workstation, "schema", "--out", str(tmp_path / "s"))) == len(list((tmp_path / "s").iterdir())) == 8


def test_what_a_shell_completes_starts_no_daemon() -> None:
    with new_workstation() as fresh:
        environ = {
            **fresh.environ(),
            "_STIGMER_COMPLETE": "bash_complete",
            "COMP_WORDS": "stigmer get agent ",
            "COMP_CWORD": "3",
        }
        done = subprocess.run(fresh.command(), env=environ, capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"", b"")
        assert fresh.processes() == []
