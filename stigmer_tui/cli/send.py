"""`stigmer send`: another message for a run."""

import sys

import click

from stigmer_apis.client import Client
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import complete_executions


@click.command("send")
@click.argument("execution_id", metavar="ID", shell_complete=complete_executions)
@click.argument("text")
@click.option("--now", is_flag=True, help="Interrupt what the agent does for it.")
def command(execution_id: str, text: str, now: bool) -> int:
    """Send TEXT to the run ID; for `shell` another command line, which waits its turn. `-` reads it from standard input.

    \b
    Example:
      stigmer send aex-01jd... 'git status'
    """
    message = sys.stdin.read() if text == "-" else text

    async def work(client: Client) -> int:
        await client.send_message(execution_id, message, now=now)
        return ExitCode.OK

    return with_client(work)
