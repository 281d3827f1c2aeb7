"""A container for each command: it begins empty but for its image and the workspace, and everything in it ends with it."""

import asyncio
import contextlib
import os
import re
import shlex
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_runner.finishing import uninterrupted
from stigmer_runner.sandbox import MARKER_VARIABLE, CommandLimits, SpawnFailed
from stigmer_runner.tools.execute.engine import Engine
from stigmer_runner.tools.shell.executing import ENDED, TIMED_OUT, ExecutionResult, LongOutput, remark_of

_START = 'eval "$(cat)" </dev/null'
"""The command and the variables come by the standard input: arguments and a container's settings are there for others to read."""

_NOT_STARTED = 125
"""The exit code of an engine that could not start a container, which a command may have too: then its words decide."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ROUND = 0.1
_ROUNDS = 100
"""How often, and how often in all, a container is ended that is not there yet."""


@dataclass(frozen=True)
class ContainerPlace:
    """Where the commands run."""

    image: str
    """An image that has `sh`; or a directory, from the root, that holds a file tree (Podman alone)."""
    workspace: Path
    """Shown under its own name, writable."""
    name_prefix: str
    """Of the containers' names: letters, digits, `_`, `.` and `-`."""
    marker_prefix: str = ""
    """Of the mark that everything in a container carries, so that it is found after a crash of this process."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    network: bool = False
    limits: CommandLimits = field(default_factory=CommandLimits)
    shown: tuple[Path, ...] = ()
    """Other directories, read-only."""
    pull: bool = False
    """Whether an image that is not here is fetched."""


class ContainerExecutor:
    """See `Executes`."""

    def __init__(self, engine: Engine, place: ContainerPlace, output_limit: int = 16 * 1024 * 1024) -> None:
        self._engine = engine
        self._place = place
        self._output_limit = output_limit
        self._number = 0

    async def execute(self, command: str, timeout: float | None = None) -> ExecutionResult:
        """See `Executes.execute`."""
        self._number += 1
        name = f"{self._place.name_prefix}-{os.getpid()}-{self._number}"
        try:
            process = await asyncio.create_subprocess_exec(
                *self._arguments(name),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**self._engine.environment, MARKER_VARIABLE: f"{self._place.marker_prefix}{name}"[-200:]},
            )
        except OSError as error:
            raise SpawnFailed(f"{self._engine.name} could not be started: {error}") from error
        assert process.stdout is not None
        assert process.stderr is not None
        out, err = LongOutput(self._output_limit), LongOutput(self._output_limit)
        reading = asyncio.gather(
            _fed(process, self._program(command)), out.read(process.stdout), err.read(process.stderr)
        )
        timed_out = False
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(reading)
                await process.wait()
        except TimeoutError:
            timed_out = True
            await uninterrupted(self._end(name, process, reading))
        except asyncio.CancelledError:
            await uninterrupted(self._end(name, process, reading))
            raise
        return self._result(process.returncode or 0, out, err, timeout if timed_out else None)

    def _result(self, code: int, out: LongOutput, err: LongOutput, timeout: float | None) -> ExecutionResult:
        engine, said = self._engine.name, err.text()
        if timeout is None and code == _NOT_STARTED and said.lstrip().lower().startswith(("error", engine)):
            raise SpawnFailed(f"{engine} could not start a container of {self._place.image}: {said.strip()[:500]}")
        limit = (
            "it used more memory than it may, or was ended from outside" if code == ENDED and timeout is None else ""
        )
        return ExecutionResult(
            exit_code=TIMED_OUT if timeout is not None else code,
            stdout=out.text(),
            stderr=said,
            timed_out=timeout is not None,
            remark=remark_of(timeout, limit, truncated=out.truncated or err.truncated),
        )

    def _arguments(self, name: str) -> list[str]:
        place, limits = self._place, self._place.limits
        options = [
            f"--name={name}",
            "--rm",
            "--interactive",
            "--cap-drop=all",
            "--security-opt=no-new-privileges",
            f"--network={'host' if place.network else 'none'}",
            "--tmpfs=/tmp",
            f"--env={MARKER_VARIABLE}",
            f"--volume={place.workspace}:{place.workspace}",
            f"--workdir={place.workspace}",
            *(f"--volume={each}:{each}:ro" for each in place.shown),
            *self._engine.as_caller,
        ]
        if limits.processes:
            options.append(f"--pids-limit={limits.processes}")
        if limits.memory:
            options += [f"--memory={limits.memory}", f"--memory-swap={limits.memory}"]
        if place.image.startswith("/"):
            return self._engine.command("run", *options, "--read-only", "--rootfs", place.image, "sh", "-c", _START)
        pull = f"--pull={'missing' if place.pull else 'never'}"
        return self._engine.command("run", *options, pull, place.image, "sh", "-c", _START)

    def _program(self, command: str) -> bytes:
        given = (
            f"export {name}={shlex.quote(value)}\n"
            for name, value in self._place.environment.items()
            if _NAME.match(name)
        )
        limits = self._place.limits
        # Set in there and not by the engine, which would ask for its own of all others too, and may not have them.
        own = (("-f", limits.file_size // 512), ("-n", limits.open_files))
        limited = (f"{{ ulimit {option} {value}; }} 2>/dev/null\n" for option, value in own if value)
        return f"{''.join(limited)}{''.join(given)}{command}\n".encode("utf-8", "surrogateescape")

    async def _end(self, name: str, process: Process, reading: "asyncio.Future[tuple[None, None, None]]") -> None:
        """End it, whether it runs already or is about to."""
        for _ in range(_ROUNDS):
            if process.returncode is not None or await self._engine.end(name):
                break
            await asyncio.sleep(_ROUND)
        try:
            async with asyncio.timeout(_ROUND * _ROUNDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        await self._engine.remove(name)
        await reading


async def _fed(process: Process, content: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(content)
        await process.stdin.drain()
    process.stdin.close()
