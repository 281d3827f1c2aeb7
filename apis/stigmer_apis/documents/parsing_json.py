"""JSON with the place of each value: in the process that parses."""

import json
import re
from typing import Any

from stigmer_apis.documents.parsing_budget import SHORT_NUMBER, Budget, Built, Limits, Refused, shortened


class JsonReader:
    """Documents of one JSON source: values one after another; a list at the top is one document an item."""

    SPACE = re.compile(r"[ \t\n\r]*")
    NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
    DECODER = json.JSONDecoder(strict=True)
    WORDS = (("true", "bool"), ("false", "bool"), ("null", "null"))

    def __init__(self, text: str, limits: Limits) -> None:
        self._text = text
        self._budget = Budget(limits)
        self._line_starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._line = 0
        self.documents: list[Built] = []
        self.problems: list[list[Any]] = []

    def read(self) -> None:
        """Read all of it. Raises `Refused`."""
        at = self._skip(0)
        while at < len(self._text):
            node, at = self._value(at, 1)
            self.documents.extend(node[3] if node[2] == "list" else [node] if node[2] != "null" else [])
            at = self._skip(at)

    def _skip(self, at: int) -> int:
        found = self.SPACE.match(self._text, at)
        return found.end() if found else at

    def _place(self, at: int) -> tuple[int, int]:
        """Line and column; cheap where positions only grow."""
        starts = self._line_starts
        if starts[self._line] > at:
            self._line = 0
        while self._line + 1 < len(starts) and starts[self._line + 1] <= at:
            self._line += 1
        return self._line + 1, at - starts[self._line] + 1

    def _refuse(self, at: int, what: str, remedy: str = "") -> Refused:
        return Refused(*self._place(min(at, len(self._text))), what, remedy)

    def _value(self, at: int, depth: int) -> tuple[Built, int]:
        line, column = self._place(at)
        text = self._text
        first = text[at : at + 1]
        if first in ("{", "["):
            self._budget.deepen(line, column, depth)
            self._budget.spend(line, column, 1, 0)
            items, end = self._object(at, depth) if first == "{" else self._array(at, depth)
            return [line, column, "map" if first == "{" else "list", items], end
        if first == '"':
            value, end = self._string(at)
            self._budget.spend(line, column, 1, len(value))
            return [line, column, "text", value], end
        self._budget.spend(line, column, 1, 0)
        for word, kind in self.WORDS:
            if text.startswith(word, at):
                return [line, column, kind, word], at + len(word)
        found = self.NUMBER.match(text, at)
        if found is None:
            raise self._refuse(
                at,
                "a value should stand here",
                "JSON has objects, lists, texts in double quotes, numbers, true, false and null",
            )
        if len(found[0]) > SHORT_NUMBER:
            raise self._refuse(
                at, f"a number of {len(found[0])} digits is too large", "put it into quotes if it is text"
            )
        return [line, column, "float" if found[1] or found[2] else "int", found[0]], found.end()

    def _string(self, at: int) -> tuple[str, int]:
        try:
            value, end = self.DECODER.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            raise self._refuse(
                error.pos,
                "a text is not closed, or has a character that JSON wants escaped",
                "write line breaks as \\n and close the quotes",
            ) from error
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise self._refuse(at, "a text has half of a surrogate pair in it", "write the character itself")
        return value, end

    def _array(self, at: int, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        at = self._skip(at + 1)
        while self._text[at : at + 1] != "]" or items:
            node, at = self._value(at, depth + 1)
            items.append(node)
            at, closed = self._comma(at, "]")
            if closed:
                return items, at
        return items, at + 1

    def _object(self, at: int, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        keys: set[str] = set()
        at = self._skip(at + 1)
        while self._text[at : at + 1] != "}" or items:
            if self._text[at : at + 1] != '"':
                raise self._refuse(at, "a key in double quotes should stand here")
            line, column = self._place(at)
            key, at = self._string(at)
            self._budget.spend(line, column, 1, len(key))
            if key in keys:
                self.problems.append(
                    [line, column, f"the key `{shortened(key)}` is there twice", "keep one of the two"]
                )
            keys.add(key)
            at = self._skip(at)
            if self._text[at : at + 1] != ":":
                raise self._refuse(at, "a colon should stand here")
            node, at = self._value(self._skip(at + 1), depth + 1)
            items.append([line, column, key, node])
            at, closed = self._comma(at, "}")
            if closed:
                return items, at
        return items, at + 1

    def _comma(self, at: int, closing: str) -> tuple[int, bool]:
        """Where the next item begins, and whether that was the last."""
        at = self._skip(at)
        match self._text[at : at + 1]:
            case ",":
                return self._skip(at + 1), False
            case found if found == closing:
                return at + 1, True
            case _:
                raise self._refuse(at, f"a comma or `{closing}` should stand here")
