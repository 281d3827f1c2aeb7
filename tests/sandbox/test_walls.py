"""From inside: nothing of Stigmer's, of the person's or of the machine's can be reached that is not meant to be.

Every probe runs outside first, where it has to find what it looks for: a probe that cannot find proves nothing.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from stigmer_runner.sandbox import (
    ExecutionRequest,
    Sandbox,
    SandboxKind,
    ShellState,
    SpawnFailed,
    WorkspaceRefused,
    choose_sandbox,
)
from tests.sandbox.driver import Shell, marker, until
from tests.sandbox.ground import CANARY, Ground, kinds
from tests.sandbox.probes import PROBES
from tests.sandbox.probing import PYTHON, Verdict, verdicts
from tests.support.require import missing, require_tool

OTHER = 65534
"""Another user, whom nothing of this machine belongs to."""

USERS = ("this user", "another user")

Verdicts = dict[str, Verdict]


@dataclass(frozen=True)
class Found:
    """What every user found."""

    verdicts: dict[str, Verdicts]
    gaps: dict[str, tuple[str, ...]]
    """What each kind of walls says of itself."""
    terminals: list[str] | None
    """What another user saw of a terminal; None where nobody could become one."""


@pytest.fixture(scope="module")
def found() -> Found:
    require_tool("bwrap")
    require_tool("unshare")
    if not Path(PYTHON).exists():
        missing(f"{PYTHON} is not there")
    found: dict[str, Verdicts] = {}
    seen: list[str] | None = None
    with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as base:
        found[USERS[0]] = asyncio.run(verdicts(Path(base).resolve() / "ground"))
        gaps = asyncio.run(_gaps(Path(base).resolve() / "ground"))
    if os.getuid() == 0:
        with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as base:
            told = subprocess.run(
                [sys.executable, "-m", "tests.sandbox.probing", str(Path(base).resolve()), str(OTHER)],
                stdout=subprocess.PIPE,
                check=True,
                timeout=110,
            )
        answer = json.loads(told.stdout)
        found[USERS[1]] = {name: Verdict(**verdict) for name, verdict in answer["verdicts"].items()}
        seen = answer["terminals"]
    return Found(found, gaps, seen)


async def _gaps(base: Path) -> dict[str, tuple[str, ...]]:
    told: dict[str, tuple[str, ...]] = {}
    for kind in kinds():
        sandbox = await choose_sandbox(Ground(base).layout(), kind)
        told[kind.value] = sandbox.description.gaps
        await sandbox.close()
    return told


GAPS = {
    "abstract sockets": ("socket: abstract",),
    "user namespaces": ("namespace: of users", "namespace: of users, by a clone"),
    "Key rings": ("keys: the session's ring", "keys: add"),
}
"""What `SandboxDescription.gaps` speaks of, and the probes that then get through."""


OF_LANDLOCK = {
    "names and arguments of all processes": (
        "process: list",
        "process: handle",
        "process: priority",
        "socket: the names of all",
    ),
    "Run as root": ("file: kernel settings of any kind",),
}
"""The same for Landlock: what is then reached is what the sandbox says of itself."""

CASES = [(user, probe.name) for user in USERS for probe in PROBES if user == USERS[0] or not probe.root]


@pytest.mark.parametrize(("user", "name"), CASES)
@pytest.mark.parametrize("kind", [SandboxKind.BUBBLEWRAP, SandboxKind.LANDLOCK], ids=lambda kind: kind.value)
async def test_what_is_found_outside_is_not_found_inside(found: Found, kind: SandboxKind, user: str, name: str) -> None:
    if kind not in kinds():
        missing("this kernel has no Landlock of Linux 6.2 or later")
    gaps = found.gaps[kind.value]
    if user not in found.verdicts:
        pytest.skip("only root can become another user")
    verdict = found.verdicts[user].get(name)
    if verdict is None:
        pytest.skip("on this machine, or for this user, there is nothing to reach even without walls")
    for gap, names in (OF_LANDLOCK if kind is SandboxKind.LANDLOCK else GAPS).items():
        if name in names and any(gap in sentence for sentence in gaps):
            pytest.skip(f"this machine cannot keep that out, and says so: {gap}")
    assert verdict.control_reached, f"the probe does not find it even outside: {verdict.outside}"
    assert verdict.walls_hold(kind.value), verdict.inside[kind.value]


def test_another_user_has_terminals_of_every_kind(found: Found) -> None:
    if found.terminals is None:
        pytest.skip("only root can become another user")
    ended = "cancelled ['setsid sleep 1000 & sleep 0.3; read -s word', 'sleep 1000']"
    assert found.terminals == ["/usr\n1\n", ended] * len(kinds())


BREAKS = [
    {"A": "x\0--bind\0/\0/mnt"},
    {"A\0--bind\0/\0/mnt\0--setenv\0B": "x"},
    {"": "x"},
    {"A=B": "x"},
]
"""Variables that would become options of bubblewrap, or none at all."""


@pytest.mark.parametrize("environment", BREAKS)
async def test_a_variable_cannot_become_an_option(shell: Shell, environment: dict[str, str]) -> None:
    shell.environment = environment
    with pytest.raises(SpawnFailed, match="cannot be given to a command"):
        await shell.run("ls /mnt")


@pytest.mark.parametrize("value", ["--bind", "--", "a\nb", "\udcff", "x" * 100_000])
async def test_any_value_of_a_variable_arrives(shell: Shell, value: str) -> None:
    shell.environment = {"VALUE": value}
    told = await shell.run('stty -opost; printf %s "$VALUE"')
    assert told.output == value.encode("utf-8", "surrogateescape")


async def test_a_nul_in_a_line_or_a_path_is_an_error(shell: Shell, ground: Ground) -> None:
    with pytest.raises(SpawnFailed, match="NUL"):
        await shell.run("echo a\0b")
    with pytest.raises(SpawnFailed, match="NUL"):
        await shell.sandbox.execute(ExecutionRequest(["echo", "a\0b"], shell.workspace, marker()))
    with pytest.raises(WorkspaceRefused):
        await shell.sandbox.execute(ExecutionRequest("true", Path(f"{ground.base}\0/x"), marker()))


def all_arguments() -> list[bytes]:
    """The arguments of every process of this machine."""
    found: list[bytes] = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            found.append((entry / "cmdline").read_bytes())
    return found


async def test_values_stand_in_no_argument_and_in_no_environment_outside(walled_shell: Shell) -> None:
    walled_shell.environment = {"TOKEN": CANARY}
    walled_shell.state = ShellState(
        walled_shell.state.directory, {"LD_PRELOAD": f"/{CANARY}.so", "PATH": f"/{CANARY}", "BASH_ENV": f"/{CANARY}"}
    )
    command, output = await walled_shell.start("echo started; read wait", marker=(mark := marker()))
    await until(lambda: b"started" in output, "the line starts")
    assert not any(CANARY.encode() in arguments for arguments in all_arguments())
    outer = Path(f"/proc/{command.pid}")
    assert mark.encode() in (outer / "environ").read_bytes()
    assert CANARY.encode() not in (outer / "environ").read_bytes()
    await command.cancel()


async def test_typing_into_the_terminal_is_refused_behind_walls(walled_shell: Shell) -> None:
    line = "python3 -c 'import fcntl, termios; fcntl.ioctl(0, termios.TIOCSTI, b\"x\")'"
    assert "Operation not permitted" in (await walled_shell.run(line)).text


async def test_without_the_network_there_is_none_and_with_it_there_is(walled_shell: Shell) -> None:
    line = "python3 -c 'import socket; print([name for _, name in socket.if_nameindex()])'"
    assert (await walled_shell.run(line, network=False)).text == "['lo']\n"
    assert (await walled_shell.run(line)).text == f"{[name for _, name in socket.if_nameindex()]}\n"


async def test_without_walls_the_network_cannot_be_taken_away(unwalled: Sandbox, ground: Ground) -> None:
    with pytest.raises(SpawnFailed, match="the network cannot be taken away"):
        await Shell(unwalled, ground.workspace()).run("true", network=False)
