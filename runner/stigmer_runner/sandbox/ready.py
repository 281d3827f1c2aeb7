"""Shells that stand in their sandbox before there is a line for them: to make the walls is most of what a short command costs.

One is kept for each owner (an execution), made as its last command's was, and two where commands come faster than one is made. It is used once or never, and only for a command whose
sandbox would be the same to the last mount, variable and file: where anything of that has changed meanwhile, it is ended. It waits
for its line on a pipe, as blank as a shell can be, and ends by itself where that pipe closes.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from stigmer_runner.sandbox.anchor import Anchor
from stigmer_runner.sandbox.command import TerminalCommand
from stigmer_runner.sandbox.errors import SandboxError
from stigmer_runner.sandbox.model import MARKER_VARIABLE, CommandRequest
from stigmer_runner.sandbox.walls import Place

KEPT_SECONDS = 300.0
"""So long one waits for a command."""

ENDING_SECONDS = 1.0
"""So long one that is not needed may take to end."""

LONGEST_LINE = 60 * 1024
"""Bytes that a pipe takes at once: what is longer is read from a file, by a shell of its own."""


@dataclass(frozen=True)
class Mould:
    """All that a sandbox is made of. Two commands with equal ones have equal sandboxes."""

    place: Place
    environment: Mapping[str, str]
    """What the command is given, without the mark of its own."""
    made_of: tuple[object, ...]
    """See `walls.Walls.made_of`."""


@dataclass(eq=False)
class ReadyShell:
    """One that waits."""

    command: TerminalCommand
    mould: Mould
    marker: str
    ink: int | None
    report: int
    """The descriptor, inside, on which it reports."""
    anchor: Anchor | None
    line: int
    """Where its line is written; the owner's until `tell` or `end`."""

    def tell(self, prologue: bytes) -> bool:
        """Let it run what `prologue` says; False where it cannot: then nothing was run."""
        if len(prologue) > LONGEST_LINE or self.command.exited.is_set():
            return False
        try:
            written = os.write(self.line, prologue)  # an empty pipe takes all of it
        except OSError:
            return False
        self._close()
        return written == len(prologue)

    async def end(self) -> None:
        """It is not needed."""
        self.command.begin(_nothing)
        self._close()  # at which it ends by itself, without a look at the whole machine
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDING_SECONDS):
                await self.command.exited.wait()
        await self.command.cancel()

    def _close(self) -> None:
        if self.line >= 0:
            os.close(self.line)
            self.line = -1


class ReadyShells:
    """Those of a sandbox, by their owners. `make` makes one as for a command."""

    def __init__(self, make: Callable[[CommandRequest, str], Awaitable[ReadyShell]]) -> None:
        self._make = make
        self._waiting: dict[str, deque[asyncio.Task[ReadyShell]]] = {}
        """By owner: those that stand or are on their way, the oldest first."""
        self._hurried: set[str] = set()
        """Owners that had to wait for one."""
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._number = 0
        self._closed = False

    def prepare(self, request: CommandRequest) -> None:
        """Have enough ready for the next commands like this one, of the same owner."""
        owner = request.ahead
        if self._closed or not owner or request.listening is not None:
            return
        waiting = self._waiting.setdefault(owner, deque())
        while len(waiting) < (2 if owner in self._hurried else 1):
            self._number += 1
            marker = f"{owner[:180]}:ahead-{self._number}"
            waiting.append(asyncio.ensure_future(self._make(request, marker)))
        self._stop_timer(owner)
        self._timers[owner] = asyncio.get_running_loop().call_later(KEPT_SECONDS, self.drop, owner)

    async def take(self, owner: str) -> ReadyShell | None:
        """One of the owner's, which is the caller's from now on; None where there is none."""
        waiting = self._waiting.get(owner)
        if not waiting:
            return None
        making = waiting.popleft()
        if not making.done():
            self._hurried.add(owner)
        try:
            return await asyncio.shield(making)
        except SandboxError:
            return None
        except asyncio.CancelledError:
            self._end(making)
            raise

    def drop(self, owner: str) -> None:
        """End all of the owner's, soon."""
        self._stop_timer(owner)
        for making in self._waiting.pop(owner, ()):
            self._end(making)

    def discard(self, ready: ReadyShell) -> None:
        """End one that was taken and cannot be used, soon."""
        self._keep(asyncio.ensure_future(ready.end()))

    async def forget(self, owner: str) -> None:
        """End the owner's, and wait for that: there are no more commands."""
        self.drop(owner)
        self._hurried.discard(owner)
        if self._ending:
            await asyncio.wait(tuple(self._ending))

    async def close(self) -> None:
        """End all."""
        self._closed = True
        for owner in tuple(self._waiting):
            self.drop(owner)
        if self._ending:
            await asyncio.wait(tuple(self._ending))

    def _stop_timer(self, owner: str) -> None:
        timer = self._timers.pop(owner, None)
        if timer is not None:
            timer.cancel()

    def _end(self, making: "asyncio.Task[ReadyShell]") -> None:
        self._keep(asyncio.ensure_future(_ended(making)))

    def _keep(self, ending: "asyncio.Task[None]") -> None:
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


def unmarked(environment: Mapping[str, str]) -> Mapping[str, str]:
    """An environment without the mark of a command."""
    return {name: value for name, value in environment.items() if name != MARKER_VARIABLE}


async def _ended(making: "asyncio.Task[ReadyShell]") -> None:
    try:
        ready = await making
    except SandboxError:
        return
    await ready.end()


def _nothing(data: bytes) -> None:
    del data
