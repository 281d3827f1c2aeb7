"""Docker or Podman on this machine, driven by their command line."""

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stigmer_runner.errors import RunnerError
from stigmer_runner.finishing import uninterrupted
from stigmer_runner.sandbox.programs import Find, find

PATIENCE = 10.0
"""Seconds for an engine to say that it is there: the program alone proves nothing, its daemon may not run."""

_ASKED = (("docker", "{{.ServerVersion}}"), ("podman", "{{.Host.OCIRuntime.Name}}"))


class NoContainerEngine(RunnerError):
    """Nothing on this machine runs containers. The message says what was tried and what to do."""


@dataclass(frozen=True)
class Engine:
    """One that answers."""

    name: str
    """`docker` or `podman`."""
    program: str
    environment: Mapping[str, str]
    """What it is started with: the runner's own, so that it finds its settings and its socket. Nothing of it is in a container."""

    def command(self, *arguments: str) -> list[str]:
        """What to start."""
        return [self.program, *arguments]

    @property
    def as_caller(self) -> Sequence[str]:
        """Options that let a container's files belong to whoever runs this."""
        if self.name == "podman" and os.getuid() != 0:
            return ("--userns=keep-id",)
        return (f"--user={os.getuid()}:{os.getgid()}",)

    async def end(self, container: str) -> bool:
        """End a container and everything in it; whether it was there."""
        return (await _said(self.command("kill", container), self.environment))[0] == 0

    async def runs(self, container: str) -> bool:
        """Whether a container is there and runs."""
        code, said = await _said(self.command("inspect", "--format={{.State.Running}}", container), self.environment)
        return code == 0 and said.strip() == "true"

    async def say(self, command: Sequence[str], patience: float) -> tuple[int, str]:
        """How a command of the engine ended, and what it said; 124 where it took longer than `patience` seconds."""
        return await _said(command, self.environment, patience)

    async def remove(self, container: str) -> None:
        """Leave nothing of a container; nothing where it is gone."""
        await _said(self.command("rm", "--force", container), self.environment)


async def find_engine(find: Find = find, environment: Mapping[str, str] = os.environ) -> Engine:
    """The first that answers: Docker, then Podman. Raises `NoContainerEngine`."""
    reasons: list[str] = []
    for name, asked in _ASKED:
        program = find(name)
        if program is None:
            reasons.append(f"{name} is not installed")
            continue
        code, said = await _said([program, "info", "--format", asked], environment)
        if code == 0:
            return Engine(name, program, dict(environment))
        reasons.append(f"{name} does not answer ({said.strip().rpartition(chr(10))[2][:200] or 'it said nothing'})")
    raise NoContainerEngine(
        f"no containers can be run here: {'; '.join(reasons)}. Install Podman, or start Docker's daemon"
    )


async def _said(command: Sequence[str], environment: Mapping[str, str], patience: float = PATIENCE) -> tuple[int, str]:
    """How a short command of an engine ended, and what it said; 124 where it took too long."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(environment),
    )
    try:
        async with asyncio.timeout(patience):
            out, _ = await process.communicate()
    except TimeoutError:
        return 124, f"no answer within {patience:g} seconds"
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await uninterrupted(process.communicate())
    return process.returncode or 0, out.decode("utf-8", "replace")
