"""`stigmer schedule`: workflows that start by themselves."""

import click

from stigmer_apis._generated.stigmer.schedule.v1.schedule_service_pb2 import Schedule
from stigmer_apis.client import Client
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.history import moment
from stigmer_tui.cli.naming import completer
from stigmer_tui.cli.printing import Form, Output, OutputForm, print_data
from stigmer_tui.cli.tables import print_table
from stigmer_tui.manifests.kinds import WORKFLOW
from stigmer_tui.text import safe

PAGE = 1000
_name = click.argument("workflow", shell_complete=completer(WORKFLOW))


@click.group("schedule")
def command() -> None:
    """List the workflows that start by themselves, pause them, start them now.

    A workflow has a schedule where its document says so: `schedule:` with `cron`, `every`, `after` or `on`.

    \b
    Examples:
      stigmer schedule list
      stigmer schedule trigger nightly
    """


@command.command("list")
@click.option(
    "-o",
    "--output",
    type=OutputForm(Form.TABLE, Form.JSON, Form.YAML, Form.JSONPATH),
    default="table",
    help="How to print it.",
)
def list_schedules(output: Output) -> int:
    """List schedules: when each starts next, and how its last start went.

    \b
    Example:
      stigmer schedule list
    """

    async def work(client: Client) -> int:
        found = await _all(client)
        if output.is_table:
            if not found:
                click.echo("No workflow starts by itself. A document that does has `schedule:` in it.")
                return ExitCode.OK
            rows = [_row(each) for each in found]
            print_table(["WORKFLOW", "STARTS", "NEXT", "LAST", "RUNS", "STATE"], rows)
        else:
            from google.protobuf.json_format import MessageToDict

            print_data(output, [MessageToDict(each) for each in found], [])
        return ExitCode.OK

    return with_client(work)


def _row(schedule: Schedule) -> list[str]:
    state = f"failed: {schedule.last_error}" if schedule.last_error else "paused" if schedule.paused else "on"
    upcoming = moment(schedule.next_unix_micros) if schedule.next_unix_micros and not schedule.paused else "-"
    last = moment(schedule.last_unix_micros) if schedule.last_unix_micros else "-"
    return [schedule.workflow_name, f"{schedule.kind} {schedule.text}", upcoming, last, str(schedule.starts), state]


async def _all(client: Client) -> list[Schedule]:
    found: list[Schedule] = []
    token = ""
    while True:
        page = await client.workflows.schedules(page_size=PAGE, page_token=token)
        found.extend(page.schedules)
        token = page.next_page_token
        if not token:
            return found


@command.command("pause")
@_name
def pause(workflow: str) -> int:
    """Let WORKFLOW not start by itself until it is resumed. What runs goes on.

    \b
    Example:
      stigmer schedule pause nightly
    """

    async def work(client: Client) -> int:
        schedule = await client.workflows.pause_schedule(workflow)
        click.echo(f"{safe(schedule.workflow_name)} does not start by itself any more")
        return ExitCode.OK

    return with_client(work)


@command.command("resume")
@_name
def resume(workflow: str) -> int:
    """Let WORKFLOW start by itself again. Times that went by meanwhile are not made up for.

    \b
    Example:
      stigmer schedule resume nightly
    """

    async def work(client: Client) -> int:
        schedule = await client.workflows.resume_schedule(workflow)
        upcoming = f", next at {moment(schedule.next_unix_micros)}" if schedule.next_unix_micros else ""
        click.echo(f"{safe(schedule.workflow_name)} starts by itself again{upcoming}")
        return ExitCode.OK

    return with_client(work)


@command.command("trigger")
@_name
def trigger(workflow: str) -> int:
    """Start WORKFLOW now, whatever its schedule says, and print the run's id.

    \b
    Example:
      stigmer schedule trigger nightly
    """

    async def work(client: Client) -> int:
        click.echo(await client.workflows.trigger_schedule(workflow))
        return ExitCode.OK

    return with_client(work)
