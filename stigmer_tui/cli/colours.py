"""Colours of a diff, where a person watches."""

import os
import sys
from collections.abc import Iterable

import click

from stigmer_tui.text import safe


def coloured() -> bool:
    """Whether standard output shows colours, and the person has not asked for none (NO_COLOR)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_diff(lines: Iterable[str]) -> None:
    """The lines of a unified diff."""
    with_colours = coloured()
    for line in lines:
        click.echo(click.style(safe(line), fg=_colour(line)) if with_colours else safe(line), color=with_colours)


def _colour(line: str) -> str | None:
    if line.startswith(("+++", "---")):
        return None
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
