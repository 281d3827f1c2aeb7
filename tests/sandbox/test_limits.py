"""How much of the machine a command may use."""

import asyncio
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from stigmer_runner.sandbox import (
    CommandLimits,
    ExecutionRequest,
    Listening,
    Outcome,
    Sandbox,
    SandboxKind,
    cgroups,
    choose_sandbox,
    end_marked_processes,
    local,
)
from tests.sandbox.driver import PATIENCE, Shell, end, exited, marker, until
from tests.sandbox.ground import Ground

MIB = 1024 * 1024


async def test_a_fork_bomb_ends_with_a_word(walled_shell: Shell) -> None:
    """It would double up to 512 processes; root is under no limit of the kernel's, only under the watch."""
    bomb = 'bomb() { [ "$1" -gt 0 ] && { bomb $(($1 - 1)) & bomb $(($1 - 1)) & }; sleep 60; }; bomb 8'
    request = replace(walled_shell.request(bomb), limits=CommandLimits(processes=60))
    output = bytearray()
    command = await walled_shell.sandbox.start(request, output.extend)
    if os.geteuid() == 0:
        result = await end(command)
        assert result.outcome is Outcome.CANCELLED
        assert "more than 60 processes" in result.limit
        assert not result.survivors
    else:
        await until(lambda: b"Resource temporarily unavailable" in output, "the kernel refuses another process")
        await command.cancel()


DAEMONS = "for i in $(seq 64); do (setsid sleep 300 &); done; sleep 300"
"""64 processes in all, each of which leaves its parent and its session."""


@pytest.mark.parametrize("counted", [True, False], ids=["by the kernel", "by looks"])
async def test_processes_that_leave_their_parents_are_counted_too(
    sandbox: Sandbox, ground: Ground, monkeypatch: pytest.MonkeyPatch, counted: bool
) -> None:
    if counted and cgroups.find_groups().pids is None:
        pytest.skip("no control groups are delegated to this user here")
    if not counted:
        monkeypatch.setattr(local, "find_groups", cgroups.Groups)  # a machine that is not ours
    limited = await choose_sandbox(ground.layout(), sandbox.kind)
    shell = Shell(limited, ground.workspace())
    request = replace(shell.request(DAEMONS), limits=CommandLimits(processes=32))
    command = await limited.start(request, lambda _: None)
    result = await end(command)
    assert "more than 32 processes" in result.limit or (not counted and not limited.description.whole and os.geteuid())
    assert await asyncio.to_thread(end_marked_processes, request.marker) == ()
    assert exited(await shell.run("true")), "and the next command runs as if nothing had been"
    await limited.close()


async def test_groups_are_gone_with_their_commands(shell: Shell) -> None:
    groups = cgroups.find_groups()
    if groups.pids is None:
        pytest.skip("no control groups are delegated to this user here")
    request = replace(
        shell.request("sleep 0.7; cat /proc/self/cgroup"), limits=CommandLimits(processes=32, memory=512 * MIB)
    )
    output = bytearray()
    await end(await shell.sandbox.start(request, output.extend))
    assert b"/stigmer-" in output or shell.sandbox.kind is SandboxKind.BUBBLEWRAP
    left = [place for place in groups.pids.glob(f"stigmer-{os.getpid()}-*") if place.is_dir()]
    assert left == []


MOUNTS = """\
24 1 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate
25 1 0:23 / /proc rw - proc proc rw
"""


