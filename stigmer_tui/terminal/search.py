"""Search over a run's whole output: over the bytes as they lie in the spool, a block at a time, so that a thread can be told to stop."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from stigmer_apis.matching import Matcher, Pattern
from stigmer_tui.terminal.spool import Spool

BLOCK = 1 << 18
"""Bytes searched at once: a few milliseconds."""
_COLORS_BETWEEN = rb"(?:\x1b\[[0-9;:]*m)*"


@dataclass(frozen=True, slots=True, eq=False)
class Needle:
    """What to look for. Capitals count only where the text has some, or where that is asked for.

    A regular expression is never run here: `matcher` asks a process that can be ended.
    """

    pattern: Pattern
    raw: re.Pattern[bytes]
    """Finds a text in output; colours may change within it. Nothing for an expression."""
    plain: re.Pattern[str]
    """Finds a text in drawn text. Nothing for an expression."""

    @property
    def text(self) -> str:
        """As it was written."""
        return self.pattern.text

    @property
    def regex(self) -> bool:
        """Whether it is an expression."""
        return self.pattern.regex

    @classmethod
    def of(cls, text: str, *, regex: bool = False, match_case: bool = False) -> "Needle":
        """The needle for `text`, which is not empty."""
        pattern = Pattern(text, regex, match_case)
        if regex:
            return cls(pattern, re.compile(rb"(?!)"), re.compile(r"(?!)"))
        flags = 0 if pattern.exact else re.IGNORECASE
        letters = [_letter(character, exact=pattern.exact) for character in text]
        return cls(pattern, re.compile(_COLORS_BETWEEN.join(letters), flags), re.compile(re.escape(text), flags))


def _letter(character: str, *, exact: bool) -> bytes:
    """A character in bytes; one beyond ASCII in both cases, which `re` does not know of in bytes."""
    if exact or character.isascii():
        return re.escape(character.encode("utf-8", "replace"))
    forms = sorted({character.lower(), character.upper()})
    return b"(?:" + b"|".join(re.escape(form.encode("utf-8", "replace")) for form in forms) + b")"


def matching_rows(
    spool: Spool, needle: Needle, first_row: int, end_row: int, stop: Callable[[], bool]
) -> Iterator[list[int]]:
    """Rows from `first_row` to before `end_row` that contain the needle, ascending, in batches; none twice.

    Ends early where `stop` says so. May run on any thread. A match that lies across a block's edge within one huge row is found all the same.
    """
    if first_row >= end_row:
        return
    position = spool.start(first_row)
    end = spool.start(end_row) if end_row < len(spool) else spool.size
    overlap = max(4096, 64 * len(needle.text))
    last = -1
    while position < end and not stop():
        data = spool.read_at(position, min(BLOCK, end - position))
        if not data:
            return
        final = position + len(data) >= end
        rows: list[int] = []
        boundary = 0
        for found in needle.raw.finditer(data):
            row = spool.row_at(position + found.start())
            if row > last:
                rows.append(row)
                last = row
            boundary = found.end()
        if rows:
            yield rows
        position += len(data) if final else max(boundary, len(data) - overlap, 1)


async def rows_matching(
    spool: Spool, matcher: Matcher, first_row: int, end_row: int, stop: Callable[[], bool]
) -> AsyncIterator[list[int]]:
    """The same for an expression, line by line. Raises `InvalidArgument` where it takes too long."""
    if first_row >= end_row:
        return
    position = spool.start(first_row)
    end = spool.start(end_row) if end_row < len(spool) else spool.size
    last = -1
    while position < end and not stop():
        data = spool.read_at(position, min(BLOCK, end - position))
        if not data:
            return
        if position + len(data) < end:
            data = data[: data.rfind(b"\n") + 1] or data
        rows = sorted({spool.row_at(position + found.offset) for found in await matcher.lines(data)})
        rows = [row for row in rows if row > last]
        if rows:
            last = rows[-1]
            yield rows
        position += len(data)
