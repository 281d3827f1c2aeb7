"""A server's program inside the sandbox, spoken to through two named pipes in a /tmp of its own.

The pipes are the only thing that it shares with the runner; its standard error is kept, bounded, for when it fails.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from stigmer_runner.mcp.guard import Guard, ServerFloods
from stigmer_runner.sandbox import ExecutionRequest, ExecutionResult, SandboxDescription, SandboxError

CHUNK = 64 * 1024
KEPT_ERRORS = 16 * 1024
"""Bytes of the standard error that are kept."""
SHOWN_ERRORS = 1000
"""Characters of it that are told."""
GRACE = 1.0
"""Seconds for a program to end by itself once its input has ended."""

PIPE = ".stigmer-mcp"
_JOIN = 'exec "$@" <"$0.in" >"$0.out"'

_Watch: TypeAlias = Callable[[int, Callable[[], object]], object]

Streams: TypeAlias = tuple[
    MemoryObjectReceiveStream[SessionMessage | Exception], MemoryObjectSendStream[SessionMessage]
]


class End:
    """How a program ended, once it has."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.words = ""
        self.garbage = 0
        """Lines that it wrote and that were no messages."""
        self.status = 0
        """The last HTTP status that told of an error."""


class Runs(Protocol):
    """What runs a program: a sandbox, or whoever starts containers."""

    @property
    def description(self) -> SandboxDescription:
        """What it keeps apart."""
        ...

    async def execute(self, request: ExecutionRequest) -> ExecutionResult:
        """Run it to its end; cancelling ends it first."""
        ...


@dataclass(frozen=True)
class Start:
    """What to start, and where."""

    sandbox: "Runs"
    request: ExecutionRequest
    """Its command is the server's, its scratch directory a new one of the server's own."""


@asynccontextmanager
async def walled_program(start: Start, guard: Guard, end: End) -> AsyncGenerator[Streams]:
    """Start it, and end it. What goes wrong is in `end`; the streams close with it."""
    scratch = start.request.scratch
    assert scratch is not None
    pipes = await asyncio.to_thread(_make_pipes, scratch)
    inside = Path("/tmp") if start.sandbox.description.whole else scratch
    given = start.request.command
    words = [given] if isinstance(given, str) else list(given)
    request = _joined(start.request, ["/bin/sh", "-c", _JOIN, str(inside / PIPE), *words], words[0] if words else "")
    to_session, for_session = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    from_client, of_client = anyio.create_memory_object_stream[SessionMessage](0)
    program = asyncio.create_task(start.sandbox.execute(request))
    reading = asyncio.create_task(_read(pipes[1], program, to_session, guard, end))
    writing = asyncio.create_task(_write(pipes[0], of_client, program))
    try:
        yield for_session, from_client
    finally:
        with anyio.CancelScope(shield=True):
            await _stopped(reading, writing)
            os.close(pipes[0])
            await asyncio.wait((program,), timeout=GRACE)
            await _stopped(program)
            os.close(pipes[1])
            for stream in (for_session, from_client, of_client, to_session):
                await stream.aclose()
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)


async def _stopped(*tasks: "asyncio.Task[None] | asyncio.Task[ExecutionResult]") -> None:
    """Stop them, where they go on. How the program ended has been told by then."""
    for task in tasks:
        if not task.done():
            task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()


async def _read(
    number: int,
    program: "asyncio.Task[ExecutionResult]",
    stream: MemoryObjectSendStream[SessionMessage | Exception],
    guard: Guard,
    end: End,
) -> None:
    """Hand over what it writes, until it has ended."""
    buffer = bytearray()
    async with stream:
        try:
            while (data := await _chunk(number, program)) is not None:
                searched = len(buffer)
                buffer += data
                begin = 0
                while (stop := buffer.find(b"\n", max(begin, searched))) >= 0:
                    message = guard.message(bytes(buffer[begin:stop]))
                    end.garbage = guard.garbage
                    begin = stop + 1
                    if message is not None:
                        await stream.send(message)
                del buffer[:begin]
                guard.pending(len(buffer))
            end.words = _words(program)
        except ServerFloods as error:
            end.words = f"{error}; it was ended"
            program.cancel()
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            end.words = "its connection was closed"
        finally:
            end.over.set()


async def _chunk(number: int, program: "asyncio.Task[ExecutionResult]") -> bytes | None:
    """What it wrote; None once it has ended and all was read."""
    loop = asyncio.get_running_loop()
    while True:
        over = program.done()
        try:
            return os.read(number, CHUNK)
        except BlockingIOError:
            if over:
                return None
        await _ready(program, loop.add_reader, loop.remove_reader, number)


async def _write(
    number: int, stream: MemoryObjectReceiveStream[SessionMessage], program: "asyncio.Task[ExecutionResult]"
) -> None:
    """Give it what the client says. What a program that has ended does not take is dropped."""
    loop = asyncio.get_running_loop()
    async with stream:
        async for message in stream:
            line = message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
            while line and not program.done():
                try:
                    line = line[os.write(number, line) :]
                except BlockingIOError:
                    await _ready(program, loop.add_writer, loop.remove_writer, number)


async def _ready(
    program: "asyncio.Task[ExecutionResult]", add: _Watch, remove: Callable[[int], object], number: int
) -> None:
    """Wait until the pipe is ready, or the program has ended."""
    ready = asyncio.get_running_loop().create_future()
    add(number, lambda: ready.done() or ready.set_result(None))
    try:
        await asyncio.wait((ready, program), return_when=asyncio.FIRST_COMPLETED)
    finally:
        remove(number)


def _words(program: "asyncio.Task[ExecutionResult]") -> str:
    """How the program ended, for the person."""
    if program.cancelled():
        return "it was ended"
    error = program.exception()
    if error is not None:
        if not isinstance(error, SandboxError):
            raise error
        return f"it could not be started: {error}"
    result = program.result()
    said = result.stderr.decode("utf-8", "replace").strip()[-SHOWN_ERRORS:]
    tail = f"; the last that it said: {said}" if said else ""
    if result.limit:
        return f"it was ended: {result.limit}{tail}"
    if result.exit_code == 126:
        return f"its program could not be started: look whether it may be executed (`chmod +x`){tail}"
    if result.exit_code == 127:
        return f"its program could not be started: look whether it is installed, and on the PATH of your terminal{tail}"
    return f"it ended with exit code {result.exit_code}{tail}"


def _joined(request: ExecutionRequest, command: Sequence[str], program: str) -> ExecutionRequest:
    by_place = Path(program) if program.startswith("/") else None
    return replace(request, command=tuple(command), program=by_place, output_limit=KEPT_ERRORS)


def _make_pipes(scratch: Path) -> tuple[int, int]:
    """The two pipes, open here at both ends: neither side waits for the other. Returns what is written, what is read."""
    if scratch.exists():  # a runner that died left it
        shutil.rmtree(scratch)
    scratch.mkdir(mode=0o700, parents=True)
    opened: list[int] = []
    try:
        for name in (f"{PIPE}.in", f"{PIPE}.out"):
            os.mkfifo(scratch / name, 0o600)
            opened.append(os.open(scratch / name, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError:
        for number in opened:
            with contextlib.suppress(OSError):
                os.close(number)
        raise
    return opened[0], opened[1]
