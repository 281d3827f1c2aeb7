"""How much room text takes, in cells: a wide character takes two, a mark none."""

from functools import lru_cache

from rich.cells import cell_len, chop_cells, set_cell_size

ELLIPSIS = "…"
_LONGEST_KNOWN = 4096


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells: padded, or cut with an ellipsis. Empty for a width below one."""
    if width <= 0:
        return ""
    room = width - cell_len(text)
    if room >= 0:
        return text + " " * room
    if width == 1:
        return ELLIPSIS
    return set_cell_size(text, width - 1) + ELLIPSIS


def fit_right(text: str, width: int) -> str:
    """Like `fit`, with the padding in front: for numbers."""
    room = width - cell_len(text)
    return " " * room + text if room > 0 else fit(text, width)


def wrap(text: str, width: int) -> list[str]:
    """`text` in rows of at most `width` cells: at its line breaks, at spaces where it can be, within a word where it must be.

    At least one row; a width below two counts as two, as a wide character needs that much.
    """
    width = max(2, width)
    rows: list[str] = []
    for line in text.split("\n"):
        rows.extend(_wrap_known(line, width) if len(line) < _LONGEST_KNOWN else _wrap_line(line, width))
    return rows


@lru_cache(maxsize=8192)
def _wrap_known(line: str, width: int) -> tuple[str, ...]:
    """A text that grows is wrapped again and again: only its last line is new."""
    return tuple(_wrap_line(line, width))


def _wrap_line(line: str, width: int) -> list[str]:
    if len(line) * 2 <= width or cell_len(line) <= width:
        return [line]
    rows: list[str] = []
    row, used = "", 0
    for word in _words(line):
        size = cell_len(word)
        if used + cell_len(word.rstrip(" ")) <= width:
            row, used = row + word, used + size
            continue
        if row:
            rows.append(row.rstrip(" "))
        body = word.rstrip(" ")
        pieces = chop_cells(body, width) or [""]
        rows.extend(pieces[:-1])
        row = pieces[-1] + word[len(body) :]
        used = cell_len(row)
    rows.append(row.rstrip(" "))
    return rows


def _words(line: str) -> list[str]:
    """Words, each with the spaces behind it; the spaces in front belong to the first."""
    indent = line[: len(line) - len(line.lstrip(" "))]
    words = [word + " " for word in line[len(indent) :].split(" ")]
    words[-1] = words[-1][:-1]
    words[0] = indent + words[0]
    return words
