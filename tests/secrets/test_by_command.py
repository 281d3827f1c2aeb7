"""`stigmer secrets` and `stigmer run` as a person uses them, over a real daemon and runner."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from stigmer_apis.home import Home
from tests.secrets.session_bus import session_bus
from tests.support.workstation import Workstation, new_workstation
from tests.tui.real_terminal import real_terminal

KEY = "sk-ant-0123456789abcdef"
TOKEN = b"correct-horse-battery"


@pytest.fixture(scope="module")
def workstation() -> Generator[Workstation]:
    """A home without a keyring, whose daemon was started with a provider's key in its environment."""
    with new_workstation(DBUS_SESSION_BUS_ADDRESS="", ANTHROPIC_API_KEY=KEY) as made:
        yield made


def test_a_key_of_the_start_is_known_and_reaches_no_command(workstation: Workstation) -> None:
    listed = json.loads(workstation.run("secrets", "provider", "list", "-o", "json").stdout)
    assert listed == [{"provider": "anthropic", "origin": "environment"}]
    printed = workstation.run("run", "shell", "-m", "env; cat /proc/[0-9]*/environ 2>&1 | tr '\\0' '\\n'").stdout
    assert KEY.encode() not in printed
    assert b"PATH=" in printed


def test_a_secret_on_the_command_line_is_refused_and_not_repeated(workstation: Workstation) -> None:
    for arguments in (("TOKEN", "on-the-command-line"), ("TOKEN=on-the-command-line",)):
        for command in (("secrets", "set"), ("secrets", "provider", "set")):
            done = workstation.run(*command, *arguments, code=64)
            assert b"never an argument" in done.stderr
            assert b"on-the-command-line" not in done.stdout + done.stderr


def test_a_secret_that_is_none_is_refused_by_its_name(workstation: Workstation) -> None:
    said = workstation.run("secrets", "set", "PIN", stdin=b"1234", code=65).stderr
    assert b"the secret 'PIN' has 4 bytes; a secret has at least 8" in said


def test_a_key_that_is_kept_in_memory_alone_is_said(workstation: Workstation) -> None:
    status = json.loads(workstation.run("secrets", "status", "-o", "json").stdout)
    said = workstation.run("secrets", "set", "LASTING", stdin=TOKEN).stderr
    assert (b"gone when the daemon stops" in said) == (status["rung"] == "RUNG_MEMORY")
    workstation.run("secrets", "status", "--keep", "file")
    assert workstation.run("secrets", "set", "LASTING", stdin=TOKEN).stderr == b""


@pytest.mark.parametrize(
    ("given", "options", "length"),
    [
        (TOKEN + b"\n", (), 21),
        (TOKEN + b"\r\n", (), 21),
        (b"two\nlines of it\n", (), 16),
        (b"\xff\0binary-bytes", ("--base64",), 20),
    ],
)
def test_what_comes_in_is_what_a_command_gets(
    workstation: Workstation, given: bytes, options: tuple[str, ...], length: int
) -> None:
    workstation.run("secrets", "set", "TOKEN", "-e", "lengths", *options, stdin=given)
    instance = json.loads(workstation.run("get", "agentinstance", "shell-default", "-o", "json").stdout)
    instance["spec"]["environmentRefs"] = [{"kind": "environment", "slug": "lengths"}]
    del instance["status"]
    workstation.run("apply", "-f", "-", stdin=json.dumps(instance).encode())
    printed = workstation.run("run", "shell", "-m", "printf %s ${#TOKEN}").stdout
    assert printed == str(length).encode()


def test_an_instance_is_run_by_its_name_with_what_its_environments_give(workstation: Workstation) -> None:
    workstation.run("secrets", "set", "PLACED", "-e", "desk", stdin=TOKEN)
    described = """
kind: Agent
metadata: {name: placed}
spec: {instructions: Say what you were given., model: ollama/none, envSpec: {data: {PLACED: {isSecret: true}}}}
---
kind: AgentInstance
metadata: {name: placed-desk}
spec: {agent: placed, environmentRefs: [desk]}
---
kind: AgentInstance
metadata: {name: shell-desk}
spec: {agent: shell, environmentRefs: [desk]}
"""
    workstation.run("apply", "-f", "-", stdin=described.encode())
    assert workstation.run("run", "shell-desk", "-m", "printf %s ${#PLACED}").stdout == b"21"
    assert b"PLACED" in workstation.run("run", "placed", "-m", "hello", code=79).stderr
    begun = workstation.run("run", "placed-desk", "-m", "hello", "--detach").stdout.decode().split()[-1]
    workstation.run("cancel", begun, code=None)
    assert b"no agent named 'nobody'" in workstation.run("run", "nobody", "-m", "hello", code=66).stderr


