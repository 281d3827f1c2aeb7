"""`-f` of the commands that take descriptions, and how what is wrong with them is said."""

import sys
from collections.abc import Sequence

import click

from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.documents.sources import read_sources
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.manifests.reading import Reading, read_documents
from stigmer_tui.text import safe

MOST_SHOWN = 100


def standard_input(size: int) -> bytes:
    """At most so many bytes of it."""
    return sys.stdin.buffer.read(size)


def read_files(names: Sequence[str]) -> Reading:
    """The documents of files, directories and `-`. Raises `ManifestError`, also where there is none at all."""
    reading = read_documents(read_sources(names, standard_input))
    for name in reading.passed_over:
        click.echo(f"stigmer: {safe(name)} describes nothing of Stigmer's; passed over", err=True)
    if not reading.documents:
        raise ManifestError(
            [
                Problem(
                    ", ".join(names),
                    0,
                    0,
                    "there is no document in it",
                    remedy="`stigmer new agent NAME` prints one to start from",
                )
            ]
        )
    return reading


def complain_of(error: ManifestError, code: ExitCode = ExitCode.BAD_INPUT, *, left: str = "stored") -> ExitCode:
    """Say everything that is wrong on standard error, one thing a line, and what was not done for it. Returns `code`."""
    for problem in error.problems[:MOST_SHOWN]:
        click.echo(safe(str(problem)), err=True)
    if len(error.problems) > MOST_SHOWN:
        click.echo(f"and {len(error.problems) - MOST_SHOWN} more", err=True)
    click.echo(f"stigmer: nothing was {left}", err=True)
    return code
