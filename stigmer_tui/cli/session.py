"""`stigmer session`: sessions, by the noun."""

import click

from stigmer_tui.cli.nouns import delete_command, get_command, list_command
from stigmer_tui.manifests.kinds import SESSION


@click.group("session")
def command() -> None:
    """List, show and delete sessions. A run starts one, or goes on in one: `stigmer run AGENT --session ID`.

    \b
    Example:
      stigmer session list
    """


command.add_command(list_command(SESSION))
command.add_command(get_command(SESSION, "ses-01jd..."))
command.add_command(delete_command(SESSION, "ses-01jd..."))
