"""`stigmer attach`: this terminal becomes the run's."""

import sys

import click

from stigmer_apis.client import Client
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import complete_executions


@click.command("attach")
@click.argument("execution_id", metavar="ID", shell_complete=complete_executions)
def command(execution_id: str) -> int:
    """Take the keyboard of the terminal that the run ID works in. Ctrl+] then d lets go of it; the run goes on.

    \b
    Example:
      stigmer attach aex-01jd...
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(
            "attach needs a terminal on standard input and output; `stigmer logs -f` follows without one"
        )
    from stigmer_tui.terminal.attach import attach_here

    async def work(client: Client) -> int:
        result = await attach_here(client, execution_id)
        click.echo(result.message, err=True)
        return ExitCode.OK

    return with_client(work)
