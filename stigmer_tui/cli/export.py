"""`stigmer export`: a run written out, as a recording or as a page."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import click

from stigmer_apis.client import Client
from stigmer_tui.archives.exporting import Exporter
from stigmer_tui.archives.layout import LEFT_OUT
from stigmer_tui.archives.writing import written_archive
from stigmer_tui.cli.connect import note, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import complete_executions
from stigmer_tui.cli.saving import saved_file
from stigmer_tui.records.asciicast import CastVersion
from stigmer_tui.records.writing import CAST, HTML, JSON, MARKDOWN, write_run
from stigmer_tui.text import safe

ARCHIVE = "archive"
FORMATS = (MARKDOWN, HTML, JSON, ARCHIVE)


@click.command("export")
@click.argument("execution_id", metavar="[ID]", default="", shell_complete=complete_executions)
@click.option(
    "--all", "everything", is_flag=True, help="With --format archive: every run that has ended, and every resource."
)
@click.option("--cast", is_flag=True, help="A recording of its terminals (asciicast), for `asciinema play`.")
@click.option("--version", type=click.Choice(["2", "3"]), default=None, help="Which asciicast; 2 unless given.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=None,
    help="A page to read, all events as JSON, or an archive for `stigmer import`.",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False), default="-", help="A file to write; - for standard output."
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
def command(
    execution_id: str, everything: bool, cast: bool, version: str | None, form: str | None, output: str, force: bool
) -> int:
    """Write the run ID out: as a recording of its terminals, as a page, or as an archive that another store takes.

    A run that has not ended is written as far as it has come, but into no archive. Pages hold no scripts and load nothing. An archive holds the run of a workflow with those that
    it started, and no secrets; it says what else is left out, and ends with 79 where that is for a damaged disk.

    \b
    Examples:
      stigmer export aex-01jd... --cast -o run.cast
      stigmer export aex-01jd... --cast --version 3 -o run3.cast
      stigmer export aex-01jd... --format html -o run.html
      stigmer export aex-01jd... --format markdown | less
      stigmer export --all --format archive -o everything.tar.gz
    """
    if cast == (form is not None):
        raise click.UsageError("give either --cast or --format markdown|html|json|archive")
    if everything != (not execution_id) or (everything and form != ARCHIVE):
        raise click.UsageError("name a run, or give --all with --format archive")
    if form == ARCHIVE:
        return _export_archive(execution_id, output, force)
    if version is not None and not cast:
        raise click.UsageError("--version is that of --cast")

    async def work(client: Client) -> int:
        with _target(output, force) as file:
            await write_run(client, execution_id, file, form or CAST, CastVersion(int(version or 2)))
        if output != "-":
            note(f"stigmer: {safe(output)} is written")
        return ExitCode.OK

    return with_client(work)


def _export_archive(execution_id: str, output: str, force: bool) -> int:
    """Everything, or the run that is named, as an archive."""
    if output == "-" and sys.stdout.isatty():
        raise click.UsageError("an archive is no text for a terminal: name a file with -o FILE")

    async def work(client: Client) -> int:
        with _target(output, force) as file, written_archive(file) as archive:
            exporter = Exporter(client, archive)
            await (exporter.run(execution_id) if execution_id else exporter.everything())
        done = exporter.exported
        where = "standard output" if output == "-" else safe(output)
        runs = "1 run" if done.runs == 1 else f"{done.runs} runs"
        click.echo(f"stigmer: {where} holds {runs} and {done.resources} resources", err=True)
        for line in (*done.left_out, *LEFT_OUT):
            click.echo(f"  left out: {safe(line)}", err=True)
        return ExitCode.STATE if done.damaged else ExitCode.OK

    return with_client(work)


def _target(output: str, force: bool) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdout.buffer) if output == "-" else saved_file(Path(output), force=force)
