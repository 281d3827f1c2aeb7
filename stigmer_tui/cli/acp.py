"""`stigmer acp`: our agents in an editor that speaks the Agent Client Protocol."""

import click

from stigmer_apis.client import Client
from stigmer_apis.errors import StigmerError
from stigmer_tui.cli.connect import complain, with_client
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.naming import complete_agents


@click.command("acp")
@click.option(
    "-a",
    "--agent",
    default="shell",
    show_default=True,
    shell_complete=complete_agents,
    help="Whom new sessions talk to.",
)
def command(agent: str) -> int:
    """Serve an agent to an editor, by the Agent Client Protocol on standard input and output.

    An editor starts it, in its settings for agents. Each session of the editor is one of Stigmer's; what runs goes on when the editor is closed.

    \b
    Example:
      stigmer acp --agent fixer
    """
    from stigmer_tui.acp.serving import check_streams, serve

    try:
        check_streams()
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)

    async def work(client: Client) -> int:
        await serve(client, agent)
        return ExitCode.OK

    return with_client(work)
