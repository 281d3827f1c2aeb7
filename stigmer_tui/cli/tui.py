"""`stigmer tui`: the workstation."""

import asyncio
import os
import sys
from pathlib import Path

import click

from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home
from stigmer_tui.backends import REMOTE_VARIABLE
from stigmer_tui.cli.connect import complain
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of

WEB_DRIVER = "textual.drivers.web_driver:WebDriver"
"""Set by who serves the app to a page: then its terminal is the page's."""


@click.command("tui")
@click.option(
    "-w",
    "--workspace",
    type=click.Path(path_type=Path),
    help="Directory that new sessions work in. Default: one of each session's own.",
)
@click.option("--read-only", is_flag=True, help="Look at everything, change nothing: the server refuses the rest.")
@click.option("--attach", "open_run", metavar="ID", default="", help="Open this run at once.")
@click.option(
    "--remote", metavar="HOST:PORT", default="", help="Speak to the server there: stigmer backend login has its key."
)
@click.option("--plain", is_flag=True, help="Line by line: for screen readers, simple terminals and pipes.")
@click.option("--web", is_flag=True, help="In a browser of this machine: prints a link that works once.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="With --web: the port of 127.0.0.1. Default: any."
)
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal, to select text as usual.")
def command(
    workspace: Path | None,
    read_only: bool,
    open_run: str,
    remote: str,
    plain: bool,
    web: bool,
    port: int,
    no_mouse: bool,
) -> int:
    """Open the workstation. Leaving it stops nothing.

    \b
    Examples:
      stigmer tui --workspace ~/src/project
      stigmer tui --read-only
      stigmer tui --attach aex-01m7xzs8a0
      stigmer tui --remote box.example:7443
      stigmer tui --plain
      stigmer tui --web
    """
    if remote:
        os.environ[REMOTE_VARIABLE] = remote
    if plain:
        return _plain(workspace, read_only, open_run)
    if web:
        return _web(workspace, read_only, open_run, port)
    in_page = os.environ.get("TEXTUAL_DRIVER") == WEB_DRIVER
    if not in_page and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("the workstation needs a terminal; `stigmer tui --plain` works without one")
    from stigmer_tui.terminal.background import BackgroundQuestion

    question = BackgroundQuestion()
    try:
        from stigmer_tui.app import run_app
    finally:
        answer = question.answer()
    try:
        return run_app(
            Home.from_environment(),
            workspace=_directory(workspace),
            read_only=read_only,
            open_run=open_run,
            mouse=not no_mouse,
            dark=answer.dark is not False,
            typed=answer.typed,
            remote=remote,
        )
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)


def _web(workspace: Path | None, read_only: bool, open_run: str, port: int) -> int:
    from stigmer_tui.web.serving import serve

    directory = _directory(workspace)
    words = [
        *(["--workspace", str(directory)] if directory is not None else []),
        *(["--read-only"] if read_only else []),
        *(["--attach", open_run] if open_run else []),
    ]
    try:
        asyncio.run(serve(words, port, lambda text: click.echo(text)))
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)
    return ExitCode.OK


def _plain(workspace: Path | None, read_only: bool, open_run: str) -> int:
    from stigmer_tui.plain.interpreter import run_plain

    return run_plain(
        Home.from_environment(), workspace=_directory(workspace), read_only=read_only, open_run_id=open_run
    )


def _directory(workspace: Path | None) -> Path | None:
    return None if workspace is None else workspace.expanduser().absolute()
