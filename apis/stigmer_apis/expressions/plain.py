"""Expressions that take no process of their own: fields, indices, arithmetic, comparison, conditions, and texts with values in them.

What is computed here is what jq would give, without a doubt: of data for which there could be one - a number that a double does not hold exactly, texts that
are no Unicode, comparison of lists, and every error - nothing is computed, and jq is asked (`Beyond`). The grammar is a part of jq's, with its precedences,
in which every expression gives one value. `tests/expressions/test_plain.py` holds both beside each other.
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne

from stigmer_apis.workflow.document_json import Json


class Beyond(Exception):
    """This is for jq."""


Lookup = Callable[[str], Json]
"""The value of a variable, by its name without `$`. Raises `Beyond` where there is none."""
Plain = Callable[[Json, Lookup], Json]
"""Computes a value from the data and the variables. Raises `Beyond`."""

LONGEST = 500
"""Characters of an expression that is looked at here."""
MOST_PARTS = 40
"""Fields, operators and brackets of one, likewise: each is a level of Python's stack when it is computed."""
LONGEST_NUMBER = 15
"""Digits of a number: jq compares longer ones digit by digit, and computes with doubles."""

_EXACT = 2**53
_TOKEN = re.compile(
    r"(?P<field>\.[A-Za-z_][A-Za-z0-9_]*)|(?P<variable>\$[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9]+(?:\.[0-9]+)?(?![A-Za-z0-9_.]))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>//|==|!=|<=|>=|[-+*/%<>|()\[\]\"]|\.(?![.\"0-9]))"
)
_SPACE = re.compile(r"[ \t\n]*")
_VERBATIM = re.compile(r'[^"\\\x00-\x1f\x7f]*')
_LEVELS: Mapping[str, int] = {
    "|": 0,
    "//": 2,
    "or": 3,
    "and": 4,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 5),
    "+": 6,
    "-": 6,
    **dict.fromkeys(("*", "/", "%"), 7),
}
_COMPARED = 5
_ALTERNATIVE = 2


@lru_cache(maxsize=4096)
def plain(expression: str) -> Plain | None:
    """What computes an expression, without `${ }`; None where it is one for jq."""
    if len(expression) > LONGEST:
        return None
    try:
        expression.encode()
        return _Parser(expression).whole()
    except (Beyond, UnicodeEncodeError):
        return None


