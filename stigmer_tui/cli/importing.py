"""`stigmer import`: runs and resources of an archive, taken into the store."""

from collections import Counter
from pathlib import Path

import click

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import ImportResponse
from stigmer_apis.client import Client
from stigmer_tui.archives.layout import RUNS
from stigmer_tui.archives.sending import import_archive
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.manifests.kinds import BY_NAME
from stigmer_tui.text import Untrusted, safe

_TOLD = ("created", "renamed", "same", "skipped", "refused")


@click.command("import")
@click.argument("archive", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--taken",
    type=click.Choice(["skip", "rename", "refuse"]),
    default="refuse",
    show_default=True,
    help="What happens to what has an id or a name that something else has here.",
)
@click.option("--dry-run", is_flag=True, help="Check all of it and tell what would come of it; change nothing.")
def command(archive: Path, taken: str, dry_run: bool) -> int:
    """Take what `stigmer export --format archive` wrote into the store: ids stay where they are free.

    All of FILE is checked before anything is changed. Each run comes whole, with its events and files, or not at all. The same archive again changes nothing. Secrets are in none: set
    them again. Schedules come paused: nothing starts by itself here until `stigmer schedule resume` lets it.

    \b
    Examples:
      stigmer import everything.tar.gz --dry-run
      stigmer import run.tar.gz --taken rename
    """
    counted: Counter[str] = Counter()

    def tell(answer: ImportResponse) -> None:
        counted[answer.outcome] += 1
        if answer.outcome == "same":
            return
        detail = f": {safe(Untrusted(answer.detail), lines=False)}" if answer.detail else ""
        kind = BY_NAME[answer.kind].words if answer.kind in BY_NAME else answer.kind
        renamed = f" as {answer.id}" if answer.outcome == "renamed" and answer.kind in RUNS else ""
        line = f"{safe(answer.outcome)} {safe(kind)} {safe(Untrusted(answer.name), lines=False)}{safe(renamed)}{detail}"
        click.echo(line, err=answer.outcome == "refused")

    async def work(client: Client) -> int:
        await import_archive(client, archive, taken, dry_run=dry_run, tell=tell)
        told = ", ".join(f"{counted[word]} {word}" for word in _TOLD if counted[word])
        click.echo(f"{'would be' if dry_run else 'imported'}: {told or 'nothing'}")
        return ExitCode.STATE if counted["refused"] else ExitCode.OK

    return with_client(work)
