"""`stigmer doctor`: what works on this machine, and how to mend what does not."""

import asyncio

import click

from stigmer_apis.client import Client
from stigmer_apis.client.upkeep import disk_usage
from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.checks.examining import examine
from stigmer_tui.checks.finding import Finding, Health, bad, good
from stigmer_tui.checks.machine import check_home
from stigmer_tui.cli.connect import run_async, with_client
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.maintenance import data_of, maintain
from stigmer_tui.cli.pack import pack_now
from stigmer_tui.text import safe

_MARKS = {Health.GOOD: "✓", Health.ABSENT: "–", Health.BAD: "✗"}


@click.command("doctor")
@click.option("--repair", is_flag=True, help="Delete runs whose events are lost, and leave what is damaged behind.")
@click.option("-y", "--yes", is_flag=True, help="With --repair: do not ask.")
def command(repair: bool, yes: bool) -> int:
    """Look at home, every byte of the store, runner, sandbox, secrets, model providers. Ends with 1 where something wants mending.

    With --repair, runs that lost events to a damaged disk are deleted, and the database is written anew without what is damaged. The damaged file is kept. A backup that holds
    them is the better way, where there is one.

    \b
    Examples:
      stigmer doctor
      stigmer doctor --repair
    """
    if repair:
        return with_client(lambda client: _repair(client, yes))

    async def work() -> int:
        findings = await look()
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            click.echo(f"{_MARKS[finding.health]} {finding.subject.ljust(width)}  {safe(finding.words)}")
        return 1 if any(finding.health is Health.BAD for finding in findings) else ExitCode.OK

    return run_async(work)


async def _repair(client: Client, yes: bool) -> int:
    """Leave what is damaged behind, after asking."""
    damaged = list((await disk_usage(client)).damaged_runs)
    if not damaged:
        click.echo(
            "no run has lost events; what is listed as NAME (damaged) goes with `stigmer delete`, and then `stigmer pack`"
        )
        return ExitCode.OK
    for run in damaged:
        click.echo(f"events of {safe(run)} are lost")
    if not yes and not await asyncio.to_thread(click.confirm, "Delete them?", default=False):
        click.echo("nothing was changed")
        return ExitCode.OK
    await client.boards.delete(damaged)
    await pack_now(client)
    click.echo("the damaged file is kept in data/cut")
    return ExitCode.OK


async def look() -> list[Finding]:
    """Everything that can be said; a home that cannot be used is all that can be said then."""
    home = Home.from_environment()
    found = check_home(home)
    if any(finding.health is Health.BAD for finding in found):
        return found
    records = await asyncio.to_thread(check_records, home)
    try:
        async with Client(home) as client:
            return [*await examine(home, client), *records]
    except StigmerError as error:
        said = bad("daemon", error.message, f"{error.remedy} (exit code {int(exit_code_of(error))})")
        return [*await examine(home, None), *records, said]


def check_records(home: Home) -> list[Finding]:
    """Every byte of the store, also while no daemon runs; nothing where there is no store yet. Blocking: about a second for 200 MB."""
    try:
        data = data_of(home)
        if not (data / "manifest").exists() and not (data / "state.fs").exists():
            return []
        found = maintain("verify", "--data", data)
    except StigmerError as error:
        return [bad("records", error.message, error.remedy)]
    if found.problems:
        named = "; ".join(problem for _, problem in found.problems[:3])
        return [bad("records", named, f"Keep a copy of {data}, then restore a backup: stigmer restore DIR --replace")]
    return [good("records", f"every byte of {found.number('looked_at')} files is as it was written")]
