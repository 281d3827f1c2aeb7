"""`stigmer signal`, `publish`, `retry` and `complete`: what one sends to runs of workflows from the line."""

import click

from stigmer_apis.client import Client
from stigmer_apis.errors import StigmerError
from stigmer_apis.ids import Prefix, is_id
from stigmer_tui.cli.connect import complain, with_client
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.naming import complete_executions
from stigmer_tui.cli.retry_message import retry_message
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


@click.command("publish")
@click.argument("type_", metavar="TYPE")
@click.option("--data", metavar="JSON", help="What comes with it: JSON, @FILE, or - for standard input. Default: none.")
@click.option(
    "--id", "event_id", default="", help="The same id from the same source again is the same event, which counts once."
)
@click.option("--source", default="", metavar="URI", help="Where it comes from. Default: you.")
@click.option("--subject", default="", help="What it is about.")
def publish(type_: str, data: str | None, event_id: str, source: str, subject: str) -> int:
    """Tell an event of the TYPE to all runs of workflows that wait for one, and start the workflows whose schedule names it.

    \b
    Example:
      stigmer publish com.example.order.placed --data '{"order": 7}'
    """
    try:
        value = data_of(data) if data is not None else None
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)

    async def work(client: Client) -> int:
        told = await client.workflows.publish(type_, value, id=event_id, source=source, subject=subject)
        heard = f"{told.delivered} {'run' if told.delivered == 1 else 'runs'} heard it"
        began = f", and it started {told.started}" if told.started else ""
        click.echo(f"{safe(type_)}: {heard if told.delivered or not told.started else 'no run waited for it'}{began}")
        return ExitCode.OK

    return with_client(work)


@click.command("retry")
@_id
@click.option(
    "--follow/--detach", "-f/-d", default=True, help="Show the new run until it ends, or print its id and leave."
)
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON with its sequence.")
@click.option("--failed", is_flag=True, help="Of a workflow: begin where it failed or was stopped.")
@click.option("--from", "task", default="", metavar="TASK", help="Of a workflow: begin with this task.")
@click.option(
    "--message",
    default="",
    metavar="N",
    help="Of an agent: ask your message N again, 1 for the first, in the same session: what came after it is forgotten there, and files "
    "that tools changed since are put back.",
)
@click.option("--keep-files", is_flag=True, help="With --message: leave files as they are.")
def retry(
    execution_id: str, follow: bool, as_json: bool, failed: bool, task: str, message: str, keep_files: bool
) -> int:
    """Run what the run ID ran once more, with the same input. That is a new run; the old one stays as it is.

    It begins at the beginning. With --failed or --from the run of a workflow begins in the middle: what was done before is taken over, and not
    done again. TASK is a name, or a place such as /do/2/fetch where several have that name.

    \b
    Examples:
      stigmer retry wex-01jd... --detach
      stigmer retry wex-01jd... --failed
      stigmer retry wex-01jd... --from fetch
      stigmer retry aex-01jd... --message 2
    """
    if failed and task:
        raise click.UsageError("say where it begins: --failed, or --from TASK")
    if (failed or task) and message:
        raise click.UsageError("--message is for runs of agents, --failed and --from for those of workflows")
    if keep_files and not message:
        raise click.UsageError("--keep-files is for --message: nothing is put back without it")

    async def work(client: Client) -> int:
        if message:
            return await retry_message(
                client, execution_id, message, keep_files=keep_files, follow=follow, as_json=as_json
            )
        if failed or task:
            made = (await client.workflows.go_on(execution_id, task)).execution_id
        else:
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
