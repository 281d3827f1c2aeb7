"""The plain form: a command in, its exit code and its two outputs out, without a terminal."""

import itertools
from asyncio import StreamReader
from dataclasses import dataclass
from typing import Protocol

from stigmer_runner.policy.protected import present
from stigmer_runner.sandbox import ExecutionRequest, Outcome
from stigmer_runner.tools.session import SessionPlace

TIMED_OUT = 124
"""The exit code of a command whose time was up, as `timeout` gives it."""
ENDED = 137
"""The exit code of a command that was ended for another reason, such as a limit."""
CHUNK = 64 * 1024


@dataclass(frozen=True)
class ExecutionResult:
    """How a command ended."""

    exit_code: int
    """As a shell reports it; `TIMED_OUT` where its time was up."""
    stdout: str
    """Bytes that are no UTF-8 are replaced."""
    stderr: str
    timed_out: bool = False
    remark: str = ""
    """Why it was ended, or what is missing of its output, in words; empty where nothing is to be said."""


class Executes(Protocol):
    """Whatever runs commands this way: one suite of tests runs on every kind."""

    async def execute(self, command: str, timeout: float | None = None) -> ExecutionResult:
        """Run `command` in the workspace's root. `timeout` is in seconds; past it, what came so far is the result, and
        nothing is left running. Raises `SandboxError` where it cannot be started."""
        ...


class LongOutput:
    """One output of a command elsewhere, read as it comes and kept up to `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self.truncated = False

    async def read(self, stream: StreamReader) -> None:
        """Take all of it."""
        while data := await stream.read(CHUNK):
            self.take(data)

    def take(self, data: bytes) -> None:
        """Take some of it."""
        room = self._limit - len(self._kept)
        self._kept += data[:room]
        self.truncated |= len(data) > room

    @property
    def data(self) -> bytes:
        """What was kept."""
        return bytes(self._kept)

    def text(self) -> str:
        """The same as text."""
        return self._kept.decode("utf-8", "replace")


def remark_of(timeout: float | None, limit: str, *, truncated: bool) -> str:
    """What is to be said of a command beside its outputs; `timeout` where its time was up."""
    words = (
        "" if timeout is None else f"its time of {timeout:g} seconds was up",
        limit,
        "its output was longer than is kept" if truncated else "",
    )
    return "; ".join(word for word in words if word)


class SandboxExecutor:
    """Runs commands in the sandbox of a session, under its limits. A model's: without the network unless it is open."""

    def __init__(self, place: SessionPlace, *, network: bool = False) -> None:
        self._place = place
        self._network = network
        self._numbers = itertools.count(1)

    async def execute(self, command: str, timeout: float | None = None) -> ExecutionResult:
        """See `Executes.execute`."""
        place = self._place
        walls = place.sandbox.description.walls
        result = await place.sandbox.execute(
            ExecutionRequest(
                command,
                place.workspace,
                f"{place.marker_prefix}{place.execution_id}:plain-{next(self._numbers)}"[-200:],
                environment=place.environment,
                network=self._network or not walls,
                timeout=timeout,
                scratch=place.scratch,
                read_only=present(place.workspace.resolve()),
                shown=place.shown,
                limits=place.limits,
            )
        )
        timed_out = result.outcome is Outcome.TIMED_OUT
        ended = TIMED_OUT if timed_out else ENDED
        return ExecutionResult(
            exit_code=ended if result.exit_code is None else result.exit_code,
            stdout=result.stdout.decode("utf-8", "replace"),
            stderr=result.stderr.decode("utf-8", "replace"),
            timed_out=timed_out,
            remark=remark_of(timeout if timed_out else None, result.limit, truncated=result.truncated),
        )
