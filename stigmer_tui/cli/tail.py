"""`stigmer tail`: any log, of any size."""

import os
import stat
import sys
import time
from collections.abc import Iterable, Sequence

import click

from stigmer_apis.errors import InvalidArgument, StigmerError
from stigmer_apis.home import Home
from stigmer_tui.cli.connect import complain
from stigmer_tui.cli.exit_codes import ExitCode, exit_code_of
from stigmer_tui.cli.terminal_text import output_filter
from stigmer_tui.logs.patterns import Filter, filter_of
from stigmer_tui.logs.printing import chosen, counted, filtered, pieces
from stigmer_tui.logs.sources import Source, open_pipe, open_sources
from stigmer_tui.logs.times import moment_of

LAST = 10
"""Lines that are printed unless more are asked for, as `tail` does."""


@click.command("tail")
@click.argument("names", metavar="[server|runner|FILE]...", nargs=-1)
@click.option(
    "-e",
    "--filter",
    "written",
    multiple=True,
    metavar="FILTER",
    help="Only lines that fit: a text, /an expression/, field=value, status>=500; ! in front for all others. Several narrow each other down.",
)
@click.option("-C", "--context", type=click.IntRange(0, 100), default=0, help="Lines before and behind each match.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    default=None,
    help=f"The last so many. [default: {LAST}; all with filters]",
)
@click.option(
    "-f", "--follow", is_flag=True, help="Stay, and print what comes; a file that is rotated or cut is followed."
)
@click.option(
    "--since", default="", metavar="TIME", help="From a time on: 10m (so long ago), 14:03, 2026-11-21T14:03:20."
)
@click.option("-p", "--print", "printed", is_flag=True, help="Print, also at a terminal: there it is read in the app.")
@click.option(
    "--columns",
    default="",
    metavar="FIELD,FIELD...",
    help="Of lines of JSON or key=value these fields alone, with tabs between them; in the app side by side.",
)
@click.option("-c", "--count", is_flag=True, help="Print how many lines each filter leaves, and nothing else.")
def command(
    names: tuple[str, ...],
    written: tuple[str, ...],
    context: int,
    lines: int | None,
    follow: bool,
    since: str,
    printed: bool,
    columns: str,
    count: bool,
) -> int:
    """Show logs: of the server, of the runner, any files, or what comes by a pipe. At a terminal they are read in the app, unless it is said how
    many lines are printed (-n, -f, -c, -C, -p).

    Several are merged by the times of their lines. Compressed files (gzip) are unpacked. Files of many gigabytes are fine.

    \b
    Examples:
      stigmer tail server runner --since 1h
      stigmer tail app.log -e ERROR -e '!timeout' -C 2
      stigmer tail app.log.1.gz app.log -e 'status>=500' -f
      stigmer tail app.log -e 'status>=500' --columns time,status,path
      make 2>&1 | stigmer tail -e warning
    """
    source: Source | None = None
    try:
        filters = [filter_of(each) for each in written]
        fields = columns.replace(",", " ").split()
        moment = _moment(since)
        if not (printed or count or follow or context) and lines is None and _at_terminal(names):
            return _read_in_app(names, moment, filters, fields)
        if count and not filters:
            raise InvalidArgument("--count counts what filters leave", remedy="name one: -e TEXT")
        source = _opened(names, moment, follow=follow)
        if count:
            for each, number in zip(filters, counted(source, filters), strict=True):
                click.echo(f"{number}\t{each.text}")
        elif filters:
            _print(chosen(filtered(source, filters, context, last=lines, follow=follow), fields))
        else:
            last = None if moment and lines is None else LAST if lines is None else lines
            _print(chosen(pieces(source, last=last, follow=follow), fields))
        if source.problem:
            raise InvalidArgument(f"{source.name} could not be read to its end: {source.problem}")
    except StigmerError as error:
        complain(error)
        return exit_code_of(error)
    except TimeoutError as error:
        complain(InvalidArgument(str(error)))
        return exit_code_of(InvalidArgument(str(error)))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    finally:
        if source is not None:
            source.close()
    return ExitCode.OK


def _at_terminal(names: Sequence[str]) -> bool:
    """Whether somebody can read there and type; what is piped in leaves the keyboard to the terminal."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return False
    if sys.stdin.isatty():
        return names != ("-",)
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return names == ("-",) or (not names and _is_piped())


def _read_in_app(names: Sequence[str], since: float, filters: Sequence[Filter], columns: Sequence[str]) -> int:
    """Open the logs screen alone."""
    from stigmer_tui.log_app import run_log

    home = Home.from_environment()
    if sys.stdin.isatty():
        opened = _opened(names, since, follow=True)
        return run_log(home, opened.name, lambda: opened, filters, columns)
    pipe, terminal = os.dup(0), os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    os.dup2(terminal, 0)
    return run_log(home, "standard input", lambda: open_pipe(pipe), filters, columns)


def _moment(since: str) -> float:
    if not since:
        return 0.0
    moment = moment_of(since, time.time())
    if moment is None:
        raise InvalidArgument(f"{since!r} is no time", remedy="write 10m, 2h, 14:03 or 2026-11-21T14:03:20")
    return moment


def _opened(names: Sequence[str], since: float, *, follow: bool) -> Source:
    if names == ("-",) or (not names and _is_piped()):
        return open_pipe(os.dup(0))
    return open_sources(names, Home.from_environment(), since=since, follow=follow)


def _is_piped() -> bool:
    """Whether something is piped into us; not so where a script merely has no terminal."""
    try:
        kind = os.fstat(0).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(kind) or stat.S_ISREG(kind) or stat.S_ISSOCK(kind)


def _print(data: Iterable[bytes]) -> None:
    output = sys.stdout.buffer
    shown = output_filter(raw=False, to_terminal=output.isatty())
    for piece in data:
        output.write(shown.feed(piece))
        output.flush()
    output.write(shown.finish())
    output.flush()
