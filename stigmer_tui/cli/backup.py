"""`stigmer backup`: everything the server holds, in a directory here."""

import sys
from pathlib import Path

import click

from stigmer_apis.client import Client
from stigmer_apis.client.backups import back_up
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.text import safe
from stigmer_tui.text.times import size


@click.command("backup")
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--incremental", is_flag=True, help="Add to the backup in DIR what has come since.")
def command(directory: Path, incremental: bool) -> int:
    """Copy everything that the server holds, as of now, to DIR, while it goes on.

    Runs, agents, files that runs made, sealed secrets are in it. The key to the secrets, tokens, settings and workspaces are not: docs/backup.md says what that means.

    \b
    Examples:
      stigmer backup stigmer-backup
      stigmer backup stigmer-backup --incremental
    """

    place = directory.absolute()

    def show(written: int, total: int) -> None:
        click.echo(f"\r{size(written)} of {size(total)}", nl=False, err=True)

    async def work(client: Client) -> int:
        watched = sys.stderr.isatty()
        try:
            taken = await back_up(client, place, incremental=incremental, progress=show if watched else None)
        finally:
            if watched:
                click.echo("\r\x1b[K", nl=False, err=True)
        files = len(taken.found.files)
        click.echo(
            f"{safe(str(directory))} holds {size(taken.found.size)} in {files} files, {size(taken.written)} of it new"
        )
        return ExitCode.OK

    return with_client(work)
