"""MCP servers that come as containers: run by Docker or Podman, spoken to over standard input and output."""

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from stigmer_runner.finishing import uninterrupted
from stigmer_runner.mcp.definition import Container
from stigmer_runner.mcp.placeholders import filled, filled_in_arguments
from stigmer_runner.sandbox import (
    MARKER_VARIABLE,
    CommandLimits,
    ExecutionRequest,
    ExecutionResult,
    Outcome,
    SandboxDescription,
    SandboxKind,
    SpawnFailed,
)
from stigmer_runner.tools.execute.engine import Engine
from stigmer_runner.tools.shell.executing import LongOutput

_ERRORS = 64 * 1024
"""Bytes of the standard error that are kept."""


class ContainerHost:
    """Runs the engine's client, which has to reach the engine and so has no walls; the server in the container has those of the container."""

    def __init__(self, engine: Engine, name: str) -> None:
        """`name` is the container's."""
        self._engine = engine
        self._name = name
        self.description = SandboxDescription(SandboxKind.NONE, walls=False, reason="a container is the wall")

    async def execute(self, request: ExecutionRequest) -> ExecutionResult:
        """Run it to its end. Cancelled or not, nothing of the container is left. Raises `SpawnFailed`."""
        began = asyncio.get_running_loop().time()
        try:
            process = await asyncio.create_subprocess_exec(
                *request.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={**self._engine.environment, **request.environment},
                cwd=request.workspace,
            )
        except OSError as error:
            raise SpawnFailed(f"{self._engine.name} could not be started: {error}") from error
        assert process.stderr is not None
        errors = LongOutput(_ERRORS)
        try:
            await errors.read(process.stderr)
            code = await process.wait()
        finally:
            await uninterrupted(self._leave(process))
        return ExecutionResult(
            outcome=Outcome.EXITED,
            exit_code=code,
            stdout=b"",
            stderr=errors.text().encode(),
            duration=asyncio.get_running_loop().time() - began,
        )

    async def _leave(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            await self._engine.end(self._name)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        await self._engine.remove(self._name)


def client_of(
    engine: Engine,
    container: Container,
    name: str,
    values: Mapping[str, str],
    secrets: frozenset[str],
    limits: CommandLimits,
    *,
    network: bool,
    where: str,
    marker: str,
) -> tuple[list[str], dict[str, str]]:
    """The client to start, and the variables that it hands on. Raises `ValueMissing`."""
    environment = {key: filled(value, values, where) for key, value in container.environment.items()}
    environment[MARKER_VARIABLE] = marker  # by which it is found after a crash of this process
    options = [
        f"--name={name}",
        "--rm",
        "--interactive",
        "--cap-drop=all",
        "--security-opt=no-new-privileges",
        f"--pids-limit={limits.processes or -1}",
        # A variable is named here and its value handed over beside: arguments are there for others to read.
        *(f"--env={key}" for key in environment),
        *(f"--volume={each.source}:{each.target}{':ro' if each.read_only else ''}" for each in container.volumes),
    ]
    if limits.memory:
        options.append(f"--memory={limits.memory}")
    if not network:
        options.append("--network=none")
    else:
        options += [f"--network={container.network}"] if container.network else []
        options += [f"--publish=127.0.0.1:{each}" for each in container.ports]
    arguments = [filled_in_arguments(each, values, secrets, where) for each in container.arguments]
    image = ["--rootfs", container.image] if container.image.startswith("/") else ["--", container.image]
    return engine.command("run", *options, *image, *arguments), environment


def covers(container: Container, hidden: Sequence[Path]) -> str:
    """The volume that would show a directory of Stigmer's own; empty where none does."""
    for volume in container.volumes:
        source = Path(os.path.realpath(volume.source))
        if any(source.is_relative_to(own) or own.is_relative_to(source) for own in hidden):
            return volume.source
    return ""
