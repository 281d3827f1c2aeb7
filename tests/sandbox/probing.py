"""Tries every probe, outside and behind walls, as whoever runs this."""

import asyncio
import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stigmer_runner.sandbox import ExecutionRequest, InputWait, Sandbox, SandboxKind, choose_sandbox
from tests.sandbox.driver import PATIENCE, Shell, end, marker, until
from tests.sandbox.ground import ABSTRACT, CANARY, SYSTEM_PATH, Ground, Listeners, kinds, somewhere_in_run
from tests.sandbox.probes import PROBES, Probe

PYTHON = "/usr/bin/python3"
"""The system's own: it is there inside too."""

AT_ONCE = 3
_IPC_RMID = 0
_IPC_CREAT = 0o1000


@dataclass(frozen=True)
class Verdict:
    """What came of one probe."""

    outside: str
    """What it printed without walls."""
    inside: dict[str, str]
    """What it printed behind walls, by their kind."""
    appeared_outside: bool
    """Whether its effect was there afterwards."""
    appeared_inside: dict[str, bool]

    @property
    def control_reached(self) -> bool:
        """Whether the probe finds what it looks for where nothing hides it."""
        return "REACHED" in self.outside or self.appeared_outside

    def walls_hold(self, kind: str) -> bool:
        """Whether it ran behind walls of that kind and found nothing."""
        return "BLOCKED" in self.inside[kind] and not self.appeared_inside[kind]


class World:
    """What there is to be found."""

    def __init__(self, base: Path) -> None:
        self.ground = Ground(base, path=f"{base / 'person' / 'bin'}:{SYSTEM_PATH}")
        ground = self.ground
        self.workspace = ground.workspace()
        (ground.workspace("other") / "secret").write_text(CANARY)
        (ground.outside / "letter").write_text(CANARY)
        (ground.person / "bin" / "planted").symlink_to(ground.token)
        (ground.person / "bin" / "key").symlink_to(ground.person / ".ssh" / "id_ed25519")
        self.service = (somewhere_in_run() or base) / f"stigmer-test-{os.getpid()}.sock"
        self.agent = Path(f"/tmp/stigmer-agent-{os.getpid()}.sock")
        self.abstract = f"{ABSTRACT}-{os.getpid()}"
        self.tmp = Path(f"/tmp/stigmer-written-{os.getpid()}")
        self.shared = Path(f"/dev/shm/stigmer-{os.getpid()}")
        self.key = 0x57160000 + os.getpid() % 0xFFFF

    @contextmanager
    def standing(self) -> Generator[None]:
        """With sockets that listen, a process to look at, and memory that is shared."""
        libc = ctypes.CDLL(None, use_errno=True)
        listeners = Listeners([self.ground.socket, self.service, self.agent, "\0" + self.abstract], tcp=True)
        self.port = listeners.port
        self.shared.write_text(CANARY)
        segment: int = libc.shmget(self.key, 4096, _IPC_CREAT | 0o600)
        token = os.open(self.ground.token, os.O_RDONLY)
        os.set_inheritable(token, True)
        os.environ.update(SSH_AUTH_SOCK=str(self.agent), ANTHROPIC_API_KEY=CANARY)
        victim = subprocess.Popen(
            ["/bin/sh", "-c", "read wait; exit", CANARY],
            stdin=subprocess.PIPE,
            cwd=self.ground.run,
            env={"KEY": CANARY},
            pass_fds=(token,),
        )
        self.victim = victim.pid
        try:
            yield
        finally:
            victim.communicate(b"\n", timeout=PATIENCE)
            os.close(token)
            libc.shmctl(segment, _IPC_RMID, None)
            listeners.close()
            del os.environ["SSH_AUTH_SOCK"], os.environ["ANTHROPIC_API_KEY"]
            for path in (self.service, self.agent, self.shared, self.tmp):
                path.unlink(missing_ok=True)

    def variables(self) -> dict[str, str]:
        """What a probe is told."""
        ground = self.ground
        return {
            "W_YRANAC": CANARY[::-1],
            "W_HOME": str(ground.home),
            "W_RUN": str(ground.run),
            "W_PERSON": str(ground.person),
            "W_WORKSPACE": str(self.workspace),
            "W_OUTSIDE": str(ground.outside),
            "W_TOOLS": str(ground.person / "bin"),
            "W_VICTIM": str(self.victim),
            "W_SERVICE": str(self.service),
            "W_AGENT": str(self.agent),
            "W_ABSTRACT": self.abstract,
            "W_PORT": str(self.port),
            "W_SHM": str(self.key),
            "W_SHARED": self.shared.name,
            "W_TMP": str(self.tmp),
        }

    def appeared(self, probe: Probe) -> bool:
        """Whether the effect of `probe` is there; it is cleared away."""
        if not probe.effect:
            return False
        place = Path(probe.effect.format(outside=self.ground.outside, person=self.ground.person, tmp=self.tmp))
        there = place.exists()
        place.unlink(missing_ok=True)
        return there


