r"""What lines are looked for, as a person writes it. Pure.

timeout            lines with this text; capitals count where it has some
"timeout=3"        the same for a text that would mean something else
/time.?out/        lines that match the expression; with an i behind it, whatever the capitals
!timeout           lines without it; also !/expression/
status=500         lines whose field is that, in JSON and in `key=value`; also !=
status>=500        fields that are a number, also > < <=
"""

import re
from dataclasses import dataclass

from stigmer_apis.errors import InvalidArgument

LONGEST = 1000
"""Characters of a filter."""
_FIELD = re.compile(r"([\w.@-]+?)(!=|>=|<=|=|>|<)(\S.*)", re.DOTALL)
_EXPRESSION = re.compile(r"/(.+)/(i?)", re.DOTALL)
_NUMBER = r"-?\d+(?:\.\d+)?"


@dataclass(frozen=True, slots=True)
class Filter:
    """One thing that is asked of a line."""

    text: str
    """As it was written."""
    expression: str
    """As Python's `re` takes it, over bytes of UTF-8."""
    ignore_case: bool
    inverse: bool = False
    """Lines that do not match."""
    compare: str = ""
    """`>`, `<`, `>=` or `<=`: the group of the expression is a number, to be compared."""
    number: float = 0.0
    needle: str = ""
    """What is to be marked in a line; empty: nothing."""
    regex: bool = False
    """Whether `needle` is an expression."""

    def shown(self) -> dict[str, str | bool | float]:
        """As the process that looks takes it."""
        return {
            "expression": self.expression,
            "ignore_case": self.ignore_case,
            "inverse": self.inverse,
            "compare": self.compare,
            "number": self.number,
        }


def filter_of(text: str) -> Filter:
    """What a text asks for. Raises `InvalidArgument` where it is no expression, with the place, or asks for nothing."""
    if len(text) > LONGEST:
        raise InvalidArgument(f"a filter has at most {LONGEST} characters")
    inverse = text.startswith("!") and len(text) > 1
    body = text[1:] if inverse else text
    if not body.strip():
        raise InvalidArgument("the filter is empty", remedy="write a text, /an expression/ or field=value")
    expression = _EXPRESSION.fullmatch(body)
    if expression is not None:
        return _expression(text, expression[1], bool(expression[2]), inverse)
    if len(body) > 2 and body.startswith('"') and body.endswith('"'):
        return _plain(text, body[1:-1], inverse)
    found = _FIELD.fullmatch(body)
    if found is not None:
        return _field(text, found[1], found[2], found[3].strip('"'), inverse)
    return _plain(text, body, inverse)


def _plain(text: str, body: str, inverse: bool) -> Filter:
    exact = any(letter.isupper() for letter in body) or not body.isascii()
    return Filter(text, re.escape(body), not exact, inverse, needle=body)


def _expression(text: str, body: str, ignore_case: bool, inverse: bool) -> Filter:
    try:
        re.compile(body.encode())
    except (re.error, RecursionError, OverflowError) as error:
        place = getattr(error, "pos", None)
        where = f" at character {place + 2}" if isinstance(place, int) else ""
        raise InvalidArgument(f"the expression is wrong{where}: {getattr(error, 'msg', error)}") from error
    return Filter(text, within_a_line(body), ignore_case, inverse, needle=body, regex=True)


def _field(text: str, name: str, operator: str, value: str, inverse: bool) -> Filter:
    key = re.escape(name.rpartition(".")[2])
    begin = rf'{key}(?<![\w.]{key})(?:"[ \t]*:[ \t]*|=)'
    if operator in ("=", "!="):
        wanted = re.escape(value)
        expression = rf'{begin}(?:"{wanted}"|{wanted}(?=[,;\s}}\])]|$))'
        return Filter(text, expression, False, inverse != (operator == "!="), needle=value)
    try:
        number = float(value)
    except ValueError as error:
        raise InvalidArgument(
            f"{name}{operator} wants a number behind it, not {value!r}", remedy=f"write {name}={value}"
        ) from error
    return Filter(text, rf'{begin}"?({_NUMBER})', False, inverse, operator, number)


def within_a_line(expression: str) -> str:
    r"""The same expression where it would look past the end of a line only by `\s`, `\W`, `\D` or `[^...]`: those leave line breaks alone.

    Others are as they were: the process that looks asks line by line where a match has a line break in it.
    """
    pieces: list[str] = []
    position = 0
    in_class = False
    while position < len(expression):
        two = expression[position : position + 2]
        if two[0] == "\\":
            inner = {r"\s": r"[^\S\n]", r"\W": r"[^\w\n]", r"\D": r"[^\d\n]"}
            pieces.append(two if in_class else inner.get(two, two))
            position += 2
            continue
        if not in_class and two == "[^":
            following = expression[position + 2 : position + 3]
            pieces.append("[^\\n" + ("\\]" if following == "]" else ""))
            position += 3 if following == "]" else 2
            in_class = True
            continue
        if not in_class and two[0] == "[":
            following = expression[position + 1 : position + 2]
            pieces.append("[\\]" if following == "]" else "[")
            position += 2 if following == "]" else 1
            in_class = True
            continue
        if in_class and two[0] == "]":
            in_class = False
        pieces.append(two[0])
        position += 1
    return "".join(pieces)
