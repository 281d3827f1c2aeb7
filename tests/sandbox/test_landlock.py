"""What is different behind walls of Landlock alone: what is refused, what still works, what a person is told."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_apis.config import ExecutionMode
from stigmer_apis.home import Home
from stigmer_runner.hosting.sandboxes import Sandboxes
from stigmer_runner.policy.decision import Decision
from stigmer_runner.sandbox import Sandbox, SandboxKind, SpawnFailed, WorkspaceRefused, choose_sandbox
from tests.sandbox.driver import Shell, exited
from tests.sandbox.ground import Ground, require_landlock
from tests.tools.bench import new_bench


@pytest_asyncio.fixture
async def landlocked(ground: Ground) -> AsyncIterator[Sandbox]:
    require_landlock()
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.LANDLOCK)
    yield sandbox
    await sandbox.close()


WORKS = {
    "threads": "python3 -c 'import threading; t = threading.Thread(target=print, args=(1,)); t.start(); t.join()'",
    "processes": "python3 -c 'import subprocess; print(subprocess.run([\"true\"]).returncode)'",
    "pairs of sockets": "python3 -c 'import socket; a, b = socket.socketpair(); a.send(b\"x\"); print(b.recv(1))'",
    "pipes and here-documents": "cat <<EOF | tr a b | grep b\na\nEOF",
    "temporary files": "f=$(mktemp) && echo x >$f && cat $f && case $f in $TMPDIR/*) ;; *) exit 1; esac",
    "moving between directories": "mkdir -p a/b && echo x >a/f && mv a/f a/b/ && ln a/b/f hard && ln -s a/b/f soft && cat soft hard",
    "git": "git init -q . && git -c user.name=a -c user.email=b@c commit -q --allow-empty -m x && git log --oneline",
    "the terminal": "echo here >/dev/tty && stty size",
}


@pytest.mark.parametrize("name", WORKS)
async def test_ordinary_work_works(landlocked: Sandbox, ground: Ground, name: str) -> None:
    told = await Shell(landlocked, ground.workspace()).run(WORKS[name], network=False)
    assert exited(told), told.text
    assert told.text


REFUSED = {
    "a socket": "python3 -c 'import socket; socket.socket()'",
    "a datagram": "python3 -c 'import socket; socket.socket(type=socket.SOCK_DGRAM)'",
    "a socket of the file system": "python3 -c 'import socket; socket.socket(socket.AF_UNIX)'",
    "the home": "ls ~",
    "a terminal of others": "ls /dev/pts",
    "the system": "touch /usr/x",
    "another's temporary files": "ls /tmp",
    "the runner's environment": f"cat /proc/{os.getpid()}/environ",
    "a signal to the runner": f"kill -0 {os.getpid()}",
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_outside_is_refused(landlocked: Sandbox, ground: Ground, name: str) -> None:
    told = await Shell(landlocked, ground.workspace()).run(REFUSED[name], network=False)
    assert not exited(told), told.text
    assert "not permitted" in told.text or "denied" in told.text


async def test_with_the_network_open_only_the_internet_is(landlocked: Sandbox, ground: Ground) -> None:
    shell = Shell(landlocked, ground.workspace())
    assert exited(await shell.run("python3 -c 'import socket; socket.create_server((\"127.0.0.1\", 0))'"))
    assert "not permitted" in (await shell.run(REFUSED["a socket of the file system"])).text


async def test_a_workspace_around_stigmers_directories_is_refused(landlocked: Sandbox, ground: Ground) -> None:
    with pytest.raises(WorkspaceRefused, match="holds Stigmer's secrets"):
        await Shell(landlocked, ground.person).run("true")


async def test_the_runner_itself_is_not_confined(landlocked: Sandbox, ground: Ground) -> None:
    await Shell(landlocked, ground.workspace()).run("true")
    assert ground.token.read_text()
    (ground.outside / "mine").write_text("x")


async def test_auto_asks_and_says_why_and_hosts_are_refused(landlocked: Sandbox, ground: Ground) -> None:
    bench = await new_bench(ground, landlocked)
    bench.policy.preset = "auto"
    prepared = await bench.prepare("shell", command="make")
    assert prepared.decision is Decision.ASK
    assert "only behind whole walls" in prepared.reason
    assert "files of the workspace that run by themselves" in prepared.summary
    assert bench.session.network_of(Policy()) == Network.MODE_CLOSED
    bench.policy.network.CopyFrom(Network(mode=Network.MODE_HOSTS, hosts=["example.org"]))
    assert "single hosts cannot be opened behind walls of Landlock" in await bench.error("shell", command="true")
    await bench.close()


async def test_the_mode_decides(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    require_landlock()
    home = Home(root=ground.home, run=ground.run)
    sandboxes = Sandboxes(home, ExecutionMode.LANDLOCK)
    async with sandboxes.looked_at() as told:
        assert (told.kind, told.reason) == (SandboxKind.LANDLOCK, "")
    await sandboxes.close()
    monkeypatch.setattr("stigmer_runner.sandbox.landlock.version", lambda: 0)  # a kernel that is not ours
    sandboxes = Sandboxes(home, ExecutionMode.LANDLOCK)
    async with sandboxes.looked_at() as told:
        assert told.reason.startswith("commands are refused: ")
    with pytest.raises(SpawnFailed, match="good enough"):
        async with sandboxes.lent(None):
            raise AssertionError
    await sandboxes.close()
