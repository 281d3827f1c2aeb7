"""Settings as rows and as words. Pure; everything that is drawn is safe."""

from collections.abc import Sequence

from stigmer_tui.settings.entries import Entry, Way
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit, wrap

Pieces = list[tuple[str, str]]
"""Text and the name of its style."""
_NAME = 26
_ORIGIN = 22
_LEAST_VALUE, _MOST_VALUE = 16, 64


def rows_of(entries: Sequence[Entry]) -> list[Entry | str]:
    """Entries with their headings above them."""
    rows: list[Entry | str] = []
    for entry in entries:
        if not rows or _section(rows[-1]) != entry.section:
            rows.append(entry.section)
        rows.append(entry)
    return rows


def _section(row: Entry | str) -> str:
    return row if isinstance(row, str) else row.section


def cells_of(entry: Entry, width: int) -> Pieces:
    """A row of `width` cells: a mark where somebody said something, name, value, where it comes from."""
    origin = _ORIGIN if width >= _NAME + _ORIGIN + _LEAST_VALUE + 2 else 0
    value = min(_MOST_VALUE, max(_LEAST_VALUE, width - _NAME - origin - 2))
    shown = safe(Untrusted(entry.value)) or "not set"
    style = "changed" if entry.changed else ("text" if entry.value else "muted")
    return [
        ("• " if entry.changed else "  ", "changed"),
        (fit(safe(Untrusted(entry.name)), _NAME - 1) + " ", "name"),
        (fit(shown, value - 1) + " ", style),
        (fit(safe(Untrusted(entry.origin)), origin), "muted"),
    ]


def words_of(entry: Entry, width: int) -> list[Pieces]:
    """What is said of it below the list, in rows of `width` cells."""
    rows: list[Pieces] = [[(row, "text")] for row in wrap(safe(Untrusted(entry.about)), width)]
    facts = [("may be", entry.may_be), ("unless set", entry.unless)] if entry.way is not Way.NOT_HERE else []
    if entry.over_file:
        facts.append(("now", f"{entry.over_file} in the environment counts, whatever the file says"))
    if entry.counts:
        facts.append(("", entry.counts))
    for label, words in facts:
        if words:
            wrapped = wrap(safe(Untrusted(words)), max(8, width - 12))
            rows += [
                [(fit(label if place == 0 else "", 12), "muted"), (row, "muted" if not label else "text")]
                for place, row in enumerate(wrapped)
            ]
    return rows
