"""Resources edited in an editor, made by their nouns and begun as projects, on a real daemon."""

import json
import subprocess
import sys
from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from tests.cli.described import TEAM, complaint, environment, lines
from tests.support.workstation import Workstation, new_workstation


@pytest.fixture(scope="module")
def workstation() -> Generator[Workstation]:
    with new_workstation() as made:
        made.run("apply", "-f", "-", stdin=TEAM.encode())
        yield made


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


def test_workflows_by_the_noun(workstation: Workstation, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(workstation.run("new", "workflow", "nightly").stdout.decode())
    assert lines(workstation, "workflow", "create", "-f", str(file)) == ["workflow/nightly created"]
    assert "already" in complaint(workstation, "workflow", "create", "-f", str(file), code=73)
    assert json.loads(workstation.run("workflow", "execute", "nightly").stdout) == {"greeting": "hello"}
    assert "there is no workflow" in complaint(workstation, "workflow", "execute", "nope", code=66)
    assert "workflow/nightly deleted" in lines(workstation, "workflow", "delete", "nightly", "--force")
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
