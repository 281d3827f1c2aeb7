"""What has the terminal in place of the app for a while: an attached program, the pager, a command."""

import asyncio
import os
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager
from operator import methodcaller
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from stigmer_apis.errors import FailedPrecondition, StigmerError
from stigmer_apis.home import HOME_VARIABLE
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.terminal import escape_keys
from stigmer_tui.terminal.editor import edited
from stigmer_tui.terminal.pager import keys_go_elsewhere, paged_file, pager_command, run_pager

if TYPE_CHECKING:
    from stigmer_apis.client import Client

_begin_batch, _end_batch = methodcaller("_begin_batch"), methodcaller("_end_batch")
"""Textual draws nothing in between; it has no other name for that."""


def _wait_for_enter() -> None:
    """What a command said stays to be read. Blocking."""
    os.write(1, b"\nenter goes back to the workstation ")
    typed = b" "
    while typed not in (b"\n", b"\r", b""):
        typed = os.read(0, 1)


class Away:
    """Gives the app's terminal away, and takes it back however that ends."""

    def __init__(self, app: Workstation) -> None:
        self._app = app
        escape_keys.install()

    async def attach(self, client: "Client", execution_id: str, terminal_id: str) -> None:
        """To a running program, until the person comes back."""
        from stigmer_tui.terminal.attach import attach_here

        try:
            with self._away():
                result = await attach_here(client, execution_id, terminal_id=terminal_id)
        except StigmerError as error:
            self._app.say_error(error)
        else:
            self._app.say(result.message)

    async def page(self, content: Callable[[], Iterable[bytes]], line: int) -> None:
        """To the person's pager with a text, from a line on. `content` is called on a thread."""
        stack = ExitStack()
        try:
            path = await asyncio.to_thread(lambda: stack.enter_context(paged_file(content())))
            with self._away(), keys_go_elsewhere():
                await asyncio.to_thread(run_pager, pager_command(path, line))
        except StigmerError as error:
            self._app.say_error(error)
        except OSError as error:
            self._app.say(f"The pager cannot be shown the output: {error.strerror}.", wrong=True)
        finally:
            await asyncio.to_thread(stack.close)

    async def edit(self, text: str) -> str | None:
        """To the person's editor with a text; what became of it, None where it is to stay as it was."""
        try:
            with self._away(), keys_go_elsewhere():
                return await asyncio.to_thread(edited, text)
        except StigmerError as error:
            self._app.say_error(error)
        except OSError as error:
            self._app.say(f"The text cannot be given to an editor: {error.strerror}.", wrong=True)
        return None

    async def run_command(self, *words: str) -> None:
        """To a `stigmer` command, until it ends; what went wrong in it is said."""
        command = [sys.executable, "-m", "stigmer_tui", *words]
        environment = {**os.environ, HOME_VARIABLE: str(self._app.home.root)}
        try:
            with self._away(), keys_go_elsewhere():
                process = await asyncio.create_subprocess_exec(*command, env=environment)
                code = await process.wait()
                if code:
                    await asyncio.to_thread(_wait_for_enter)
        except StigmerError as error:
            self._app.say_error(error)
            return
        except OSError as error:
            self._app.say(f"The command could not be started: {error.strerror}.", wrong=True)
            return
        if code:
            self._app.say(f"`stigmer {' '.join(words)}` ended with {code}.", wrong=True)

    @contextmanager
    def _away(self) -> Generator[None]:
        """The terminal belongs to somebody else for the block: nothing is drawn. What goes wrong in it is raised when the app is back.

        Cancelled, the app does not come back: it is being closed, and the terminal stays as whoever had it left it.
        """
        failure: StigmerError | OSError | None = None
        _begin_batch(self._app)
        try:
            with self._app.suspend():
                try:
                    yield
                except (StigmerError, OSError) as error:
                    failure = error
        except SuspendNotSupported:
            failure = FailedPrecondition(
                "the workstation cannot give this terminal to another program",
                remedy="open it with `stigmer tui` in a terminal of your own, not in a browser",
            )
        _end_batch(self._app)
        if failure is not None:
            raise failure
