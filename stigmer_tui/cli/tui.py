"""`stigmer tui`: the workstation."""

import sys
from pathlib import Path

import click

from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.cli.connect import complain
from stigmer_tui.cli.exit_codes import exit_code_of


@click.command("tui")
@click.option(
    "-w",
    "--workspace",
    type=click.Path(path_type=Path),
    help="Directory that new sessions work in. Default: one of each session's own.",
)
def command(workspace: Path | None) -> int:
    """Open the workstation. Leaving it stops nothing.

    \b
    Example:
      stigmer tui --workspace ~/src/project
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("the workstation needs a terminal; `stigmer run` and `stigmer logs` work without one")
    from stigmer_tui.app import run_app

    try:
        return run_app(
            Home.from_environment(), workspace=None if workspace is None else workspace.expanduser().absolute()
        )
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)
