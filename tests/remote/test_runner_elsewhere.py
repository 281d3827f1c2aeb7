"""A runner on another machine, as far as one can have one: a home with a server that listens, and another home whose runner works for it."""

import asyncio
import hashlib
import json
import os
import platform
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.load.proxy import proxied
from tests.remote.test_by_command import key_of
from tests.support.waiting import eventually
from tests.support.workstation import Workstation, new_workstation

SECRET = b"a-value-that-is-not-shown"


@pytest.fixture
def server() -> Generator[Workstation]:
    """The machine that has everything."""
    with new_workstation() as workstation:
        yield workstation


@pytest.fixture
def other() -> Generator[Workstation]:
    """The machine that has a runner alone."""
    with new_workstation() as workstation:
        workstation.home.mkdir(parents=True)
        yield workstation


@pytest.fixture
def port() -> int:
    """One that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


@contextmanager
def running(other: Workstation, address: str, key: str, *words: str) -> Generator[subprocess.Popen[bytes]]:
    """A runner of `other` for the server at `address`, until the end of the block."""
    file = other.home / "key"
    file.touch(mode=0o600)
    file.write_text(key)
    child = other.start("runner", "start", "--backend", address, "--token-file", str(file), *words)
    try:
        yield child
    finally:
        child.terminate()
        child.communicate(timeout=30)


def listed(server: Workstation) -> str:
    """What `stigmer runner list` says."""
    return server.run("runner", "list").stdout.decode()


def started(server: Workstation, address: str) -> str:
    """Start the server, and make a key for a runner."""
    server.run("server", "start", "--listen", address)
    return key_of(server, "gpu box", "--role", "runner")


def test_a_runner_elsewhere_takes_what_asks_for_it(server: Workstation, other: Workstation, port: int) -> None:
    address = f"localhost:{port}"
    key = started(server, address)
    with running(other, address, key, "--labels", "gpu,linux") as child:
        server.until(lambda: "gpu,linux" in listed(server), "the runner is connected")
        here = server.run("run", "shell", "-m", "pwd").stdout.decode().strip()
        there = server.run("run", "shell", "-m", "pwd", "--runner", "gpu").stdout.decode().strip()
        assert here.startswith(str(server.home)), "what asks for nothing stays on the server's machine"
        assert there.startswith(str(other.home)), "its directory is one of the runner's machine"
        assert Path(there).stat().st_mode & 0o077 == 0
        line = "echo it is $WORD; printf %s $WORD | sha256sum"
        words = ("run", "shell", "-m", line, "--secret", "WORD", "--runner", "gpu")
        said = server.run(*words, stdin=SECRET + b"\n").stdout
        assert hashlib.sha256(SECRET).hexdigest().encode() in said, "the value reached the command there, just in time"
        assert SECRET not in said
        for file in other.home.rglob("*"):
            assert not file.is_file() or SECRET not in file.read_bytes(), file
        waits = server.run("run", "shell", "-m", "true", "--runner", "tpu", "--detach").stdout.decode().strip()
        server.until(lambda: "label 'tpu'" in rows(server, waits), "why it waits is said")
        server.run("cancel", waits)
        status = server.run("server", "status").stdout.decode()
        assert f"on {platform.node()}, labels gpu, linux" in status
        assert child.poll() is None


def rows(server: Workstation, execution_id: str) -> str:
    """An execution's row."""
    found = json.loads(server.run("get", "executions", "-o", "json").stdout)
    return json.dumps(next(row for row in found if row["executionId"] == execution_id)).replace('\\"', '"')


