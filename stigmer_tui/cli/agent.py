"""`stigmer agent`: agents, by the noun."""

import sys

import click

from stigmer_tui.cli import run
from stigmer_tui.cli.creating import blank, create, create_from
from stigmer_tui.cli.nouns import delete_command, get_command, list_command
from stigmer_tui.manifests.kinds import AGENT


@click.group("agent")
def command() -> None:
    """Create, list, show, execute and delete agents.

    \b
    Example:
      stigmer agent list
    """


@command.command("create")
@click.argument("name", required=False)
@click.option("-i", "--instructions", help="What it is told, at least 10 characters. `-` reads it from standard input.")
@click.option("-m", "--model", default="", help="The model that answers, such as anthropic/claude-sonnet-4-5.")
@click.option("-d", "--description", default="", help="One line about it.")
@click.option("-f", "--file", type=click.Path(allow_dash=True), help="Create the agent that this file describes.")
def create_agent(name: str | None, instructions: str | None, model: str, description: str, file: str | None) -> int:
    """Create an agent called NAME, or the one in a file.

    \b
    Example:
      stigmer agent create greeter --instructions 'Greet everybody in verse.' --model openai/gpt-5
    """
    if file is not None:
        if name is not None or instructions is not None or model or description:
            raise click.UsageError("-f says everything: leave the rest out.")
        return create_from(AGENT, file)
    if name is None or instructions is None:
        raise click.UsageError("Say NAME and --instructions, or -f FILE.")
    resource, agent = blank(AGENT, name)
    agent.spec.instructions = sys.stdin.read() if instructions == "-" else instructions
    agent.spec.model = model
    agent.spec.description = description
    return create(AGENT, resource)


command.add_command(list_command(AGENT))
command.add_command(get_command(AGENT, "shell"))
command.add_command(
    click.Command(
        "execute",
        callback=run.command.callback,
        params=run.command.params,
        help="""Run AGENT on a message, as `stigmer run` does.

\b
Example:
  stigmer agent execute shell --message 'echo $((6*7))'
""",
    )
)
command.add_command(delete_command(AGENT, "greeter"))
