"""`stigmer restore`: a backup in the place of the store here."""

import asyncio
from pathlib import Path

import click

from stigmer_apis.client import Client
from stigmer_apis.errors import AlreadyExists, FailedPrecondition, Unavailable
from stigmer_apis.home import Home
from stigmer_tui.backends import chosen_remote
from stigmer_tui.cli.connect import run_async
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.maintenance import data_of, maintain
from stigmer_tui.cli.server import stop_daemon
from stigmer_tui.text import safe
from stigmer_tui.text.times import exact, size


@click.command("restore")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Over a store that is there: it is set aside and kept.")
def command(directory: Path, replace: bool) -> int:
    """Put the backup in DIR in the place of the store here. It is looked at first; one that is damaged changes nothing.

    A daemon that runs is stopped, unless it has active runs: then nothing is done. The next command starts it again.

    \b
    Example:
      stigmer restore stigmer-backup --replace
    """

    place = directory.absolute()

    async def work() -> int:
        home = Home.from_environment()
        if await asyncio.to_thread(chosen_remote, home) is not None:
            raise FailedPrecondition(
                "the backend is on another machine, and a restore is done where the store is",
                remedy="run it there, or go back to the one here: stigmer backend switch local",
            )
        await asyncio.to_thread(home.prepare)
        data = await asyncio.to_thread(data_of, home)
        await _stop(home, replace=replace)
        options = ("--replace",) if replace else ()
        done = await asyncio.to_thread(maintain, "restore", place, "--data", data, *options)
        click.echo(
            f"restored {size(done.number('bytes'))} of {exact(done.number('taken_unix') * 1_000_000)} from {safe(str(directory))}"
        )
        if kept := done.text("kept"):
            click.echo(f"what was there before is in {safe(kept)}; remove it once you are sure")
        return ExitCode.OK

    return run_async(work)


async def _stop(home: Home, *, replace: bool) -> None:
    """Let no daemon have the store. Raises `FailedPrecondition` while runs are active, `AlreadyExists` where it may not be replaced."""
    try:
        async with Client(home, start_daemon=False) as client:
            active = (await client.get_status()).live_executions
    except Unavailable:
        return
    if active:
        runs = "1 run is" if active == 1 else f"{active} runs are"
        raise FailedPrecondition(
            f"{runs} active, and a restore would take them away",
            remedy="wait for them, or stop them: stigmer cancel ID; `stigmer get executions` lists them",
        )
    if not replace:
        raise AlreadyExists(
            f"{home.root} holds a store already", remedy="with --replace it is set aside and kept; nothing was changed"
        )
    await stop_daemon(keep_runners=False)