@pytest.mark.parametrize(("controllers", "found"), [("cpu memory pids", True), ("cpu", False), ("", False)])
def test_a_group_that_was_delegated_is_found(tmp_path: Path, controllers: str, found: bool) -> None:
    """A user's session under systemd: the groups beside one's own are made where the controllers are switched on."""
    slice_ = tmp_path / "user.slice" / "app.slice"
    (slice_ / "terminal.scope").mkdir(parents=True)
    (slice_ / "terminal.scope" / "cgroup.subtree_control").write_text("")
    (slice_ / "cgroup.subtree_control").write_text(f"{controllers}\n")
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "mountinfo").write_text(MOUNTS.replace("/sys/fs/cgroup", str(tmp_path)))
    (proc / "cgroup").write_text("0::/user.slice/app.slice/terminal.scope\n")
    groups = cgroups.find_groups(proc)
    assert (groups.pids, groups.memory, groups.unified) == ((slice_, slice_, True) if found else (None, None, False))
    made = groups.make(CommandLimits(processes=7, memory=MIB))
    assert (made is not None) is found
    if made is not None:
        (place,) = slice_.glob("stigmer-*")
        assert ((place / "pids.max").read_text(), (place / "memory.max").read_text()) == ("7", str(MIB))
        (place / "pids.events").write_text("max 3\n")
        assert made.exceeded() == "it had more than 7 processes at once"
        (place / "pids.events").write_text("max 0\n")
        (place / "memory.events").write_text("low 0\noom_kill 1\n")
        assert "more than the 1 MiB of memory" in made.exceeded()


async def test_much_memory_ends_with_a_word(shell: Shell) -> None:
    line = "/usr/bin/python3 -c 'import time; x = bytearray(200 << 20); time.sleep(60)'"
    request = replace(shell.request(line), limits=CommandLimits(memory=100 * MIB))
    result = await end(await shell.sandbox.start(request, lambda _: None))
    assert "MiB of memory" in result.limit
    assert "100" in result.limit


async def test_a_huge_file_ends_with_a_word(shell: Shell) -> None:
    request = replace(shell.request("exec head -c 50G /dev/zero >big"), limits=CommandLimits(file_size=2 * MIB))
    result = await end(await shell.sandbox.start(request, lambda _: None))
    assert "larger than it may" in result.limit
    assert (shell.workspace / "big").stat().st_size == 2 * MIB


async def test_a_disk_that_fills_up_ends_with_a_word(shell: Shell) -> None:
    left = os.statvfs(shell.workspace)
    request = replace(
        shell.request("sleep 60"), limits=CommandLimits(disk_left=left.f_bavail * left.f_frsize + 1024 * MIB)
    )
    result = await end(await shell.sandbox.start(request, lambda _: None))
    assert "have to stay free" in result.limit


async def test_the_kernel_keeps_its_limits_and_they_cannot_be_raised(shell: Shell) -> None:
    limits = CommandLimits(file_size=MIB, open_files=64)
    request = replace(
        shell.request("ulimit -Hn; ulimit -Hf; ulimit -c; ulimit -n 65 2>&1 | grep -c cannot"), limits=limits
    )
    output = bytearray()
    await end(await shell.sandbox.start(request, output.extend))
    words = bytes(output).decode().split()
    assert words[0] == "64"
    assert words[1] in ("1024", "2048")
    assert words[2] == "0"
    if shell.sandbox.description.whole or os.geteuid() != 0:
        assert words[3] == "1"


async def test_where_the_person_is_counted_too_the_kernel_limits_no_processes(sandbox: Sandbox, ground: Ground) -> None:
    request = ExecutionRequest("ulimit -u", ground.workspace(), marker(), limits=CommandLimits(processes=77))
    told = await sandbox.execute(request)
    assert (told.stdout == b"77\n") is sandbox.description.whole


async def test_memory_files_are_limited(walled: Sandbox, ground: Ground) -> None:
    request = ExecutionRequest(
        "head -c 8M /dev/zero >~/big; ls -l ~/big | cut -d' ' -f5; head -c 1M /dev/zero >/tmp/small && echo fits",
        ground.workspace(),
        marker(),
        limits=CommandLimits(memory_files=4 * MIB),
    )
    told = await walled.execute(request)
    assert told.stdout.split() == [str(4 * MIB).encode(), b"fits"]
    assert b"No space left" in told.stderr


