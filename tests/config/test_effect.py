"""Settings do what they say: in the daemon that starts, in the runner that it starts, in their logs."""

import json
from pathlib import Path

import pytest

from tests.support.require import require_tool
from tests.support.scale import scaled
from tests.support.workstation import Workstation, new_workstation

MESSAGE = "unmistakable-7f3a"
SECRET = "sk-not-a-real-one-16180"


def logs(workstation: Workstation) -> str:
    return "".join(path.read_text() for path in (workstation.home / "logs").iterdir())


def has_walls(workstation: Workstation) -> bool:
    return bool(workstation.status()["runners"][0]["walls"])


def configured(workstation: Workstation, text: str) -> None:
    workstation.home.mkdir()
    (workstation.home / "config.yaml").write_text(text)


def test_databases_and_workspaces_lie_where_the_settings_want_them_and_commands_do_not_see_them(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    with new_workstation() as workstation:
        configured(workstation, f"backend:\n  local:\n    data_dir: {elsewhere}\n")
        shown = workstation.run(
            "run", "shell", "-m", f"pwd; ls -A {elsewhere}; cat {elsewhere}/tokens.json; true"
        ).stdout
        assert shown.decode().splitlines()[0].startswith(f"{elsewhere}/workspace/ses-")
        assert (elsewhere / "state.fs").exists()
        assert not (workstation.home / "data" / "state.fs").exists()
        if has_walls(workstation):
            assert shown.decode().splitlines()[1] == "workspace"
            assert b"No such file" in shown
        refused = workstation.run("run", "shell", "-m", "true", "--workspace", str(elsewhere), code=65)
        assert b"Stigmer keeps its own state" in refused.stderr


@pytest.mark.parametrize(("mode", "walls"), [("local", False), ("sandbox", True)])
def test_the_execution_mode_decides_about_walls(mode: str, walls: bool) -> None:
    require_tool("bwrap")
    with new_workstation(STIGMER_EXECUTION_MODE=mode) as workstation:
        assert workstation.run("run", "shell", "-m", "echo out").stdout == b"out\n"
        assert workstation.status()["runners"][0]["walls"] is walls


@pytest.mark.parametrize("form", ["json", "text"][: scaled(1, 2)])
def test_the_logs_name_executions_and_hold_nothing_that_was_said(form: str) -> None:
    """At every level, also where a command fails, is cancelled, and its runner is killed."""
    with new_workstation(LOG_LEVEL="debug", LOG_FORMAT=form, SOME_KEY=SECRET) as workstation:
        workstation.run("run", "shell", "-m", f"echo {MESSAGE}; no-such-{MESSAGE}; exit 3", code=3)
        execution_id = workstation.detach(f"echo {MESSAGE}; sleep 600")
        workstation.until(lambda: MESSAGE.encode() in workstation.run("logs", execution_id).stdout, "it runs")
        workstation.run("cancel", execution_id)
        workstation.until(lambda: workstation.phase(execution_id) == "EXECUTION_CANCELLED", "it is cancelled")
        killed = workstation.detach(f"echo {MESSAGE}; sh -c 'sleep 600' {MESSAGE}")
        workstation.until(lambda: workstation.phase(killed) == "EXECUTION_IN_PROGRESS", "it runs")
        workstation.kill(workstation.status()["runners"][0]["pid"])
        workstation.until(
            lambda: workstation.phase(killed) not in ("EXECUTION_IN_PROGRESS", "EXECUTION_PENDING"), "it ended"
        )
        workstation.run("server", "stop")
        text = logs(workstation)
        assert MESSAGE not in text
        assert SECRET not in text
        assert execution_id in text
        if form == "json":
            lines = [json.loads(line) for line in text.splitlines()]
            assert any(line.get("execution") == execution_id for line in lines)


def test_logs_are_kept_by_size_and_count() -> None:
    with new_workstation(LOG_LEVEL="debug") as workstation:
        configured(workstation, "log: {size_mib: 1, files: 2}\n")
        directory = workstation.home / "logs"
        directory.mkdir()
        for name in ("server.log", "runner.log"):
            (directory / name).write_text("x" * (1 << 20) + "\n")
            (directory / f"{name}.1").write_text("older\n")
            (directory / f"{name}.2").write_text("oldest\n")
        workstation.run("run", "shell", "-m", "true")
        for name in ("server.log", "runner.log"):
            workstation.until(lambda name=name: (directory / name).stat().st_size < 1 << 20, f"{name} is set aside")
            assert (directory / f"{name}.1").stat().st_size > 1 << 20
            assert (directory / f"{name}.2").read_text() == "older\n"
            assert not (directory / f"{name}.3").exists()


def test_a_credential_in_the_file_is_noted_in_the_log_without_it() -> None:
    with new_workstation() as workstation:
        configured(workstation, f"backend: {{local: {{llm: {{api_key: {SECRET}}}}}}}\n")
        workstation.run("server", "start")
        text = logs(workstation)
        assert "a credential stands in this file" in text
        assert SECRET not in text
