"""Text that a person decides about: every character of it seen, none of it able to hide another."""

import re
import unicodedata

LONG_RUN = 40
"""Blanks, or empty lines, in a row past which they are told by their number."""

_PLAIN = re.compile(r"[\n -~]*")
"""Characters of which each is seen as what it is."""
_NAMES = {"\t": "→\t", "\x1b": "␛", "\r": "␍", "\x7f": "␡", "\b": "␈", "\a": "␇", "\v": "␋", "\f": "␌"}
_BLANKS = re.compile(rf" {{{LONG_RUN},}}")
_EMPTY = re.compile(r"\n(?:[ \t]*\n){8,}")
_BLANK_LETTERS = frozenset("\u2800\u3164\uffa0\u115f\u1160\u17b4\u17b5\u00ad\u034f")
"""Characters that draw nothing although they count as letters or symbols."""
_COMBINING_LIMIT = 3
"""Marks on one character; more pile up over the lines around."""
_LOOKALIKES = (
    "CYRILLIC",
    "GREEK",
    "ARMENIAN",
    "CHEROKEE",
    "COPTIC",
    "LISU",
)


def shown(text: str) -> str:
    """`text` with control, invisible, direction and lookalike characters visible, and long runs of blanks told by number."""
    visible = text if _PLAIN.fullmatch(text) else _all_visible(text)
    joined = _BLANKS.sub(lambda run: f" ⟨{len(run.group())} blanks⟩ ", visible)
    return _EMPTY.sub(lambda run: f"\n⟨{run.group().count(chr(10)) - 1} empty lines⟩\n", joined)


def remarks(text: str) -> tuple[str, ...]:
    """What a person should know about `text` before they decide: one sentence each."""
    found: list[str] = []
    if not _PLAIN.fullmatch(text):
        strange = sorted({character for character in text if _lookalike(character)})
        if strange:
            named = ", ".join(f"{character} (U+{ord(character):04X})" for character in strange[:8])
            found.append(f"Letters of another script look like Latin ones: {named}.")
        if any(_hidden(character) for character in text):
            found.append("It holds characters that a terminal would not show; they are shown in ⟨⟩.")
    if max((len(line) for line in text.split("\n")), default=0) > 2000:
        found.append("It holds a very long line: read it to its end.")
    return tuple(found)


def _all_visible(text: str) -> str:
    pieces: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        pieces.append(_visible(character, marks))
    return "".join(pieces)


def _visible(character: str, marks: int) -> str:
    if character == "\n" or " " <= character <= "~":
        return character
    if character in _NAMES:
        return _NAMES[character]
    if character < " ":
        return chr(0x2400 + ord(character))
    if _hidden(character) or marks > _COMBINING_LIMIT:
        return f"⟨U+{ord(character):04X}⟩"
    if _lookalike(character):
        return f"{character}⟨U+{ord(character):04X}⟩"
    return character


def _hidden(character: str) -> bool:
    if character in "\n\t" or " " <= character <= "~":
        return False
    return (
        character in _BLANK_LETTERS
        or unicodedata.category(character)
        in (
            "Cc",
            "Cf",
            "Cs",
            "Co",
            "Cn",
            "Zl",
            "Zp",
            "Zs",
        )
        or "VARIATION SELECTOR" in unicodedata.name(character, "")
    )


def _lookalike(character: str) -> bool:
    if character <= "\x7f" or not character.isalnum():
        return character in "⁄∕⧸／＼∖；．‚ꞏ․。﹒｡＄｀＆｜＞＜"
    if unicodedata.normalize("NFKC", character).isascii():
        return True
    return unicodedata.name(character, "").startswith(_LOOKALIKES)
