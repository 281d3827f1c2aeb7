"""`stigmer logs`: what a run has printed, and prints."""

import re
import time

import click

from stigmer_apis.client import Client
from stigmer_apis.ids import Prefix
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import complete_executions
from stigmer_tui.cli.stream import ExecutionStream, StreamOptions
from stigmer_tui.cli.workflow_stream import WorkflowStream

AGE = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Since(click.ParamType[tuple[int, int]]):
    """A sequence such as `120`, or an age such as `90s`, `15m`, `2h`, `1d`."""

    name = "SEQ|AGE"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """`(after_seq, since_micros)`, one of them 0. SEQ itself is shown."""
        if value.isdigit():
            return max(0, int(value) - 1), 0
        found = AGE.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is neither a sequence (120) nor an age (90s, 15m, 2h, 1d)", param, ctx)
        return 0, int((time.time() - float(found[1]) * SECONDS[found[2]]) * 1_000_000)


@click.command("logs")
@click.argument("execution_id", metavar="ID", shell_complete=complete_executions)
@click.option("-f", "--follow", is_flag=True, help="Stay, and show what comes, until the run ends.")
@click.option("--json", "as_json", is_flag=True, help="One event a line, as JSON with its sequence.")
@click.option(
    "--since", type=Since(), default=None, help="From a sequence on, or since so long ago: 120, 90s, 15m, 2h, 1d."
)
@click.option("--raw", is_flag=True, help="Write the terminal's bytes exactly as they came.")
def command(execution_id: str, follow: bool, as_json: bool, since: tuple[int, int] | None, raw: bool) -> int:
    """Show what the run ID has printed; of a workflow also how its tasks went, and what it gave.

    Into a pipe, line ends are those of a file; with --raw they are the terminal's.

    \b
    Examples:
      stigmer logs aex-01jd... -f
      stigmer logs aex-01jd... --json | head
    """
    after_seq, since_micros = since or (0, 0)
    options = StreamOptions(follow=follow, as_json=as_json, raw=raw, after_seq=after_seq, since_micros=since_micros)

    async def work(client: Client) -> int:
        if execution_id.startswith(f"{Prefix.WORKFLOW_EXECUTION}-") and not (as_json or raw or since):
            await WorkflowStream(client, execution_id, follow=follow).show()
            return ExitCode.OK
        await ExecutionStream(client, execution_id, options).show()
        return ExitCode.OK

    return with_client(work)
