"""Secrets are planted wherever Stigmer takes one; then it is run, killed, cancelled and looked at, and nothing may hold them afterwards, or meanwhile."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from stigmer_apis.client import Client, TailBatch
from stigmer_apis.home import Home
from tests.canary.planting import new_secrets
from tests.canary.search import Hit, Search
from tests.canary.sinks import Watch, deleted_files, process_ids, tree
from tests.chaos.daemon import client_of
from tests.chaos.reading import everything
from tests.support.scale import scaled
from tests.support.workstation import Workstation, new_workstation
from tests.tui.real_terminal import real_terminal

PLANTED = ("OF_ENVIRONMENT", "OF_AGENT", "OF_SERVER", "OF_RUN", "OF_PROVIDER", "REPLACED", "DELETED", "PASSPHRASE")

BEGUN_SECONDS = 120.0
"""A command that has not begun by then never will."""

LOOKS = (
    ("secrets", "rotate"),
    ("secrets", "list"),
    ("get", "environments", "-o", "yaml"),
    ("get", "executions", "-o", "json"),
    ("doctor",),
    ("secrets", "status", "-o", "json"),
    ("secrets", "provider", "list"),
    ("get", "agents", "-o", "json"),
    ("describe", "environment", "work"),
    ("history", "environment", "work"),
    ("server", "status", "--json"),
)
"""Commands that show what there is."""

PRINTED = """
echo "$TOKEN"; echo "$RUN_TOKEN"; env
printf %s "$TOKEN" | base64; printf %s "user:$RUN_TOKEN" | base64 -w 0; echo
printf %s "$TOKEN" | od -An -v -tx1 | tr -d ' \\n'; echo
printf %s "${RUN_TOKEN:0:11}"; sleep 0.03; printf '%s\\n' "${RUN_TOKEN:11}"
set -x; : "$TOKEN"; set +x; ls "/nowhere/$TOKEN"
mkdir -p /tmp/there; cd /tmp/there; echo printed
"""
"""A line that prints its secrets in every way that people do without meaning to."""


@pytest.fixture
def workstation() -> Iterator[Workstation]:
    """A home and a directory for temporary files of its own."""
    with new_workstation(DBUS_SESSION_BUS_ADDRESS="") as made:
        temporary = made.home.parent / "tmp"
        temporary.mkdir()
        yield Workstation(made.home, {**made.environment, "TMPDIR": str(temporary)})


async def test_no_byte_of_anything_holds_a_secret(workstation: Workstation) -> None:
    secrets = new_secrets(*PLANTED)
    search = Search(secrets)
    hits: list[Hit] = []
    with Watch(search) as watch:
        _plant(workstation, secrets)
        hits += _said(search, workstation, _use(workstation, secrets))
        hits += await _looked_at(search, workstation)
        hits += search.look_at_all(deleted_files(process_ids()))
        await _crash(workstation, secrets)
        hits += search.look_at_all(deleted_files(process_ids()))
        hits += search.look_at_all(tree(workstation.home.parent))
        workstation.run("server", "stop")
    hits += search.look_at_all(tree(workstation.home.parent))
    assert [*hits, *watch.hits] == []
    assert watch.looks > 10


def _plant(workstation: Workstation, secrets: dict[str, str]) -> None:
    """Give each secret to Stigmer, in the way that people do."""
    workstation.run("secrets", "unlock", "--keep", "passphrase", stdin=secrets["PASSPHRASE"].encode() + b"\n")
    workstation.run("secrets", "provider", "set", "anthropic", stdin=secrets["OF_PROVIDER"].encode() + b"\n")
    for name, value in (("TOKEN", "OF_ENVIRONMENT"), ("OLD", "REPLACED"), ("GONE", "DELETED")):
        workstation.run("secrets", "set", name, "-e", "work", stdin=secrets[value].encode() + b"\n")
    workstation.run("secrets", "set", "OLD", "-e", "work", stdin=b"another value of it\n")
    workstation.run("secrets", "delete", "GONE", "-e", "work")
    shell: dict[str, Any] = json.loads(workstation.run("get", "agent", "shell", "-o", "json").stdout)
    shell["spec"]["mcpServerRefs"] = [{"kind": "mcp_server", "slug": "keyed"}]
    instance: dict[str, Any] = json.loads(workstation.run("get", "agentinstance", "shell-default", "-o", "json").stdout)
    instance["spec"]["environmentRefs"] = [{"kind": "environment", "slug": "work"}]
    for known in (shell, instance):
        known.pop("status", None)
    wanted = (_agent(secrets["OF_AGENT"]), _server(secrets["OF_SERVER"]), shell, instance)
    workstation.run("apply", "-f", "-", stdin="\n---\n".join(json.dumps(each) for each in wanted).encode())


def _agent(secret: str) -> dict[str, object]:
    return {
        "apiVersion": "agentic.stigmer.ai/v1",
        "kind": "Agent",
        "metadata": {"name": "keeper", "ownerScope": "organization"},
        "spec": {
            "instructions": "Keep it to yourself, whatever you are asked.",
            "envSpec": {"data": {"AGENT_TOKEN": {"value": secret, "isSecret": True}}},
        },
    }


def _server(secret: str) -> dict[str, object]:
    """One that the agent `shell` refers to: its secret goes to the runner with each run, and to no line."""
    return {
        "apiVersion": "agentic.stigmer.ai/v1",
        "kind": "McpServer",
        "metadata": {"name": "keyed", "ownerScope": "organization"},
        "spec": {
            "description": "Wants a key.",
            "stdio": {"command": "true"},
            "envSpec": {"data": {"SERVER_TOKEN": {"value": secret, "isSecret": True}}},
        },
    }


def _use(workstation: Workstation, secrets: dict[str, str]) -> list[bytes]:
    """Run commands that use the secrets, and print them, and everything that lists, shows, refuses and rotates. What all of them said."""
    said: list[bytes] = []
    line = "test ${#TOKEN} = 32 && test ${#RUN_TOKEN} = 32 && echo both are there"
    ran = workstation.run("run", "shell", "-m", line, "--secret", "RUN_TOKEN", stdin=secrets["OF_RUN"].encode())
    assert b"both are there" in ran.stdout
    said += [ran.stdout, ran.stderr]
    ran = workstation.run("run", "shell", "-m", PRINTED, "--secret", "RUN_TOKEN", stdin=secrets["OF_RUN"].encode())
    assert ran.stdout.count(b"[secret TOKEN]") >= 6
    assert ran.stdout.count(b"[secret RUN_TOKEN]") >= 4
    assert b"printed" in ran.stdout
    assert b"SERVER_TOKEN" not in ran.stdout
    said += [ran.stdout, ran.stderr]
    for arguments in LOOKS[: scaled(5, len(LOOKS))]:
        done = workstation.run(*arguments, code=None)
        said += [done.stdout, done.stderr]
    short = workstation.run("secrets", "set", "SHORT", stdin=b"seven-7", code=None)
    assert short.returncode
    return [*said, short.stdout, short.stderr]


async def _looked_at(search: Search, workstation: Workstation) -> list[Hit]:
    """Open the app, walk about in it, and search what it wrote to the terminal."""
    async with real_terminal(
        Home.at(workstation.home, {}), columns=240, rows=40, environment=workstation.environment
    ) as terminal:
        await terminal.until(lambda: any(shape in terminal.text for shape in "✓✗■"), "a run that ended")
        for key in ("\r", "\x1b", "?", "\x1b"):
            terminal.send(key)
        await terminal.until(lambda: len(terminal.received) > 2000, "a screen")
        return list(search.look("terminal of the app", bytes(terminal.received)))


async def _crash(workstation: Workstation, secrets: dict[str, str]) -> None:
    """Kill runner and daemon under a run that holds the secrets, start again, and cancel what goes on."""
    held = "printf %s ${#TOKEN}; sleep 300"
    async with client_of(workstation) as client:
        first = workstation.detach(held)
        await _begun(client, first)
        for word in ("stigmer_runner", "stigmer_backend.daemon"):
            for process in workstation.processes_of(word):
                await asyncio.to_thread(workstation.kill, process.pid)
        for process in workstation.processes_of("stigmer_runner"):
            await asyncio.to_thread(workstation.kill, process.pid)
        await asyncio.to_thread(workstation.run, "secrets", "unlock", stdin=secrets["PASSPHRASE"].encode() + b"\n")
        second = await asyncio.to_thread(workstation.detach, held)
        await _begun(client, second)
        for process in workstation.processes_of("stigmer_runner"):
            os.kill(process.pid, signal.SIGSEGV)
        for execution in (first, second):
            await asyncio.to_thread(workstation.run, "cancel", execution, code=None)
            await everything(client, execution, follow=True)


async def _begun(client: Client, execution_id: str) -> None:
    """Return once its command has printed something."""
    async with asyncio.timeout(BEGUN_SECONDS):
        async for item in client.tail(execution_id):
            if isinstance(item, TailBatch) and any(event.HasField("terminal_output") for event in item.events):
                return


def _said(search: Search, workstation: Workstation, said: list[bytes]) -> list[Hit]:
    return search.look_at_all((f"what a command said ({number})", data) for number, data in enumerate(said))


async def test_what_is_no_secret_is_found_in_files_in_commands_and_on_the_screen(workstation: Workstation) -> None:
    """The same searches over the same home, for values that nobody called secrets: they would see one."""
    secrets = new_secrets("PLAIN", "SHOWN")
    search = Search(secrets)
    with Watch(search) as watch:
        line = f"echo; echo {secrets['SHOWN']}; printf %s ${{#PLAIN}}"
        said = workstation.run("run", "shell", "-m", line, "-e", f"PLAIN={secrets['PLAIN']}").stdout
        assert said.endswith(b"32")
        on_screen = await _looked_at(Search({"SHOWN": secrets["SHOWN"]}), workstation)
        workstation.run("server", "stop")
    found = {hit.sink.split()[0] for hit in (*watch.hits, *search.look_at_all(tree(workstation.home.parent)))}
    assert {"file", "command"} <= found
    assert {(hit.sink, hit.secret) for hit in on_screen} == {("terminal of the app", "SHOWN")}
