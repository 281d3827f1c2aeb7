"""`stigmer restore`: a backup in the place of the store here."""

import asyncio
from pathlib import Path

import click

from stigmer_apis.backups import require_list
from stigmer_apis.client import Client
from stigmer_apis.client.launch import ensure_daemon
from stigmer_apis.errors import AlreadyExists, DataLoss, FailedPrecondition, InvalidArgument, StigmerError, Unavailable
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

    A daemon that runs is stopped, unless it has active runs: then nothing is done. The next command starts it again; where nothing was restored, this one does.

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
        await asyncio.to_thread(_require_backup, place)
        was_stopped = await _stop(home, replace=replace)
        options = ("--replace",) if replace else ()
        try:
            done = await asyncio.to_thread(maintain, "restore", place, "--data", data, *options)
        except StigmerError:
            if was_stopped:
                await _start_again(home)
            raise
        click.echo(
            f"restored {size(done.number('bytes'))} of {exact(done.number('taken_unix') * 1_000_000)} from {safe(str(directory))}"
        )
        if kept := done.text("kept"):
            click.echo(f"what was there before is in {safe(kept)}; remove it once you are sure")
        return ExitCode.OK

    return run_async(work)


def _require_backup(directory: Path) -> None:
    """Raises `NotFound`, `InvalidArgument`, `FailedPrecondition` where that is no backup that can be restored, as far as its list tells: no daemon is stopped for it."""
    try:
        require_list(directory)
    except DataLoss as error:
        raise InvalidArgument(error.message, remedy=error.remedy or "") from error


async def _start_again(home: Home) -> None:
    """After a restore that was refused: let the daemon that was stopped for it serve what it had."""
    try:
        await ensure_daemon(home)
    except StigmerError:
        click.echo("the daemon was stopped for this and does not start again: stigmer server start says why", err=True)
    else:
        click.echo("the daemon was stopped for this, and runs again with what it had", err=True)


async def _stop(home: Home, *, replace: bool) -> bool:
    """Let no daemon have the store; whether one had to be stopped. Raises `FailedPrecondition` while runs are active, `AlreadyExists` where it may not be replaced."""
    try:
        async with Client(home, start_daemon=False) as client:
            active = (await client.get_status()).live_executions
    except Unavailable:
        return False
    if active:
        runs, them = ("1 run is", "it") if active == 1 else (f"{active} runs are", "them")
        raise FailedPrecondition(
            f"{runs} active, and a restore would take {them} away",
            remedy=f"wait for {them}, or stop {them}: stigmer cancel ID; `stigmer get executions` shows {them}",
        )
    if not replace:
        raise AlreadyExists(
            f"{home.root} holds a store already", remedy="with --replace it is set aside and kept; nothing was changed"
        )
    await stop_daemon(keep_runners=False)
    return True