class _Parser:
    """One pass over an expression. Everything raises `Beyond` for what it does not know."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._parts = 0
        self._kind = ""
        self._word = ""
        """The next token; an empty one at the end."""

    def whole(self) -> Plain:
        """The expression."""
        self._next()
        found = self._from(0)
        if self._kind:
            raise Beyond
        return found

    def _next(self) -> str:
        """Go to the next token; the one before."""
        word = self._word
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space is not None else self._at
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            if self._at < len(self._text):
                raise Beyond
            self._kind = self._word = ""
        else:
            self._at, self._kind, self._word = found.end(), found.lastgroup or "", found.group()
        return word

    def _from(self, level: int) -> Plain:
        """What binds at least as tightly as `level`."""
        self._count()
        left = self._term()
        while self._kind in ("sign", "word") and (here := _LEVELS.get(self._word, -1)) >= level:
            sign = self._next()
            # a pipe and an alternative lean to the right
            right = self._from(here if here <= _ALTERNATIVE else here + 1)
            if here == _COMPARED and _LEVELS.get(self._word) == _COMPARED:
                raise Beyond
            left = _binary(sign, left, right)
        return left

    def _count(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise Beyond

    def _term(self) -> Plain:
        found = self._primary()
        while True:
            if self._kind == "field":
                self._count()
                found = _field(found, self._next()[1:])
            elif self._word == "[":
                self._next()
                found = _at(found, self._from(0))
                self._expect("]")
            else:
                return found

    def _primary(self) -> Plain:
        kind, word = self._kind, self._word
        match kind, word:
            case "sign", '"':
                return self._string()
            case "sign", "(":
                self._next()
                found = self._from(0)
                self._expect(")")
                return found
            case "sign", ".":
                self._next()
                return _same
            case "field", _:
                self._next()
                return _field(_same, word[1:])
            case "variable", _:
                self._next()
                return _variable(word[1:])
            case "number", _:
                self._next()
                # jq writes 1.0 in a text as it stands in the expression
                if len(word) - word.count(".") > LONGEST_NUMBER or ("." in word and word.endswith("0")):
                    raise Beyond
                return _constant(_whole(float(word)))
            case "word", _ if word in _WORDS:
                self._next()
                return _WORDS[word]
            case _:
                raise Beyond

    def _expect(self, sign: str) -> None:
        if self._word != sign:
            raise Beyond
        self._next()

    def _string(self) -> Plain:
        """A text, whose opening quote has been read, and what stands in it between `\\(` and `)`."""
        parts: list[str | Plain] = []
        while True:
            found = _VERBATIM.match(self._text, self._at)
            end = found.end() if found is not None else self._at
            parts.append(self._text[self._at : end])
            self._at = end
            if self._text.startswith('"', end):
                self._at += 1
                self._next()
                break
            if not self._text.startswith("\\(", end):
                raise Beyond
            self._at += 2
            self._next()
            parts.append(self._from(0))
            if self._word != ")":
                raise Beyond
        if len(parts) == 1:
            return _constant("".join(each for each in parts if isinstance(each, str)))
        return _joined(parts)


# What is computed


def _same(data: Json, look: Lookup) -> Json:
    return data


def _constant(value: Json) -> Plain:
    return lambda data, look: value


def _variable(name: str) -> Plain:
    return lambda data, look: look(name)


def _field(of: Plain, name: str) -> Plain:
    def compute(data: Json, look: Lookup) -> Json:
        here = of(data, look)
        if isinstance(here, dict):
            return here.get(name)
        if here is None:
            return None
        raise Beyond

    return compute


def _at(of: Plain, key: Plain) -> Plain:
    def compute(data: Json, look: Lookup) -> Json:
        here, where = of(data, look), key(data, look)
        if isinstance(here, list) and type(where) is int and 0 <= where < _EXACT:
            return here[where] if where < len(here) else None
        if isinstance(here, dict) and isinstance(where, str):
            return here.get(_text(where))
        raise Beyond

    return compute


def _joined(parts: list[str | Plain]) -> Plain:
    def compute(data: Json, look: Lookup) -> Json:
        return "".join(each if isinstance(each, str) else _shown(each(data, look)) for each in parts)

    return compute


def _length(data: Json, look: Lookup) -> Json:
    match data:
        case None:
            return 0
        case str():
            return len(_text(data))
        case list() | dict():
            return len(data)
        case _:
            raise Beyond


def _not(data: Json, look: Lookup) -> Json:
    return data is None or data is False


_WORDS: Mapping[str, Plain] = {
    "true": _constant(True),
    "false": _constant(False),
    "null": _constant(None),
    "length": _length,
    "not": _not,
}


def _binary(sign: str, left: Plain, right: Plain) -> Plain:
    match sign:
        case "|":
            return lambda data, look: right(left(data, look), look)
        case "//":
            return lambda data, look: right(data, look) if _not(found := left(data, look), look) else found
        case "and":
            return lambda data, look: not _not(left(data, look), look) and not _not(right(data, look), look)
        case "or":
            return lambda data, look: not _not(left(data, look), look) or not _not(right(data, look), look)
        case "==" | "!=":
            same = eq if sign == "==" else ne
            return lambda data, look: same(_scalar(left(data, look)), _scalar(right(data, look)))
        case "<" | "<=" | ">" | ">=":
            return _ordered(sign, left, right)
        case _:
            return _computed(sign, left, right)


def _ordered(sign: str, left: Plain, right: Plain) -> Plain:
    numbers: Callable[[float, float], bool] = {"<": lt, "<=": le, ">": gt, ">=": ge}[sign]
    texts: Callable[[str, str], bool] = {"<": lt, "<=": le, ">": gt, ">=": ge}[sign]

    def compute(data: Json, look: Lookup) -> Json:
        one, other = left(data, look), right(data, look)
        if isinstance(one, str) and isinstance(other, str):
            return texts(_text(one), _text(other))
        return numbers(_number(one), _number(other))

    return compute


_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "%": math.fmod,
}


def _computed(sign: str, left: Plain, right: Plain) -> Plain:
    numbers = _ARITHMETIC[sign]

    def compute(data: Json, look: Lookup) -> Json:
        one, other = left(data, look), right(data, look)
        if sign == "+" and isinstance(one, str) and isinstance(other, str):
            return _text(one) + _text(other)
        first, second = _number(one), _number(other)
        if sign in "/%" and not second:
            raise Beyond
        if sign == "%" and not (first.is_integer() and second.is_integer() and first >= 0 and second > 0):
            raise Beyond
        return _whole(numbers(first, second))

    return compute


def _number(value: Json) -> float:
    """A number that a double holds exactly."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_EXACT < value < _EXACT:
        raise Beyond
    return float(value)


def _whole(value: float) -> Json:
    """A result as jq gives it: a whole one without a point."""
    if not -_EXACT < value < _EXACT:
        raise Beyond
    return int(value) if value.is_integer() else value


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Beyond from error
    return value


def _scalar(value: Json) -> tuple[int, float | str | None]:
    """What is the same for two values that are."""
    match value:
        case None | bool():
            return (0, {None: "null", True: "true", False: "false"}[value])
        case str():
            return (1, _text(value))
        case int() | float():
            return (2, _number(value))
        case _:
            raise Beyond


def _shown(value: Json) -> str:
    """A value inside of a text."""
    match value:
        case str():
            return _text(value)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() if -_EXACT < value < _EXACT:
            return str(value)
        case _:
            raise Beyond
