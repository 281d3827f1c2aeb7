"""Runs lines in a sandbox for tests."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict, Unpack

from stigmer_runner.sandbox import (
    CommandRequest,
    CommandResult,
    Outcome,
    RunningCommand,
    Sandbox,
    ShellState,
)

PATIENCE = 30.0
"""Seconds after which something that should happen is taken to hang."""

_numbers = itertools.count(1)


def marker() -> str:
    """One that no other command has."""
    return f"test:{os.getpid()}:{time.monotonic_ns()}:{next(_numbers)}"


@dataclass(frozen=True)
class Finished:
    """A line that ran."""

    result: CommandResult
    output: bytes

    @property
    def text(self) -> str:
        """The output with the terminal's line ends made plain."""
        return self.output.decode("utf-8", "replace").replace("\r\n", "\n")


class Changes(TypedDict, total=False):
    """What a test may want otherwise than `Shell.request` has it."""

    marker: str
    columns: int
    rows: int
    network: bool
    timeout: float
    scratch: Path


class Shell:
    """Lines one after the other, each from where the last one ended."""

    def __init__(self, sandbox: Sandbox, workspace: Path) -> None:
        self.sandbox = sandbox
        self.workspace = workspace
        self.state = ShellState(str(workspace))
        self.environment: Mapping[str, str] = {}

    def request(self, line: str) -> CommandRequest:
        """What `run` starts."""
        return CommandRequest(line, self.workspace, self.state, marker(), environment=self.environment)

    async def start(self, line: str, **changes: Unpack[Changes]) -> tuple[RunningCommand, bytearray]:
        """Start a line; its output grows in the second answer."""
        output = bytearray()
        request = replace(self.request(line), **changes)
        return await self.sandbox.start(request, output.extend), output

    async def run(self, line: str, **changes: Unpack[Changes]) -> Finished:
        """Run a line to its end."""
        command, output = await self.start(line, **changes)
        result = await end(command)
        self.state = result.state
        return Finished(result, bytes(output))


async def end(command: RunningCommand) -> CommandResult:
    """How a command ends, which it has to do soon."""
    async with asyncio.timeout(PATIENCE):
        return await command.wait()


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        await asyncio.sleep(0.005)


def exited(finished: Finished, code: int = 0) -> bool:
    """Whether it ended by itself with that code."""
    return finished.result.outcome is Outcome.EXITED and finished.result.exit_code == code
