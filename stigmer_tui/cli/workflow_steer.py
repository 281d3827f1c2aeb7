"""`stigmer signal`, `retry` and `complete`: what one sends to runs of workflows from the line."""

import click

from stigmer_apis.client import Client
from stigmer_apis.errors import StigmerError
from stigmer_apis.ids import Prefix, is_id
from stigmer_tui.cli.connect import complain, with_client
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.naming import complete_executions
from stigmer_tui.cli.run_workflow import Shown, show
from stigmer_tui.cli.stream import ExecutionStream, StreamOptions
from stigmer_tui.cli.workflow_input import data_of, parsed, value_of
from stigmer_tui.text import safe

_id = click.argument("execution_id", metavar="ID", shell_complete=complete_executions)


@click.command("signal")
@_id
@click.argument("name")
@click.option("--data", metavar="JSON", help="What comes with it: JSON, @FILE, or - for standard input. Default: null.")
@click.option("--id", "signal_id", default="", help="The same id again is the same signal, which counts once.")
def signal(execution_id: str, name: str, data: str | None, signal_id: str) -> int:
    """Send the run ID of a workflow the signal NAME. It is kept until a task waits for it.

    \b
    Example:
      stigmer signal wex-01jd... approved --data '{"by": "ann"}'
    """
    try:
        value = data_of(data)
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)

    async def work(client: Client) -> int:
        await client.workflows.signal(execution_id, name, value, id=signal_id)
        click.echo(f"{execution_id} has the signal {safe(name)}")
        return ExitCode.OK

    return with_client(work)


@click.command("retry")
@_id
@click.option(
    "--follow/--detach", "-f/-d", default=True, help="Show the new run until it ends, or print its id and leave."
)
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON with its sequence.")
def retry(execution_id: str, follow: bool, as_json: bool) -> int:
    """Run what the run ID ran once more, from its beginning, with the same input. That is a new run; the old one stays as it is.

    \b
    Example:
      stigmer retry wex-01jd... --detach
    """

    async def work(client: Client) -> int:
        made = await client.boards.run_again(execution_id)
        if is_id(made, Prefix.WORKFLOW_EXECUTION):
            return await show(client, made, Shown(follow, as_json))
        if not follow:
            click.echo(made)
            return ExitCode.OK
        return await ExecutionStream(client, made, StreamOptions(as_json=as_json)).show()

    return with_client(work)


@click.command("complete")
@click.argument("token")
@click.option("--result", metavar="JSON", help="What the task gives: JSON, @FILE, or - for standard input.")
@click.option("--error", "reason", metavar="TEXT", help="The task failed; why.")
def complete(token: str, result: str | None, reason: str | None) -> int:
    """Complete a task that waits for somebody outside, by the TOKEN that it told. A token is good once.

    \b
    Example:
      stigmer complete cbk-01jd... --result '{"paid": true}'
    """
    if (result is None) == (reason is None):
        raise click.UsageError("say how it ended: --result JSON, or --error TEXT")
    try:
        value = data_of(result)
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)

    async def work(client: Client) -> int:
        if reason is not None:
            done = await client.workflows.fail(token, reason)
        else:
            done = await client.workflows.complete(token, value or value_of(parsed("null", "--result")))
        click.echo(f"{safe(done.task_id)} of {done.execution_id} is {'failed' if reason is not None else 'completed'}")
        return ExitCode.OK

    return with_client(work)
