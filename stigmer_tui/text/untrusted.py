"""Text that we did not write, and the one way by which it reaches the screen.

Agents' names, subjects, output, errors from elsewhere, file names: anything that a program, a model or another person may have chosen. Where it is taken
from a message to be drawn it becomes `Untrusted`, which is no `str`: the type checker refuses it wherever text is wanted, until `safe` made it harmless.
"""

import re
from dataclasses import dataclass

_DROPPED = "\u00ad\u200c\u200d\u2060\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff"
"""Characters without a shape of their own that ordinary text contains (joiners, variation selectors, tones of skin): without them every terminal agrees
about the width."""

_DECEPTIVE = (
    "\x80-\x9f"  # C1 controls
    "\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2061-\u206f\u3164"
    "\uffa0\ufff9-\ufffb\ud800-\udfff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Bidirectional controls, tag characters, invisible fillers, line separators, lone surrogates: shown as a replacement, so that nothing hides."""

_COMBINING = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_STACK_LIMIT = 8
"""Marks kept on one letter: the most that a living script needs is fewer; a hundred of them paint over other rows."""

_SUSPECT = re.compile(f"[\x00-\x1f\x7f{_DROPPED}{_DECEPTIVE}{_COMBINING}]")
_STACKS = re.compile(f"([{_COMBINING}]{{{_STACK_LIMIT}}})[{_COMBINING}]+")

REPLACEMENT = "\ufffd"
"""Stands for a character that must not reach a terminal."""


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {code: chr(0x2400 + code) for code in range(0x20)}
    table[0x7F] = "\u2421"
    table[ord("\n")] = "\u23ce"
    table[ord("\t")] = "    "
    for code in _members(_DECEPTIVE):
        table[code] = REPLACEMENT
    for code in _members(_DROPPED):
        table[code] = None
    return table


def _members(characters: str) -> list[int]:
    """The code points in the inside of a regular expression's class."""
    codes: list[int] = []
    position = 0
    while position < len(characters):
        first = ord(characters[position])
        if characters[position + 1 : position + 2] == "-":
            codes.extend(range(first, ord(characters[position + 2]) + 1))
            position += 3
        else:
            codes.append(first)
            position += 1
    return codes


_ONE_LINE = _table()
_MANY_LINES = {**_ONE_LINE, ord("\n"): "\n", ord("\r"): None}


@dataclass(frozen=True, slots=True)
class Untrusted:
    """Text that we did not write. It has no `str()` of its own that a screen could show; see `safe`."""

    raw: str
    """As it came."""

    @classmethod
    def of_bytes(cls, data: bytes) -> "Untrusted":
        """Bytes that should be UTF-8; what is not becomes U+FFFD."""
        return cls(data.decode("utf-8", "replace"))

    def __str__(self) -> str:
        return safe(self)


def safe(text: Untrusted | str, *, lines: bool = False) -> str:
    """`text` as it may be drawn: no control code, no bidirectional control, nothing invisible, no towers of marks.

    Control codes become their pictures (ESC is `␛`), a tab four spaces. A line break becomes `⏎`, or stays where `lines` is set (then carriage returns go).
    The result is still text without markup: draw it as `Content` or as a segment, never through a markup parser.
    """
    raw = text.raw if isinstance(text, Untrusted) else text
    if not _SUSPECT.search(raw):
        return raw
    clean = raw.translate(_MANY_LINES if lines else _ONE_LINE)
    return _STACKS.sub(r"\1", clean)