def test_a_drained_runner_ends_what_it_runs_and_leaves(server: Workstation, other: Workstation, port: int) -> None:
    address = f"localhost:{port}"
    key = started(server, address)
    with running(other, address, key) as child:
        server.until(lambda: platform.node() in listed(server), "the runner is connected")
        runner_id = next(line.split()[0] for line in listed(server).splitlines() if platform.node() in line)
        name = (
            server.run("run", "shell", "-m", "sleep 5; echo to the end", "--runner", runner_id, "--detach")
            .stdout.decode()
            .strip()
        )
        server.until(lambda: "runs 1" in listed(server), "it runs")
        assert b"it runs 1 still" in server.run("runner", "drain", runner_id).stdout
        assert "leaving" in listed(server)
        assert child.poll() is None
        server.until(lambda: child.poll() is not None, "it left")
        assert child.returncode == 0
        assert b"to the end" in server.run("logs", name).stdout
        assert b"no runner is connected" in server.run("runner", "drain", runner_id, code=None).stderr


async def test_a_run_elsewhere_survives_cuts_and_a_killed_server(
    server: Workstation, other: Workstation, port: int
) -> None:
    key = await asyncio.to_thread(started, server, f"localhost:{port}")
    async with proxied(port) as proxy:
        with running(other, proxy.endpoint, key, "--labels", "far"):
            await asyncio.to_thread(server.until, lambda: "far" in listed(server), "the runner is connected")
            line = "for i in $(seq 1 60); do echo tick $i; sleep 0.1; done"
            words = ("run", "shell", "-m", line, "--runner", "far", "--detach")
            name = (await asyncio.to_thread(server.run, *words)).stdout.decode().strip()
            for _ in range(3):
                await asyncio.sleep(0.7)
                proxy.cut()
            server.kill((await asyncio.to_thread(server.status))["pid"])
            await asyncio.to_thread(server.run, "server", "start", "--listen", f"localhost:{port}")

            async def ended() -> bool:
                return await asyncio.to_thread(server.phase, name) == "EXECUTION_COMPLETED"

            await eventually(ended)
            said = (await asyncio.to_thread(server.run, "logs", name)).stdout.decode()
            assert [line for line in said.splitlines() if line.startswith("tick")] == [
                f"tick {n}" for n in range(1, 61)
            ]


def test_keys_of_other_roles_and_bad_files_are_refused(server: Workstation, other: Workstation, port: int) -> None:
    address = f"localhost:{port}"
    runner_key = started(server, address)
    operator = key_of(server, "laptop")
    with running(other, address, operator) as child:
        _, said = child.communicate(timeout=60)
        assert child.returncode == 77
        assert b"a runner takes one of its own" in said
    (other.home / "open").write_text(runner_key)
    os.chmod(other.home / "open", 0o644)
    words = ("runner", "start", "--backend", address, "--token-file", str(other.home / "open"))
    assert b"chmod 600" in other.run(*words, code=77).stderr
    assert b"apikey create" in other.run("runner", "start", "--backend", address, code=None).stderr
    assert b"no server is named" in other.run("runner", "start", code=None).stderr
    with running(other, address, runner_key) as child:
        server.until(lambda: platform.node() in listed(server), "the runner is connected")
        client_words = ("get", "agents")
        refused = other_client(other, address, runner_key).run(*client_words, code=None)
        assert b"may not" in refused.stderr, "a runner's key is for runners"
        server.run("apikey", "revoke", "gpu box")
        server.kill(server.status()["pid"])
        server.run("server", "start", "--listen", address)
        child.wait(timeout=60)
        assert child.returncode == 77, "a key that was revoked opens nothing"


def other_client(other: Workstation, address: str, key: str) -> Workstation:
    """Commands of the other machine, with that key."""
    return Workstation(other.home, {"MODE": "cloud", "STIGMER_BACKEND_ENDPOINT": address, "STIGMER_API_KEY": key})


def test_the_mode_cloud_names_the_server(server: Workstation, other: Workstation, port: int) -> None:
    """As in a container: everything comes from the environment."""
    address = f"localhost:{port}"
    key = started(server, address)
    child = other_client(other, address, key).start("runner", "start", "--labels", "boxed")
    try:
        server.until(lambda: "boxed" in listed(server), "the runner is connected")
        assert server.run("run", "shell", "-m", "echo there", "--runner", "boxed").stdout == b"there\n"
        child.terminate()
        child.communicate(timeout=30)
        assert child.returncode == 130
    finally:
        child.kill()
        child.communicate()
