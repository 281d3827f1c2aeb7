"""`stigmer pack`: give the space back that what was deleted and replaced still takes."""

import click

from stigmer_apis.client import Client
from stigmer_apis.client.upkeep import disk_usage, pack
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.disk_use import print_disk_use
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.text.times import size


@click.command("pack")
@click.option("--dry-run", is_flag=True, help="Tell what a pack would give back; change nothing.")
def command(dry_run: bool) -> int:
    """Give the space back that what was deleted and replaced still takes in the databases.

    The server goes on meanwhile, runs too. It needs room for a copy of what stays. The server does this by itself for a database of 32 MiB or more, once more than half of it is
    dead.

    \b
    Examples:
      stigmer pack --dry-run
      stigmer pack
    """

    async def work(client: Client) -> int:
        if dry_run:
            print_disk_use(await disk_usage(client, with_dead=True))
        else:
            await pack_now(client)
        return ExitCode.OK

    return with_client(work)


async def pack_now(client: Client) -> None:
    """Pack all databases, and say what became of each."""
    gained = 0
    async for done in pack(client):
        gained += done.before - done.after
        click.echo(f"{done.kind}: {size(done.before)} are {size(done.after)} now")
    click.echo(f"{size(max(0, gained))} came back")
