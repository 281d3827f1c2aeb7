"""A dated table in a page of the documentation: a row a figure, replaced when it is measured again."""

from collections.abc import Mapping, Sequence
from pathlib import Path

BEGIN = "<!-- measured: rows below are written by {command} -->"
END = "<!-- end of measured rows -->"


class TableMissing(Exception):
    """The page has no place for the table."""


def update_table(page: Path, command: str, header: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    """Put `rows` into the table of `page`, in the place of those with the same first cell; others stay, new ones come last.

    The table stands between two marks, the first of which names `command`. Raises `TableMissing`.
    """
    text = page.read_text(encoding="utf-8")
    begin_mark = BEGIN.format(command=command)
    before, begin, rest = text.partition(begin_mark)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise TableMissing(f"{page} has no table between {begin_mark!r} and {END!r}")
    known = {name: cells for name, cells in map(_cells, table.splitlines()) if name and name not in (header[0], "---")}
    known.update({name: list(cells) for name, cells in rows.items()})
    lines = [_line(header), _line(["---"] * len(header))]
    lines += [_line([name, *cells]) for name, cells in known.items()]
    page.write_text(f"{before}{begin}\n\n" + "\n".join(lines) + f"\n\n{end}{after}", encoding="utf-8")


def _cells(line: str) -> tuple[str, list[str]]:
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    return (cells[0], cells[1:]) if line.startswith("|") else ("", [])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"
