"""`stigmer attach`: this terminal becomes the run's."""

import sys

import click

from stigmer_apis.client import Client
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import complete_executions

_OF_SESSIONS = "ses"
"""What the ids of sessions begin with."""


@click.command("attach")
@click.argument("execution_id", metavar="ID", shell_complete=complete_executions)
def command(execution_id: str) -> int:
    """Take the keyboard of the terminal that the run ID works in. Ctrl+] then d lets go of it; the run goes on.

    ID may also be a session: then of the newest command that runs in it, and where none does, of a shell of the session. That starts where the last
    command left off, in the same sandbox, and goes on until you leave it (exit), or `stigmer cancel` its run.

    \b
    Examples:
      stigmer attach aex-01jd...
      stigmer attach ses-01jd...
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(
            "attach needs a terminal on standard input and output; `stigmer logs -f` follows without one"
        )
    from stigmer_tui.terminal.attach import attach_here
    from stigmer_tui.terminal.session_shell import attach_to_session

    async def work(client: Client) -> int:
        attach = attach_to_session if execution_id.startswith(_OF_SESSIONS) else attach_here
        result = await attach(client, execution_id)
        click.echo(result.message, err=True)
        return ExitCode.OK

    return with_client(work)
