"""Words of Markdown: emphasis, code, links and line breaks, as pieces with the names of their styles, and those in rows of a width."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import wrap
from stigmer_tui.transcript.rows import Row, Span

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LONGEST = 6000
"""Characters of a paragraph; a longer one is shown as it was written."""
MOST_MARKS = 400
"""Marks (`*`, `[` and their like) of a paragraph; one with more is no prose, and would take long."""
_MARKS = "*_[]`~!<&"
_STYLES = {"strong_open": "strong", "em_open": "emphasis", "s_open": "struck", "link_open": "link"}

Piece = tuple[str, str]
"""Text that is safe to draw, and the names of its styles."""
Line = tuple[Piece, ...]


@lru_cache(maxsize=1)
def parser() -> "MarkdownIt":
    """What reads Markdown. No HTML, and nothing by which a later line changes what an earlier one means."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])
    return made.disable(["inline", "reference", "lheading", "html_block", "html_inline"])


@lru_cache(maxsize=4096)
def lines_of(text: str) -> tuple[Line, ...]:
    """The lines of a paragraph, as its author broke them."""
    if len(text) > LONGEST or sum(map(text.count, _MARKS)) > MOST_MARKS:
        return plain_lines(text)
    tokens: list[Token] = []
    reader = parser()
    reader.inline.parse(text, reader, {}, tokens)
    lines: list[list[Piece]] = [[]]
    styles: list[str] = []
    targets: list[tuple[str, int, int]] = []
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            lines.append([])
        elif token.type == "link_open":
            targets.append((str(token.attrs.get("href", "")), len(lines) - 1, len(lines[-1])))
            styles.append("link")
        elif token.type == "link_close":
            styles.pop()
            target, line, piece = targets.pop()
            words = "".join(text for part in (lines[line][piece:], *lines[line + 1 :]) for text, _ in part)
            lines[-1] += _target(target, words)
        elif token.type in _STYLES:
            styles.append(_STYLES[token.type])
        elif token.nesting < 0:
            styles.pop()
        elif token.type == "image":
            lines[-1].append((safe(Untrusted(f"image {token.content}".strip())), " ".join((*styles, "link"))))
            lines[-1] += _target(str(token.attrs.get("src", "")), "")
        else:
            own = (*styles, "code") if token.type == "code_inline" else styles
            lines[-1].append((safe(Untrusted(token.content)), " ".join(own)))
    return tuple(tuple(line) for line in lines)


def plain_lines(text: str) -> tuple[Line, ...]:
    """The same as it was written."""
    return tuple(((line, ""),) for line in safe(Untrusted(text), lines=True).split("\n"))


def _target(target: str, words: str) -> Iterator[Piece]:
    """Where a link leads, whole: words can say anything."""
    shown = safe(Untrusted(target))
    if shown and shown not in (words, f"mailto:{words}"):
        yield f" ({shown})", "target"


def flowed(lines: Iterable[Line], width: int, style: str = "text") -> list[Row]:
    """Lines in rows of at most `width` cells; `style` lies under the styles of the pieces."""
    return [row for line in lines for row in _flowed(line, width, style)]


def _flowed(line: Line, width: int, style: str) -> Iterator[Row]:
    text = "".join(piece for piece, _ in line)
    position = 0
    for row in wrap(text, width):
        position = max(position, text.find(row, position))
        yield tuple(_cut(line, position, position + len(row), style)) or (Span("", style),)
        position += len(row)


def _cut(line: Line, start: int, end: int, style: str) -> Iterator[Span]:
    """The pieces between two characters of a line."""
    position = 0
    for text, own in line:
        first, last = max(start, position), min(end, position + len(text))
        if first < last:
            yield Span(text[first - position : last - position], f"{style} {own}" if own else style)
        position += len(text)
