"""A command's way to the daemon: one client, one event loop, errors as words and exit codes."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import click

from stigmer_apis.client import Client
from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.backends import chosen_remote
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.text import safe

ROLE = ContextVar("role", default="operator")
"""As what commands connect to the daemon here: `viewer` where somebody only looks on."""


def with_client(work: Callable[[Client], Awaitable[int]], *, start_daemon: bool = True) -> int:
    """Run `work` with a connected client; return its exit code, or that of what went wrong.

    The server is the daemon here, or the one on another machine that is configured. `start_daemon` starts the one here where none runs. Ctrl+C cancels `work` and ends with 130: what runs in the daemon goes on.
    """

    async def connected() -> int:
        home = Home.from_environment()
        remote = await asyncio.to_thread(chosen_remote, home)
        async with Client(home, start_daemon=start_daemon, role=ROLE.get(), remote=remote) as client:
            return await work(client)

    return run_async(connected)


def run_async(work: Callable[[], Awaitable[int]]) -> int:
    """Run `work` to its end on a loop of its own, and say what went wrong."""

    async def cancellable() -> int:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            return ExitCode.INTERRUPTED

    try:
        return asyncio.run(cancellable())
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)


def complain(error: StigmerError) -> None:
    """Say on standard error what went wrong and how to mend it."""
    click.echo(f"stigmer: {safe(error.message, lines=True)}", err=True)
    if error.remedy:
        for line in safe(error.remedy, lines=True).splitlines():
            click.echo(f"  {line}", err=True)


def note(text: str) -> None:
    """Say something beside the output, to a person who watches: on standard error, and only where that is a terminal."""
    if sys.stderr.isatty():
        click.echo(text, err=True)
