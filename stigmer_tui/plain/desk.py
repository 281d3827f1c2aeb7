"""Where a person is, in line mode: the run, the agent, the list that numbers are about; and the way to the server."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from stigmer_apis.client import Client
from stigmer_apis.home import Home
from stigmer_tui.actions.places import CommandRefused
from stigmer_tui.backends import chosen_remote
from stigmer_tui.plain.listening import Listener
from stigmer_tui.plain.voice import Voice

Outcome = TypeVar("Outcome")
SHELL = "shell"


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a list that was said."""

    kind: str
    """`execution`, or a kind of the library, as one word."""
    name: str
    """Its id or its name: what commands take."""


@dataclass(slots=True)
class Desk:
    """What every command works with."""

    home: Home
    voice: Voice
    listener: Listener
    workspace: Path | None = None
    """Where new sessions work; None: in one of each session's own."""
    read_only: bool = False
    agent: str = SHELL
    """Whom the next run is started with."""
    run: str = ""
    """Id of the run that commands are about; empty before there is one."""
    thoughts: bool = False
    """Whether what models think is said."""
    listed: Sequence[Listed] = ()
    more: Callable[[], None] | None = None
    """Says the next page of the list; None where there is none."""
    is_over: bool = field(default=False)
    """Whether the person leaves."""

    def do(self, work: Callable[[Client], Awaitable[Outcome]]) -> Outcome:
        """Run `work` with a connected client. Ctrl+C cancels it and raises `KeyboardInterrupt`; what runs in the daemon goes on."""

        async def connected() -> Outcome:
            remote = await asyncio.to_thread(chosen_remote, self.home)
            role = "viewer" if self.read_only else "operator"
            async with Client(self.home, role=role, remote=remote) as client:
                return await work(client)

        return asyncio.run(connected())

    def numbered(self, word: str) -> Listed | None:
        """The entry of the last list that `3` or `#3` means; None for any other word. Raises `CommandRefused` for a number that is not in it."""
        digits = word.removeprefix("#")
        if not digits.isdecimal() or len(digits) > 9:
            return None
        number = int(digits)
        if not 1 <= number <= len(self.listed):
            known = f"1 to {len(self.listed)}" if self.listed else "none: write runs first"
            raise CommandRefused(f"There is no number {number} in the last list; it has {known}.")
        return self.listed[number - 1]

    def run_named(self, words: Sequence[str]) -> str:
        """The run that a command is about: a number of the last list, an id, or where the person is. Raises `CommandRefused`."""
        if len(words) > 1:
            raise CommandRefused("Write one number or one id behind it.")
        if words:
            entry = self.numbered(words[0])
            if entry is not None and entry.kind != "execution":
                raise CommandRefused(f"Number {words[0]} is no run. Write runs for a list of them.")
            return words[0] if entry is None else entry.name
        if not self.run:
            raise CommandRefused(
                "There is no run here yet. Write runs for the list, then the number of one; or start one."
            )
        return self.run

    def change(self) -> None:
        """To be called before anything changes. Raises `CommandRefused` for somebody who only looks on."""
        if self.read_only:
            raise CommandRefused(
                "You are looking on: nothing can be changed here. Leave, and come back without --read-only."
            )

    def size(self) -> os.terminal_size:
        """Of the terminal; 80 by 24 where there is none."""
        import shutil

        return shutil.get_terminal_size((80, 24))