def test_variables_of_a_run_do_not_carry_over_in_its_session(workstation: Workstation) -> None:
    first = workstation.detach("export KEPT=kept; echo $RUN", "-e", "RUN=of-this-run")
    workstation.until(lambda: workstation.phase(first) == "EXECUTION_COMPLETED", "the run ended")
    row = json.loads(workstation.run("get", "execution", first, "-o", "json").stdout)
    session = row["spec"]["sessionId"]
    printed = workstation.run("run", "shell", "-s", session, "-m", 'echo "$KEPT-$RUN-"').stdout
    assert printed.strip() == b"kept--"


def test_a_variable_that_no_command_can_take_ends_the_run_with_words(workstation: Workstation) -> None:
    done = workstation.run("run", "shell", "-m", "true", "--secret", "LARGE", stdin=b"x" * 200_000, code=None)
    assert done.returncode == 80
    assert b"LARGE" in done.stdout + done.stderr


def test_without_a_terminal_all_that_is_missing_is_named_at_once(workstation: Workstation) -> None:
    agent = {
        "apiVersion": "agentic.stigmer.ai/v1",
        "kind": "Agent",
        "metadata": {"name": "needy", "ownerScope": "organization"},
        "spec": {
            "instructions": "Say nothing without what you need.",
            "model": "gpt-5",
            "envSpec": {
                "data": {
                    "DEPLOY_KEY": {"isSecret": True, "description": "to deploy with"},
                    "REGION": {"description": "where"},
                }
            },
        },
    }
    workstation.run("apply", "-f", "-", stdin=json.dumps(agent).encode())
    said = workstation.run("run", "needy", "-m", "hello", code=79).stderr.decode()
    for wanted in ("OPENAI_API_KEY", "stigmer secrets provider set openai", "DEPLOY_KEY", "to deploy with", "--secret"):
        assert wanted in said
    assert [line.split()[:4] for line in said.splitlines()[1:]] == [
        ["stigmer", "secrets", "provider", "set"],
        ["run", "it", "with", "--secret"],
        ["run", "it", "with", "-e"],
    ]
    other = workstation.run("run", "needy", "-m", "hello", "--model", "claude-x", code=79).stderr.decode()
    assert "OPENAI_API_KEY" not in other


async def test_the_keyring_of_the_session_is_used(short_tmp: Path) -> None:
    with session_bus(short_tmp / "session") as bus:
        await bus.unlocked_keyring()
        environment = {name: bus.environment[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_DATA_HOME")}
        with new_workstation(**environment) as workstation:
            workstation.run("secrets", "set", "TOKEN", stdin=TOKEN)
            workstation.run("secrets", "provider", "set", "openai", "--remember", stdin=KEY.encode())
            workstation.run("server", "stop")
            status = json.loads(workstation.run("secrets", "status", "-o", "json").stdout)
            assert (status["rung"], status["locked"], status["secrets"]) == ("RUNG_KEYRING", "", "1")
            listed = json.loads(workstation.run("secrets", "provider", "list", "-o", "json").stdout)
            assert listed == [{"provider": "openai", "origin": "keyring"}]
            workstation.run("secrets", "provider", "delete", "openai")
            assert json.loads(workstation.run("secrets", "provider", "list", "-o", "json").stdout) == []


async def test_at_a_terminal_what_is_missing_is_asked_for_unseen() -> None:
    with new_workstation(DBUS_SESSION_BUS_ADDRESS="") as workstation:
        shell = json.loads(workstation.run("get", "agent", "shell", "-o", "json").stdout)
        shell["spec"]["envSpec"] = {
            "data": {"TOKEN": {"isSecret": True, "description": "to look at"}, "ZONE": {"description": "where"}}
        }
        del shell["status"]
        workstation.run("apply", "-f", "-", stdin=json.dumps(shell).encode())
        home = Home(root=workstation.home, run=workstation.home / "run")
        command = ("run", "shell", "-m", "echo ${#TOKEN} letters in $ZONE")
        async with real_terminal(home, command, environment=workstation.environment) as terminal:
            await terminal.shows("TOKEN (to look at):")
            terminal.send(TOKEN + b"\r")
            await terminal.shows("ZONE (where):")
            terminal.send(b"eu\r")
            await terminal.shows("21 letters in eu")
            assert TOKEN not in terminal.received
