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
    table = Table(headings, rows)
    table.print_head()
    table.print_rows(rows)


class Table:
    """The same, for rows that come later too: columns are as wide as the first rows want them."""

    def __init__(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        cleaned = [[safe(cell) for cell in row] for row in rows]
        self._headings = list(headings)
        self._widths = [max(len(cell) for cell in column) for column in zip(headings, *cleaned, strict=True)]

    def print_head(self) -> None:
        """The headings."""
        self.print_rows([self._headings])

    def print_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Rows, one a line."""
        for row in rows:
            cells = [safe(cell).ljust(width) for cell, width in zip(row, self._widths, strict=True)]
            click.echo("  ".join(cells).rstrip())
