"""Every probe of the sandbox, and some more, as commands that a model runs: none reaches anything."""

import asyncio
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network
from stigmer_runner.sandbox import SandboxKind, choose_sandbox
from tests.sandbox.ground import kinds
from tests.sandbox.probes import POSTLUDE, PRELUDE
from tests.sandbox.probing import AT_ONCE, PYTHON, World, probes
from tests.support.require import missing, require_tool
from tests.tools.bench import ToolBench, new_bench

NETWORK = {
    "loopback service": 'connect(("127.0.0.1", int(os.environ["W_PORT"])), socket.AF_INET)',
    "abstract socket": 'connect("\\0" + os.environ["W_ABSTRACT"])',
    "IPv6 loopback": 'connect(("::1", int(os.environ["W_PORT"])), socket.AF_INET6)',
    "another machine": 'socket.create_connection(("1.1.1.1", 53), timeout=3); reached()',
    "a name": 'socket.getaddrinfo("example.org", 80); reached()',
    "datagram": 's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("8.8.8.8", 53)); reached()',
    "raw socket": 'socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).sendto(b"x" * 8, ("1.1.1.1", 0)); reached()',
    "packet socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW); reached()",
    "machine's own network": 'reached() if libc.setns(os.open("/proc/1/ns/net", os.O_RDONLY), 0) == 0 and len(os.listdir("/sys/class/net")) > 1 else None',
    "new interface": 'import subprocess; subprocess.run(["ip", "link", "add", "x", "type", "dummy"], check=True); reached()',
}
PLANTED = {
    "git hook": 'open(workspace + "/.git/hooks/pre-commit", "w"); reached()',
    "git configuration": 'open(workspace + "/.git/config", "a"); reached()',
    "shell's start": 'open(workspace + "/.envrc", "a"); reached()',
    "by another name": 'os.rename(workspace + "/.git", workspace + "/other"); reached()',
    "instructions removed": 'os.unlink(workspace + "/AGENTS.md"); reached()',
    "by a hard link": 'os.link(workspace + "/AGENTS.md", workspace + "/x"); open(workspace + "/x", "a"); reached()',
    "by a mount": 'libc_call("mount", b"none", (workspace + "/.git/hooks").encode(), b"tmpfs", 0, None); reached()',
    "by undoing a mount": 'libc_call("umount2", (workspace + "/.envrc").encode(), 2); reached()',
    "by a remount": 'libc_call("mount", None, (workspace + "/.envrc").encode(), None, 4096 | 32, None); reached()',
}


@pytest.fixture
def world(short_tmp: Path) -> World:
    return World(short_tmp.resolve())


SEEN = (
    "process: list",
    "process: handle",
    "process: priority",
    "socket: the names of all",
    "file: kernel settings of any kind",
)
"""What Landlock does not hide, as its description says."""


@pytest.mark.parametrize("kind", [SandboxKind.BUBBLEWRAP, SandboxKind.LANDLOCK], ids=lambda kind: kind.value)
async def test_no_probe_of_a_models_command_reaches_anything(world: World, kind: SandboxKind) -> None:
    require_tool("bwrap")
    if kind not in kinds():
        missing("this kernel has no Landlock of Linux 6.2 or later")
    whole = kind is SandboxKind.BUBBLEWRAP
    (world.workspace / ".git/hooks").mkdir(parents=True)
    for name in (".git/config", ".envrc", "AGENTS.md"):
        (world.workspace / name).write_text("mine")
    with world.standing():
        sandbox = await choose_sandbox(world.ground.layout(), kind)
        bench = await new_bench(world.ground, sandbox, workspace=world.workspace, environment=world.variables())
        programs = {probe.name: probe.program for probe in probes() if whole or probe.name not in SEEN}
        tried = {**NETWORK, **(PLANTED if whole else {})}
        programs |= {name: f"{PRELUDE}    {code}{POSTLUDE}" for name, code in tried.items()}
        assert len(programs) >= 40
        await _all_blocked(bench, programs)
        bench.policy.network.mode = Network.MODE_HOSTS
        if whole:
            await _all_blocked(bench, NETWORK_PROGRAMS)
        else:
            assert "single hosts cannot be opened" in await bench.error("shell", command="true")
        appeared = [probe.name for probe in probes() if world.appeared(probe)]
        assert appeared == []
        bench.policy.network.mode = Network.MODE_CLOSED
        told = await bench.text("shell", command="env")
        assert "must-not-be-seen" not in told
        await bench.close()
        await asyncio.wait_for(sandbox.close(), 30)
    assert (world.workspace / ".git/config").read_text() == "mine"
    assert list((world.workspace / ".git/hooks").iterdir()) == []


async def _all_blocked(bench: ToolBench, programs: Mapping[str, str]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str, program: str) -> None:
        async with gate:
            said = await bench.text("shell", command=f"{PYTHON} -I -S -c {shlex.quote(program)}", timeout=30)
        assert "REACHED" not in said, (name, said)
        assert "BLOCKED" in said, (name, said)

    async with asyncio.TaskGroup() as group:
        for name, program in programs.items():
            group.create_task(one(name, program))


NETWORK_PROGRAMS = {name: f"{PRELUDE}    {code}{POSTLUDE}" for name, code in NETWORK.items()}
