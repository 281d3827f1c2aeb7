"""`stigmer workflow`: workflows, by the noun."""

import click

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.client import Client
from stigmer_apis.errors import StigmerError
from stigmer_tui.cli.connect import complain, with_client
from stigmer_tui.cli.creating import create_from
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.history import moment
from stigmer_tui.cli.naming import completer
from stigmer_tui.cli.nouns import delete_command, get_command, list_command
from stigmer_tui.cli.resources import fetch
from stigmer_tui.cli.run_workflow import Given, Shown, show, start
from stigmer_tui.cli.tables import print_table
from stigmer_tui.cli.workflow_files import graph, validate
from stigmer_tui.cli.workflow_input import input_of
from stigmer_tui.manifests.kinds import WORKFLOW
from stigmer_tui.text import safe
from stigmer_tui.text.times import span
from stigmer_tui.theme.phases import look_of


@click.group("workflow")
def command() -> None:
    """Check, draw, create, list, show, execute and delete workflows. `stigmer run` runs them too, files as well.

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
@click.option(
    "-i", "--input", "source", metavar="FILE|-", help="A file of JSON that it starts with; `-` is standard input."
)
@click.option(
    "--set", "settings", metavar="NAME=VALUE", multiple=True, help="A value in its input; may be given again."
)
@click.option("--follow/--detach", "-f/-d", default=True, help="Show the run until it ends, or print its id and leave.")
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON with its sequence.")
def execute(name: str, source: str | None, settings: tuple[str, ...], follow: bool, as_json: bool) -> int:
    """Run the workflow NAME; `stigmer run` can do more.

    \b
    Example:
      stigmer workflow execute orders --set shop=7
    """
    try:
        given = Given(input_of(source, settings))
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)

    async def work(client: Client) -> int:
        return await show(client, await start(client, name, "", given), Shown(follow, as_json))

    return with_client(work)


@command.command("history")
@click.argument("name", shell_complete=completer(WORKFLOW))
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
def history(name: str, limit: int) -> int:
    """List the runs of the workflow NAME, newest first. `stigmer history workflow NAME` lists its versions.

    \b
    Example:
      stigmer workflow history orders
    """

    async def work(client: Client) -> int:
        workflow = await fetch(client, WORKFLOW, name)
        found = await client.boards.page(ExecutionFilter(workflow=workflow.metadata.id), page_size=limit)
        if not found.executions:
            click.echo(
                f"{safe(workflow.metadata.slug)} has not run yet: stigmer run workflow/{safe(workflow.metadata.slug)}"
            )
            return ExitCode.OK
        rows = [
            [
                row.execution_id,
                look_of(row.phase, stopping=row.cancel_requested).word,
                moment(row.created_unix_micros),
                _took(row),
                row.error or row.task_name or row.last_line,
            ]
            for row in found.executions
        ]
        print_table(["ID", "PHASE", "STARTED", "TOOK", "LAST"], rows)
        return ExitCode.OK

    return with_client(work)


command.add_command(delete_command(WORKFLOW, "nightly"))


def _took(row: ExecutionSummary) -> str:
    """How long it ran; nothing while it does."""
    ended = row.completed_unix_micros and row.started_unix_micros
    return span(row.completed_unix_micros - row.started_unix_micros) if ended else ""
