"""The difference between two texts, as `diff -u` writes it."""

import difflib
from dataclasses import dataclass

LARGEST = 256 * 1024
"""Characters of a difference that is kept."""
MANY_LINES = 20_000
"""Past so many lines the difference is not worked out line by line: it would take minutes."""


@dataclass(frozen=True)
class Difference:
    """What changed."""

    text: str
    added: int
    removed: int


def difference(path: str, before: str | None, after: str | None) -> Difference:
    """From `before` to `after`; None where there is no file."""
    old, new = _lines(before), _lines(after)
    start, end = _unequal(old, new)
    names = ("/dev/null" if before is None else f"a/{path}", "/dev/null" if after is None else f"b/{path}")
    if len(old) - start - end > MANY_LINES or len(new) - start - end > MANY_LINES:
        added, removed = len(new) - start - end, len(old) - start - end
        return Difference(f"--- {names[0]}\n+++ {names[1]}\n({removed} lines replaced by {added})\n", added, removed)
    pieces: list[str] = []
    added = removed = total = 0
    for number, line in enumerate(difflib.unified_diff(old, new, *names)):
        if number >= 2:
            added += line.startswith("+")
            removed += line.startswith("-")
        if total <= LARGEST:
            pieces.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
            total += len(line)
    if total > LARGEST:
        pieces.append("(the rest of the difference is left out)\n")
    return Difference("".join(pieces), added, removed)


def _lines(text: str | None) -> list[str]:
    if not text:
        return []
    lines = text.split("\n")
    last = lines.pop()
    return [f"{line}\n" for line in lines] + ([last] if last else [])


def _unequal(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines at the beginning and at the end are the same."""
    shorter = min(len(old), len(new))
    start = next((index for index in range(shorter) if old[index] != new[index]), shorter)
    most = shorter - start
    end = next((index for index in range(most) if old[-1 - index] != new[-1 - index]), most)
    return start, end
