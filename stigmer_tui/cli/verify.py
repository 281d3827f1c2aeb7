"""`stigmer verify`: every byte of a backup, or of the store here."""

import asyncio
import json
from pathlib import Path

import click

from stigmer_apis.home import Home
from stigmer_tui.cli.connect import run_async
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.maintenance import Outcome, data_of, maintain
from stigmer_tui.text import safe
from stigmer_tui.text.times import exact, size


@click.command("verify")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(directory: Path | None, as_json: bool) -> int:
    """Look at every byte of the backup in DIR, or of the store here. Nothing is changed, and the daemon may run.

    Ends with 1 where something is damaged.

    \b
    Examples:
      stigmer verify
      stigmer verify stigmer-backup
    """

    named = directory.absolute() if directory is not None else None

    async def work() -> int:
        where = named or await asyncio.to_thread(data_of, Home.from_environment())
        arguments = (where,) if named is not None else ("--data", where)
        found = await asyncio.to_thread(maintain, "verify", *arguments)
        if as_json:
            problems = [{"path": path, "problem": problem} for path, problem in found.problems]
            click.echo(json.dumps({**found.done, "problems": problems}, indent=2))
        else:
            _print(directory or where, found)
        return 1 if found.problems else ExitCode.OK

    return run_async(work)


def _print(where: Path, found: Outcome) -> None:
    for path, problem in found.problems:
        click.echo(f"✗ {safe(path)}: {safe(problem)}")
    count = found.number("looked_at")
    taken = found.number("taken_unix")
    of = f", taken {exact(taken * 1_000_000)} with {safe(found.text('version'))}" if taken else ""
    if found.problems:
        click.echo(f"{safe(str(where))} is damaged: {len(found.problems)} of {count} files{of}")
        remedy = "take a new one into an empty directory" if taken else "keep a copy of it, and restore a backup"
        click.echo(f"  {remedy}", err=True)
    else:
        click.echo(f"{safe(str(where))} is whole: {size(found.number('bytes'))} in {count} files{of}")
