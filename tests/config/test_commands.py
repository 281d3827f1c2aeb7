"""`stigmer config` and `stigmer backend`, from the outside."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from stigmer_tui.cli.config import complete_keys, complete_values
from stigmer_tui.cli.config import set_ as set_command
from tests.support.workstation import Workstation, new_workstation

SECRET = "sk-not-a-real-one-27182"


@pytest.fixture(scope="module")
def workstation() -> Generator[Workstation]:
    with new_workstation(OPENAI_API_KEY=SECRET, LOG_FORMAT="json", LOG_LEVEL="", ENV="", MODE="") as made:
        yield made


def test_set_get_list_unset_and_where_each_value_comes_from(workstation: Workstation) -> None:
    assert workstation.run("config", "path").stdout.decode().strip() == str(workstation.home / "config.yaml")
    assert b"log.level is debug (file, line 2)" in workstation.run("config", "set", "log.level", "debug").stdout
    assert workstation.run("config", "get", "log.level").stdout == b"debug\n"
    assert workstation.run("config", "get", "log.format", "--origin").stdout == b"json\nenvironment, LOG_FORMAT\n"
    table = workstation.run("config", "list").stdout.decode()
    assert "OPENAI_API_KEY" in table
    assert SECRET not in table
    rows = json.loads(workstation.run("config", "list", "--changed", "-o", "json").stdout)
    assert {"key": "log.level", "value": "debug", "origin": "file, line 2"} in rows
    assert {"key": "OPENAI_API_KEY", "value": "********", "origin": "environment, OPENAI_API_KEY"} in rows
    hidden = workstation.run("config", "set", "log.format", "text").stdout.decode()
    assert hidden == "log.format is json (environment, LOG_FORMAT)\n"
    assert b"log.level is info (default)" in workstation.run("config", "unset", "log.level").stdout
    assert b"does not stand in the file" in workstation.run("config", "unset", "log.level").stderr
    workstation.run("config", "unset", "log.format")
    assert workstation.processes() == []


def test_a_setting_says_what_has_to_be_installed_for_it(
    workstation: Workstation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STIGMER_HOME", str(tmp_path))

    def nothing(name: str) -> None:
        return None

    monkeypatch.setattr("stigmer_tui.cli.config.find_spec", nothing)
    assert set_command.main(["telemetry.prometheus", "127.0.0.1:9464"], standalone_mode=False) == 0
    assert "telemetry.prometheus is 127.0.0.1:9464" in (said := capsys.readouterr()).out
    assert "pip install 'stigmer[telemetry]'" in said.err
    monkeypatch.undo()
    assert b"pip" not in workstation.run("config", "set", "telemetry.prometheus", "127.0.0.1:9464").stderr
    workstation.run("config", "unset", "telemetry.prometheus")


def test_a_credential_is_not_written_and_one_that_is_there_is_noted(workstation: Workstation) -> None:
    refused = workstation.run("config", "set", "backend.local.llm.api_key", SECRET, code=65)
    assert b"stigmer secrets provider set" in refused.stderr
    assert SECRET.encode() not in refused.stderr + refused.stdout
    file = workstation.home / "config.yaml"
    file.write_text(f"backend:\n  local:\n    llm:\n      api_key: {SECRET}\n")
    listed = workstation.run("config", "list")
    assert b"safer in the keyring" in listed.stderr
    assert SECRET.encode() not in listed.stdout + listed.stderr
    workstation.run("config", "unset", "backend.local.llm.api_key")
    assert file.read_text() == ""


def test_a_mistake_in_the_file_is_said_by_every_command_that_needs_it_and_stops_the_daemon(
    workstation: Workstation,
) -> None:
    file = workstation.home / "config.yaml"
    file.write_text("log:\n  levle: info\n  format: xml\n")
    try:
        for arguments, code in ((["config", "list"], 65), (["backend", "status"], 65), (["get", "agents"], 65)):
            words = workstation.run(*arguments, code=code).stderr.decode()
            assert f"{file}:2:3: there is no setting log.levle: did you mean log.level?" in words
            assert f"{file}:3:3: log.format is 'xml': choose one of text, json" in words
            assert "Traceback" not in words
        assert "did you mean log.level?" in workstation.run("doctor", code=1).stdout.decode()
    finally:
        file.unlink()


def test_the_backend_says_what_answers(workstation: Workstation) -> None:
    assert b"no daemon runs" in workstation.run("backend", "status", code=69).stdout
    workstation.run("server", "start")
    shown = workstation.run("backend", "status").stdout.decode()
    assert shown.startswith("backend  local (default)\nanswers  the daemon, pid ")
    assert b"--endpoint HOST:PORT" in workstation.run("backend", "switch", "cloud", code=64).stderr
    assert workstation.run("backend", "switch", "local").stdout == b"backend.type is local (file, line 2)\n"
    workstation.run("server", "stop")


def test_the_mode_cloud_is_named_and_starts_nothing() -> None:
    with new_workstation(MODE="cloud") as cloud:
        assert b"not set" in cloud.run("backend", "status", code=69).stdout
        words = cloud.run("get", "agents", code=65).stderr.decode()
        assert "missing: STIGMER_BACKEND_ENDPOINT, STIGMER_API_KEY" in words
        words = cloud.run("server", "start", code=69).stderr.decode()
        assert "missing: STIGMER_BACKEND_ENDPOINT, STIGMER_API_KEY, DAYTONA_API_KEY, REDIS_HOST" in words
        assert cloud.processes() == []


def test_completion_offers_keys_and_values() -> None:
    with set_command.make_context("set", ["log.level", "x"]) as context:
        [key, value] = set_command.params
        assert complete_keys(context, key, "log.") == ["log.level", "log.format", "log.size_mib", "log.files"]
        assert complete_keys(context, key, "ENV") == []
        assert complete_values(context, value, "") == ["debug", "info", "warning", "error"]