def probes() -> list[Probe]:
    """Those that make sense for this user."""
    return [
        probe
        for probe in PROBES
        if (not probe.root or os.getuid() == 0) and (not probe.needs or os.path.exists(probe.needs))
    ]


async def verdicts(base: Path) -> dict[str, Verdict]:
    """Try every probe, with `base` for a person's machine."""
    world = World(base)
    with world.standing():
        walled = [await choose_sandbox(world.ground.layout(), kind) for kind in kinds() if kind is not SandboxKind.NONE]
        unwalled = await choose_sandbox(world.ground.layout(), SandboxKind.NONE)
        gate = asyncio.Semaphore(AT_ONCE)
        found: dict[str, Verdict] = {}

        async def one(probe: Probe) -> None:
            async with gate:
                outside = await _outside(probe, world, unwalled)
                appeared = world.appeared(probe)
                inside: dict[str, str] = {}
                appeared_inside: dict[str, bool] = {}
                for sandbox in walled:
                    inside[sandbox.kind.value] = await _run(probe, world, sandbox, probe.network)
                    appeared_inside[sandbox.kind.value] = world.appeared(probe)
                found[probe.name] = Verdict(outside, inside, appeared, appeared_inside)

        async with asyncio.TaskGroup() as group:
            for probe in probes():
                group.create_task(one(probe))
        for sandbox in walled:
            await sandbox.close()
        await unwalled.close()
    return found


async def _outside(probe: Probe, world: World, unwalled: Sandbox) -> str:
    if not probe.bare:
        return await _run(probe, world, unwalled, network=True)
    told = await asyncio.to_thread(
        subprocess.run,
        [PYTHON, "-I", "-S", "-c", probe.program],
        env={**os.environ, **world.variables()},
        close_fds=False,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    return (told.stdout + told.stderr).decode("utf-8", "replace")


async def _run(probe: Probe, world: World, sandbox: Sandbox, network: bool) -> str:
    command = [PYTHON, "-I", "-S", "-c", probe.program]
    if probe.namespace and not sandbox.description.walls:
        command = ["unshare", "--map-root-user", "--mount", *command]
    variables = world.variables() | {"W_WALLED": "yes" if sandbox.description.walls else ""}
    request = ExecutionRequest(
        command, world.workspace, marker(), environment=variables, network=network, timeout=PATIENCE
    )
    told = await sandbox.execute(request)
    return (told.stdout + told.stderr).decode("utf-8", "replace")


async def terminals(base: Path) -> list[str]:
    """What this user sees of a terminal: state, an exit, a password prompt that is seen, a cancel that ends all of it."""
    ground, seen = Ground(base), list[str]()
    for kind in kinds():
        sandbox = await choose_sandbox(ground.layout(), kind)
        shell = Shell(sandbox, ground.workspace())
        await shell.run("cd /usr; export A=1")
        seen.append((await shell.run("pwd; echo $A; exit 3")).text)
        command, _ = await shell.start("setsid sleep 1000 & sleep 0.3; read -s word")
        await until(lambda command=command: command.waiting_for() is InputWait.PASSWORD, "the prompt is seen")
        await command.cancel()
        result = await end(command)
        seen.append(f"{result.outcome.value} {sorted(process.command for process in result.killed)}")
        await sandbox.close()
    return seen


def main() -> None:
    """`python -m tests.sandbox.probing BASE UID`: become that user, try every probe, print the verdicts as JSON."""
    base, uid = Path(sys.argv[1]), int(sys.argv[2])
    warm = base / "warm"
    asyncio.run(_warm_up(warm))  # whatever is imported late is imported before the files are out of reach
    for directory, _, names in os.walk(base):
        for place in (directory, *(os.path.join(directory, name) for name in names)):
            os.chown(place, uid, uid, follow_symlinks=False)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.chdir(base)
    found = asyncio.run(verdicts(base / "ground"))
    seen = asyncio.run(terminals(base / "ground"))
    print(json.dumps({"verdicts": {name: vars(verdict) for name, verdict in found.items()}, "terminals": seen}))


async def _warm_up(base: Path) -> None:
    ground = Ground(base)
    for kind in kinds():
        sandbox = await choose_sandbox(ground.layout(), kind)
        await sandbox.execute(ExecutionRequest("true", ground.workspace(), marker(), timeout=PATIENCE))
        command, _ = await Shell(sandbox, ground.workspace()).start("read -s word")
        await until(lambda command=command: command.waiting_for() is InputWait.PASSWORD, "the prompt is seen")
        await command.cancel()
        await sandbox.close()


if __name__ == "__main__":
    main()