async def test_a_plain_command_has_limits_too(walled: Sandbox, ground: Ground) -> None:
    request = ExecutionRequest(
        "for i in $(seq 100); do sleep 60 & done; sleep 60",
        ground.workspace(),
        marker(),
        limits=CommandLimits(processes=50),
    )
    async with asyncio.timeout(PATIENCE):
        told = await walled.execute(request)
    if os.geteuid() == 0:
        assert "more than 50 processes" in told.limit


async def test_what_is_read_only_in_the_workspace_cannot_be_changed(walled: Sandbox, ground: Ground) -> None:
    workspace = ground.workspace()
    hooks, rc = workspace / ".git" / "hooks", workspace / ".envrc"
    hooks.mkdir(parents=True)
    rc.write_text("mine")
    tries = [
        "echo theirs >.envrc",
        "echo theirs >.git/hooks/pre-commit",
        "rm -f .envrc",
        "rm -rf .git/hooks",
        "mv .envrc x",
        "mv .git/hooks x",
        "mv .git y && mkdir -p .git/hooks && echo theirs >.git/hooks/pre-commit",
        "ln -f /etc/passwd .envrc",
        "chmod 777 .envrc",
        "umount .envrc",
        "mount -o remount,rw .envrc",
    ]
    line = "\n".join(f"if ( {each} ) 2>/dev/null; then echo 'done: {each}'; fi" for each in tries)
    request = ExecutionRequest(line + "\ncat .envrc; echo fine >other", workspace, marker(), read_only=(hooks, rc))
    told = await walled.execute(request)
    assert told.stdout == b"mine"
    assert (workspace / "other").read_text() == "fine\n"
    assert list(hooks.iterdir()) == []


async def test_what_became_a_link_is_not_shown(walled: Sandbox, ground: Ground) -> None:
    workspace, letter = ground.workspace(), ground.outside / "letter"
    letter.write_text("private")
    (workspace / ".envrc").symlink_to(letter)
    (workspace / "deep").symlink_to(ground.outside)
    asked = (workspace / ".envrc", workspace / "deep" / "letter", workspace / "gone", Path("/etc/shadow"))
    request = ExecutionRequest("cat .envrc deep/letter; echo lives", workspace, marker(), read_only=asked)
    told = await walled.execute(request)
    assert told.stdout == b"lives\n"


async def test_a_port_inside_is_served_from_outside(walled: Sandbox, ground: Ground) -> None:
    loop = asyncio.get_running_loop()
    listeners: list[socket.socket] = []

    async def greet() -> None:
        connection, _ = await loop.sock_accept(listeners[0])
        with connection:
            await loop.sock_sendall(connection, b"hello from outside\n")

    greeting: list[asyncio.Task[None]] = []

    def serve(listener: socket.socket) -> None:
        listener.setblocking(False)
        listeners.append(listener)
        loop.call_soon_threadsafe(lambda: greeting.append(loop.create_task(greet())))

    request = ExecutionRequest(
        "cat </dev/tcp/127.0.0.1/3128; ls /sys/class/net 2>/dev/null; cat </dev/tcp/127.0.0.1/1",
        ground.workspace(),
        marker(),
        network=False,
        listening=Listening(3128, serve),
    )
    async with asyncio.timeout(PATIENCE):
        told = await walled.execute(request)
        await greeting[0]
    listeners[0].close()
    assert told.stdout == b"hello from outside\n"


async def test_a_port_that_cannot_be_served_runs_nothing(walled: Sandbox, ground: Ground) -> None:
    def serve(listener: socket.socket) -> None:
        listener.close()
        raise OSError("no")

    request = ExecutionRequest(
        "echo ran >ran", ground.workspace(), marker(), network=False, listening=Listening(3128, serve)
    )
    with pytest.raises(Exception, match="could not be started"):
        await walled.execute(request)
    assert not (ground.workspace() / "ran").exists()
