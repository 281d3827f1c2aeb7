"""What a sandbox does, whatever it is made of. One suite of tests runs on every kind."""

from collections.abc import Callable
from typing import Protocol

from stigmer_runner.sandbox.model import (
    CommandRequest,
    CommandResult,
    ExecutionRequest,
    ExecutionResult,
    InputWait,
    SandboxDescription,
    SandboxKind,
)

OutputSink = Callable[[bytes], None]
"""Takes the bytes of a terminal as they come, on the event loop. An error that it raises ends the command."""


class RunningCommand(Protocol):
    """A command in its terminal. Every method is called on the event loop that started it."""

    @property
    def pid(self) -> int:
        """The process on the machine that stands for the command."""
        ...

    def write(self, data: bytes) -> None:
        """Queue `data` for the command to read, all of it or nothing.

        Raises `InputQueueFull` where more than 64 KiB would wait, which a command that reads nothing brings about, and
        `CommandEnded` after its end. In line mode the kernel cuts a line at 4,095 bytes.
        """
        ...

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal a new size (1 to 65,535 each); the program in it is told. Nothing after the end."""
        ...

    def pause_reading(self) -> None:
        """Take no more output for now; the command blocks once the terminal's buffer (some 30 KB) is full.

        Once the command is over the rest (that buffer, at most 1 MiB) is handed over all the same.
        """
        ...

    def resume_reading(self) -> None:
        """Take output again."""
        ...

    def waiting_for(self) -> InputWait | None:
        """What the program in the foreground waits for, None where it is busy or the system does not tell.

        Costs well under a millisecond; meant to be asked after a second of silence, not after each output.
        """
        ...

    async def cancel(self) -> None:
        """End the command and everything that it started, and wait for that. Once more, or after the end, is no error."""
        ...

    async def wait(self) -> CommandResult:
        """How it ended, once all its output was handed over. Any number may wait; a waiter that gives up ends nothing.

        Raises what the output sink raised, after the command was ended for it.
        """
        ...


class Sandbox(Protocol):
    """Starts commands. Lives as long as the runner: with walls, closing it ends what it started."""

    @property
    def kind(self) -> SandboxKind:
        """What it is made of."""
        ...

    @property
    def description(self) -> SandboxDescription:
        """What it keeps apart, and why it is this kind."""
        ...

    async def expect(self, request: CommandRequest) -> None:
        """Get ready to `start` this very command: it comes next, or does not come at all. Nothing of it runs.

        It may be that nothing can be done ahead; that is no error.
        """
        ...

    async def start(self, request: CommandRequest, on_output: OutputSink) -> RunningCommand:
        """Run a line in a terminal of its own.

        Raises `WorkspaceRefused` for a workspace that cannot be one, `SpawnFailed` where the line cannot be started,
        `SandboxClosed` after `close`. Nothing runs after an error.
        """
        ...

    async def execute(self, request: ExecutionRequest) -> ExecutionResult:
        """Run a command without a terminal and return its two outputs.

        Errors as `start`. Cancelling the caller ends the command first.
        """
        ...

    async def forget(self, owner: str) -> None:
        """End what was made ready for commands of this owner (`CommandRequest.ahead`), and wait for that."""
        ...

    async def close(self) -> None:
        """End every command, wait for that, and start none any more."""
        ...
