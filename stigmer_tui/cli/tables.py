"""Rows for a person, JSON for a program."""

import json
from collections.abc import Iterable, Sequence

import click
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from stigmer_tui.text import safe


def print_json(messages: Iterable[Message]) -> None:
    """The messages as one JSON array, with the field names of protobuf JSON."""
    click.echo(json.dumps([MessageToDict(message) for message in messages], indent=2, ensure_ascii=True))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Left-aligned columns under headings, two spaces apart; the last column is not padded. Foreign text is made harmless."""
    cleaned = [[safe(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(headings, *cleaned, strict=True)]
    for row in (list(headings), *cleaned):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
