"""`stigmer artifact`: the files that runs made."""

import sys
from contextlib import AbstractContextManager, aclosing, nullcontext
from pathlib import Path
from typing import BinaryIO

import click

from stigmer_apis._generated.stigmer.execution.v1.artifact_service_pb2 import Artifact
from stigmer_apis.client import Client
from stigmer_tui.cli.connect import note, with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.naming import complete_executions
from stigmer_tui.cli.saving import harmless_name, saved_file
from stigmer_tui.cli.tables import print_json, print_table
from stigmer_tui.text import safe
from stigmer_tui.text.times import exact, size

_PAGE = 1000


@click.group("artifact")
def command() -> None:
    """List and get the files that runs made and handed over. They go with their run.

    \b
    Examples:
      stigmer artifact list
      stigmer artifact get art-01jd...
    """


@command.command("list")
@click.argument("execution_id", metavar="[ID]", default="", shell_complete=complete_executions)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
def list_command(execution_id: str, output: str) -> int:
    """List the files of the run ID, or of all runs, newest first.

    \b
    Examples:
      stigmer artifact list
      stigmer artifact list aex-01jd... -o json
    """

    async def work(client: Client) -> int:
        found: list[Artifact] = []
        token = ""
        while True:
            page = await client.artifacts.list(execution_id, page_size=_PAGE, page_token=token)
            found += page.artifacts
            token = page.next_page_token
            if not token:
                break
        if output == "json":
            print_json(found)
        elif found:
            print_table(
                ("ID", "NAME", "SIZE", "TYPE", "MADE", "RUN"),
                [
                    (
                        one.artifact_id,
                        one.name,
                        size(one.size),
                        one.media_type,
                        exact(one.created_unix_micros),
                        one.execution_id,
                    )
                    for one in found
                ],
            )
        else:
            note("stigmer: there are no files; an agent hands one over with the tool `keep_file`")
        return ExitCode.OK

    return with_client(work)


@command.command("get")
@click.argument("artifact_id", metavar="ID")
@click.option("-o", "--output", type=click.Path(dir_okay=False), default=None, help="Where to; - for standard output.")
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
def get_command(artifact_id: str, output: str | None, force: bool) -> int:
    """Write the file ID into this directory, by the name that it has, as far as that is harmless.

    What is there already is not overwritten. The file is there whole or not at all.

    \b
    Examples:
      stigmer artifact get art-01jd...
      stigmer artifact get art-01jd... -o report.html --force
      stigmer artifact get art-01jd... -o - | head -c 100
    """

    async def work(client: Client) -> int:
        async with aclosing(client.artifacts.read(artifact_id)) as pieces:
            about = await anext(pieces)
            assert isinstance(about, Artifact)
            path = Path(output or harmless_name(about.name))
            with _target(path, force) as file:
                async for piece in pieces:
                    if isinstance(piece, bytes):
                        file.write(piece)
                file.flush()
        if output != "-":
            note(f"stigmer: {safe(str(path))} has {size(about.size)}")
        return ExitCode.OK

    return with_client(work)


def _target(path: Path, force: bool) -> "AbstractContextManager[BinaryIO]":
    return nullcontext(sys.stdout.buffer) if str(path) == "-" else saved_file(path, force=force)
