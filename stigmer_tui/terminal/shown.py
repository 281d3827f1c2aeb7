"""What the terminal shows, as far as we drew it: of every update, only what is not there yet is sent."""

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

_UNSURE = re.compile(r"[^\x20-\x7e\u00a1-\u00ff\u2010-\u25ff]")
"""Characters about whose width terminals differ: a row with one is drawn whole."""
Piece = tuple[int, int, Strip]
"""A row, a column, and what stands from there on."""


class Pieces(CompositorUpdate):
    """Pieces of the screen to draw."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The same for Rich, which nobody asks."""
        for _, _, strip in self.pieces:
            yield from strip

    def render_segments(self, console: Console) -> str:
        """All of them as a terminal takes them."""
        return "".join(f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for y, x, strip in self.pieces)


class Shown:
    """The rows of the terminal."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, Strip]] = {}
        self._region = Region()

    def forget(self) -> None:
        """Something else may stand there now."""
        self._rows.clear()

    def changed(self, update: ChopsUpdate | LayoutUpdate) -> Pieces:
        """What of an update is not there yet; from now on it is. A terminal of another size shows nothing that we know."""
        if isinstance(update, LayoutUpdate) and update.region != self._region:
            self._region = update.region
            self.forget()
        return Pieces([piece for y, x, strip in _pieces(update) if (piece := self._put(y, x, strip)) is not None])

    def _put(self, y: int, x: int, strip: Strip) -> Piece | None:
        row = self._rows.setdefault(y, {})
        before = row.get(x)
        if before is not None and before.cell_length == strip.cell_length:
            row[x] = strip
            return _difference(y, x, before, strip)
        end = x + strip.cell_length
        for start in [start for start, other in row.items() if start < end and start + other.cell_length > x]:
            del row[start]
        row[x] = strip
        return y, x, strip


def _pieces(update: ChopsUpdate | LayoutUpdate) -> Iterator[Piece]:
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield y, x, strip
                x += strip.cell_length
        return
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x > last or end <= first:
                continue
            yield y, x, strip if first <= x < last and end <= last else strip.crop(0, min(end, last) - x)


def _difference(y: int, x: int, before: Strip, after: Strip) -> Piece | None:
    """The part of a strip that differs from one as long in its place; None where none does."""
    if before is after:
        return None
    old, new = list(before), list(after)
    same = _same(old, new)
    if same == len(old) == len(new):
        return None
    if any(_UNSURE.search(segment.text) for segment in (*old, *new)):
        return y, x, after
    behind = min(_same(old[::-1], new[::-1]), len(old) - same, len(new) - same)
    x += sum(cell_len(segment.text) for segment in new[:same])
    old, new = old[same : len(old) - behind], new[same : len(new) - behind]
    if old and new and old[0].style == new[0].style:
        text = new[0].text
        alike = _alike(old[0].text, text)
        x += alike
        new[0] = Segment(text[alike:], new[0].style)
        if len(old) == len(new) == 1 and len(old[0].text) == len(text):
            kept = _alike(old[0].text[alike:][::-1], new[0].text[::-1])
            new[0] = Segment(new[0].text[: len(new[0].text) - kept], new[0].style)
    return y, x, Strip(new).simplify()


def _same(old: list[Segment], new: list[Segment]) -> int:
    """How many segments at the beginning look the same."""
    count = 0
    for before, after in zip(old, new, strict=False):
        if before.text != after.text or before.style != after.style:
            break
        count += 1
    return count


def _alike(old: str, new: str) -> int:
    count = 0
    for before, after in zip(old, new, strict=False):
        if before != after:
            break
        count += 1
    return count
