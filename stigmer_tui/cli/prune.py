"""`stigmer prune`: delete runs that have ended, by age, size and label."""

import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.client import Client
from stigmer_apis.client.boards import MANY
from stigmer_apis.client.upkeep import disk_usage
from stigmer_tui.cli.apikey import Span
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.disk_use import print_disk_use
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import LabelType
from stigmer_tui.cli.pack import pack_now
from stigmer_tui.cli.tables import print_json, print_table
from stigmer_tui.text import safe
from stigmer_tui.text.times import exact, size

ENDED = (
    ExecutionPhase.EXECUTION_COMPLETED,
    ExecutionPhase.EXECUTION_FAILED,
    ExecutionPhase.EXECUTION_CANCELLED,
)
SHOWN = 20
"""Runs that are named before it is asked; JSON names all."""

_PAGE = 1000
_SIZE = re.compile(r"([0-9]{1,12})(k|M|G)?B?")
_UNITS = {"": 1, "k": 1000, "M": 1_000_000, "G": 1_000_000_000}


class Size(click.ParamType[int]):
    """A number of bytes: `500kB`, `10MB`, `1GB`."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """In bytes."""
        found = _SIZE.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no size: write it as 500kB, 10MB or 1GB", param, ctx)
        return int(found[1]) * _UNITS[found[2] or ""]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs go. All that is said has to hold of one."""

    older_than: int
    """Seconds since its end, at least; 0 for any."""
    larger_than: int
    """Bytes of output and text, at least one more; -1 for any."""
    labels: Mapping[str, str]
    agent: str
    keep_last: int
    """So many of the newest with these labels, of this agent, stay."""


@click.command("prune")
@click.option("--older-than", type=Span(), metavar="TIME", help="Ended at least that long ago: 12h, 30d, 8w.")
@click.option("--larger-than", type=Size(), metavar="SIZE", help="More output and text than that: 500kB, 10MB.")
@click.option("-l", "--label", "labels", type=LabelType(), multiple=True, help="With this label; may be given again.")
@click.option("--agent", default="", metavar="NAME", help="Of this agent.")
@click.option("--keep-last", type=click.IntRange(min=0), help="But not the newest N of them.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--pack", "then_pack", is_flag=True, help="Then give the space back, as `stigmer pack` does.")
@click.option("--dry-run", is_flag=True, help="Tell what would go, and what takes the disk; delete nothing.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: the runs, as JSON.")
def command(
    older_than: int | None,
    larger_than: int | None,
    labels: tuple[tuple[str, str], ...],
    agent: str,
    keep_last: int | None,
    yes: bool,
    then_pack: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Delete runs that have ended, with what they said, printed and handed over. Runs that go on stay.

    All that is named has to hold of a run. In a terminal it asks first. What is deleted is in no backup that is taken later.

    \b
    Examples:
      stigmer prune --older-than 30d --dry-run
      stigmer prune --label team=docs --keep-last 10 --yes
      stigmer prune --larger-than 100MB --older-than 7d --yes --pack
    """
    if older_than is None and larger_than is None and not labels and not agent and keep_last is None:
        raise click.UsageError("say which runs: --older-than, --larger-than, --label, --agent or --keep-last")
    if as_json and not dry_run:
        raise click.UsageError("--json goes with --dry-run")
    wanted = Wanted(older_than or 0, -1 if larger_than is None else larger_than, dict(labels), agent, keep_last or 0)
    found: list[ExecutionSummary] = []

    async def look(client: Client) -> int:
        found.extend(await choose(client, wanted, time.time_ns() // 1000))
        return ExitCode.OK

    code = with_client(look)
    if code is not ExitCode.OK:
        return code
    if as_json:
        print_json(found)
        return ExitCode.OK
    asked = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    if dry_run or asked or not found:
        _tell(found)
    if dry_run:
        return with_client(_tell_disk)
    if not found:
        return with_client(_pack) if then_pack else ExitCode.OK
    if asked and not click.confirm("Delete?", default=False):
        click.echo("nothing was deleted")
        return ExitCode.OK
    code = with_client(lambda client: _delete(client, found))
    return with_client(_pack) if then_pack and code is ExitCode.OK else code


async def choose(client: Client, wanted: Wanted, now_micros: int) -> list[ExecutionSummary]:
    """The runs that go, newest first."""
    asked = ExecutionFilter(agent=wanted.agent, labels=wanted.labels, phases=ENDED)
    found: list[ExecutionSummary] = []
    token, passed = "", 0
    while True:
        page = await client.boards.page(asked, page_size=_PAGE, page_token=token)
        rows = page.executions[max(0, wanted.keep_last - passed) :]
        passed += len(page.executions)
        found += [row for row in rows if _matches(row, wanted, now_micros)]
        token = page.next_page_token
        if not token:
            return found


def _matches(row: ExecutionSummary, wanted: Wanted, now_micros: int) -> bool:
    ended = row.completed_unix_micros or row.created_unix_micros
    return now_micros - ended >= wanted.older_than * 1_000_000 and row.output_bytes > wanted.larger_than


def _tell(rows: Sequence[ExecutionSummary]) -> None:
    """What would go."""
    if not rows:
        click.echo("no run that has ended is like that")
        return
    print_table(
        ("ID", "AGENT", "ENDED", "SIZE", "SUBJECT"),
        [
            (row.execution_id, row.agent_name, exact(row.completed_unix_micros), size(row.output_bytes), row.subject)
            for row in rows[:SHOWN]
        ],
    )
    if len(rows) > SHOWN:
        click.echo(f"... and {len(rows) - SHOWN} more")
    click.echo(f"{_count(rows)} would be deleted")


async def _tell_disk(client: Client) -> int:
    print_disk_use(await disk_usage(client, with_dead=True))
    return ExitCode.OK


async def _pack(client: Client) -> int:
    await pack_now(client)
    return ExitCode.OK


async def _delete(client: Client, rows: Sequence[ExecutionSummary]) -> int:
    """Delete what was chosen; what runs again meanwhile stays, and is named."""
    deleted: set[str] = set()
    code = ExitCode.OK
    for begin in range(0, len(rows), MANY):
        answer = await client.boards.delete([row.execution_id for row in rows[begin : begin + MANY]])
        deleted.update(answer.deleted)
        for refused in answer.refused:
            click.echo(f"stigmer: {safe(refused.execution_id)} stays: {safe(refused.reason)}", err=True)
            code = ExitCode.STATE
    click.echo(f"{_count([row for row in rows if row.execution_id in deleted])} deleted")
    return code


def _count(rows: Sequence[ExecutionSummary]) -> str:
    runs = "1 run" if len(rows) == 1 else f"{len(rows)} runs"
    return f"{runs} with {size(sum(row.output_bytes for row in rows))}" if rows else "no run"
