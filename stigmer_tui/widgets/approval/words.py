"""What will happen, as it is shown to whoever decides: nothing hidden, nothing that looks like something else unmentioned."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby

from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import thousands
from stigmer_tui.text.untrusted import REPLACEMENT
from stigmer_tui.text.width import wrap

LONGEST_GAP = 40
"""Spaces in a row that are drawn; more are counted, so that nothing hides behind them."""
NAMED = 3
"""Odd characters that are named; the rest is counted."""

_GAP = re.compile(rf"[ \t]{{{LONGEST_GAP + 1},}}")
_BLANK_ROWS = re.compile(r"\n(?:[ \t]*\n){3,}")
_ODD_CATEGORIES = frozenset({"Cf", "Co", "Cn", "Cs", "Zl", "Zp", "Zs"})
_BLANK = "\u2800"
"""Drawn as nothing, though it counts as a symbol."""
MOST_MARKS = 8
"""Combining marks on one letter that are drawn; more are counted, as no terminal draws them."""


def shown_rows(summary: str, width: int) -> list[str]:
    """The rows of a summary in `width` cells, safe to draw: control codes as pictures, long gaps as a count."""
    text = summary.replace("\r\n", "\n").replace("\r", "␍")
    text = _GAP.sub(lambda gap: f"⟨{thousands(len(gap.group()))} spaces⟩", text)
    text = _BLANK_ROWS.sub(lambda gap: f"\n⟨{thousands(gap.group().count(chr(10)) - 1)} empty lines⟩\n", text)
    text = "".join(f"⟨U+{ord(letter):04X}⟩" if _is_odd(letter) else letter for letter in text)
    if not text.isascii():
        text = _with_few_marks(text)
    return wrap(safe(Untrusted(text), lines=True), width)


def _is_odd(letter: str) -> bool:
    """Whether a character turns text round, is not drawn, or looks like a space and is none: it is shown as a mark."""
    if letter.isascii() or letter == REPLACEMENT:
        return False
    drawn = safe(Untrusted(letter))
    return unicodedata.category(letter) in _ODD_CATEGORIES or letter == _BLANK or drawn in ("", REPLACEMENT)


def _with_few_marks(text: str) -> str:
    """Towers of marks as so many as are drawn, and how many there are more."""
    parts: list[str] = []
    for marks, run in groupby(text, lambda letter: unicodedata.category(letter) in ("Mn", "Me")):
        letters = "".join(run)
        more = len(letters) - MOST_MARKS if marks else 0
        parts.append(f"{letters[:MOST_MARKS]}⟨{thousands(more)} marks more⟩" if more > 0 else letters)
    return "".join(parts)


def warnings_of(summary: str) -> list[str]:
    """What one might not see in it, in words: letters that look like others, characters that are not drawn, control codes."""
    warnings: list[str] = []
    letters = _distinct(letter for letter in summary if letter.isalpha() and not letter.isascii())
    hidden = _distinct(letter for letter in summary if _is_odd(letter))
    controls = _distinct(
        letter
        for letter in summary.replace("\r\n", "\n")
        if unicodedata.category(letter) == "Cc" and letter not in "\n\t"
    )
    for found, words in (
        (letters, "letters that are not ASCII"),
        (hidden, "characters that are not drawn"),
        (controls, "control codes"),
    ):
        if found:
            warnings.append(f"has {words}: {_named(found)}")
    return warnings


def _distinct(letters: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(letters))


def _named(letters: list[str]) -> str:
    names = [f"U+{ord(letter):04X} {unicodedata.name(letter, 'no name').lower()}" for letter in letters[:NAMED]]
    more = len(letters) - NAMED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
