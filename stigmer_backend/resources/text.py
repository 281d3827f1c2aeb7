"""Which characters a name may hold, and how foreign text is repeated in an error."""

import unicodedata
from collections.abc import Iterable

from stigmer_apis.errors import FieldViolation, InvalidArgument

NAME_LIMIT = 256
"""Longest name, slug, tag or label, in characters. The published rules set no limit; an index needs one."""

_TOO_LONG = "stigmer.name.max_len"
_ECHO_LIMIT = 200
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TAGS = range(0xE0000, 0xE0080)


def quoted(text: str) -> str:
    """`text` for an error message: in quotes, with what a terminal would obey or hide escaped, and cut."""
    shown = text if len(text) <= _ECHO_LIMIT else text[:_ECHO_LIMIT] + "…"
    return repr(shown)


def refused_character(text: str) -> str:
    """The first character of `text` that may not stand in a name; empty where there is none.

    Refused are control characters (escape sequences begin with one), line separators, and the invisible characters that turn the
    direction of text or hide it (Unicode TR 36): a name is shown beside other text and must not change how that looks.
    """
    for character in text:
        if unicodedata.category(character) in _REFUSED_CATEGORIES or character in _DIRECTION or ord(character) in _TAGS:
            return character
    return ""


def check_names(fields: Iterable[tuple[str, str]]) -> None:
    """Raise `InvalidArgument` if one of the (field, text) pairs is not fit to be shown as a name."""
    violations: list[FieldViolation] = []
    for field, text in fields:
        bad = refused_character(text)
        if bad:
            name = unicodedata.name(bad, f"U+{ord(bad):04X}")
            violations.append(
                FieldViolation(field, "stigmer.name.characters", f"holds {name}, which is not shown but obeyed")
            )
        elif len(text) > NAME_LIMIT:
            violations.append(FieldViolation(field, _TOO_LONG, f"is longer than {NAME_LIMIT} characters"))
    if violations:
        first = violations[0]
        raise InvalidArgument(
            f"{first.field} {first.message}",
            remedy=(
                "use a shorter one"
                if all(one.rule == _TOO_LONG for one in violations)
                else "leave out control characters and characters that turn the direction of text"
            ),
            violations=violations,
        )
