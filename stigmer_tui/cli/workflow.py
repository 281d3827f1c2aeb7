"""`stigmer workflow`: workflows, by the noun."""

import click

from stigmer_apis.client import Client
from stigmer_apis.errors import FailedPrecondition
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.creating import create_from
from stigmer_tui.cli.naming import completer
from stigmer_tui.cli.nouns import delete_command, get_command, list_command
from stigmer_tui.cli.resources import fetch
from stigmer_tui.cli.workflow_files import graph, validate
from stigmer_tui.manifests.kinds import WORKFLOW


@click.group("workflow")
def command() -> None:
    """Check, draw, create, list, show and delete workflows. They are stored and checked; running them comes later.

    \b
    Examples:
      stigmer workflow validate examples/workflows
      stigmer workflow list
    """


@command.command("create")
@click.option("-f", "--file", required=True, type=click.Path(allow_dash=True), help="The file that describes it.")
def create_workflow(file: str) -> int:
    """Create the workflow that a file describes.

    \b
    Example:
      stigmer workflow create -f examples/workflow/nightly.yaml
    """
    return create_from(WORKFLOW, file)


command.add_command(validate)
command.add_command(graph)
command.add_command(list_command(WORKFLOW))
command.add_command(get_command(WORKFLOW, "nightly"))


@command.command("execute")
@click.argument("name", shell_complete=completer(WORKFLOW))
def execute(name: str) -> int:
    """Say that workflows are stored and checked here, and that running them comes later.

    \b
    Example:
      stigmer workflow execute nightly
    """

    async def work(client: Client) -> int:
        workflow = await fetch(client, WORKFLOW, name)
        raise FailedPrecondition(
            f"the workflow {workflow.metadata.slug!r} was not run: workflows are stored and checked here, running them comes later",
            remedy="an agent runs now: stigmer run AGENT -m MESSAGE",
        )

    return with_client(work)


command.add_command(delete_command(WORKFLOW, "nightly"))
