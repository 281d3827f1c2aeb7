"""One mapping of a file, field by field: each is taken once, with what is wrong about it noted; what nobody took is unknown."""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from stigmer_apis.documents.nearest import suggestion
from stigmer_apis.documents.nodes import Entry, ListNode, MapNode, Node, Place, Scalar, ScalarType
from stigmer_apis.documents.problems import Problem
from stigmer_apis.workflow.values import Span, Text

T = TypeVar("T")

MOST_PROBLEMS = 100
UNITS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0, "milliseconds": 0.001}
_ISO = re.compile(
    r"P(?=[\dT])(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?=\d)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_SHORT = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SHORT_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_WORDS = {
    ScalarType.TEXT: "text",
    ScalarType.INTEGER: "a whole number",
    ScalarType.FLOAT: "a number",
    ScalarType.BOOLEAN: "true or false",
    ScalarType.NULL: "nothing",
    ScalarType.ODD: "a number to some readers of YAML and text to others",
}


class Notes:
    """What is wrong in one source."""

    def __init__(self, source: str, *, published: bool = False) -> None:
        self.source = source
        self.published = published
        """The document was made from the published messages, which have no place for some of what the language requires."""
        self.problems: list[Problem] = []

    def wrong(self, place: Place, what: str, field: str = "", remedy: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(self.source, place.line, place.column, what, field, remedy))


def described(node: Node) -> str:
    """What a node is, in words."""
    match node:
        case ListNode():
            return "a list"
        case MapNode():
            return "a mapping"
        case Scalar():
            return _WORDS[node.type]


def is_null(node: Node) -> bool:
    """Whether a key stands there with nothing behind it."""
    return isinstance(node, Scalar) and node.type is ScalarType.NULL


class Fields:
    """A mapping that is being read. `path` is where it stands, as people write it: `do.fetch.with`."""

    def __init__(self, node: MapNode, notes: Notes, path: str) -> None:
        self.node = node
        self.notes = notes
        self.path = path
        self._known: set[str] = set()

    @classmethod
    def of(cls, node: Node, notes: Notes, path: str, what: str = "a mapping") -> "Fields | None":
        """The fields of `node`; None, noted, where it is no mapping."""
        if isinstance(node, MapNode):
            return cls(node, notes, path)
        notes.wrong(node.place, f"{what} is wanted, and this is {described(node)}", path)
        return None

    def at(self, key: str) -> str:
        """The path of a field."""
        return f"{self.path}.{key}" if self.path else key

    def wrong(self, key: str, what: str, remedy: str = "", place: Place | None = None) -> None:
        """Note a problem about the field `key`."""
        entry = self.node.get(key)
        here = place or (entry.value.place if entry is not None else self.node.place)
        self.notes.wrong(here, what, self.at(key), remedy)

    def entry(self, key: str, *, required: bool = False, remedy: str = "") -> Entry | None:
        """The entry, which is known from now on."""
        self._known.add(key)
        found = self.node.get(key)
        if found is None or is_null(found.value):
            if required:
                place = self.node.place if found is None else found.place
                self.notes.wrong(place, "this is required", self.at(key), remedy)
            return None
        return found

    def has(self, key: str) -> bool:
        """Whether there is such a field; it is known from now on."""
        return self.entry(key) is not None

    def anything(self, key: str, *, required: bool = False) -> Node | None:
        """Whatever stands there."""
        found = self.entry(key, required=required)
        return found.value if found is not None else None

    def text(
        self, key: str, *, required: bool = False, one_of: Iterable[str] = (), pattern: str = "", remedy: str = ""
    ) -> Text | None:
        """A text; a number without quotes is one too where no confusion can come of it."""
        found = self.entry(key, required=required, remedy=remedy)
        if found is None:
            return None
        text = as_text(found.value)
        if text is None:
            self.wrong(key, f"text is wanted, and this is {described(found.value)}", "put it into quotes")
            return None
        choices = list(one_of)
        if choices and not text.is_expression and text.text not in choices:
            self.wrong(key, f"`{text.text[:60]}` is not known here", suggestion(text.text, choices))
            return None
        if pattern and not re.fullmatch(pattern, text.text):
            self.wrong(key, f"`{text.text[:60]}` cannot stand here", remedy)
            return None
        return text

    def condition(self, key: str) -> Text | None:
        """An expression that says yes or no: text, with or without `${ }`, or true or false."""
        found = self.entry(key)
        if found is None:
            return None
        value = found.value
        if isinstance(value, Scalar) and value.type in (ScalarType.TEXT, ScalarType.BOOLEAN):
            return Text(value.place, value.text)
        self.wrong(
            key, f"an expression is wanted, and this is {described(value)}", "write it as text: ${ .done == true }"
        )
        return None

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        found = self.entry(key)
        if found is None:
            return default
        value = found.value
        if isinstance(value, Scalar) and value.type is ScalarType.BOOLEAN:
            return value.text.lower() in ("true", "yes", "on")
        self.wrong(
            key, f"true or false is wanted, and this is {described(value)}", "write true or false without quotes"
        )
        return default

    def whole(self, key: str, least: int, most: int) -> int | None:
        """A whole number within limits. None also for an expression."""
        found = self.entry(key)
        if found is None:
            return None
        value = found.value
        if isinstance(value, Scalar) and value.type is ScalarType.INTEGER and re.fullmatch(r"-?\d{1,18}", value.text):
            number = int(value.text)
            if least <= number <= most:
                return number
            self.wrong(key, "the number is out of range", f"it goes from {least} to {most}")
        elif not (isinstance(value, Scalar) and Text(value.place, value.text).is_expression):
            self.wrong(
                key, f"a whole number is wanted, and this is {described(value)}", f"it goes from {least} to {most}"
            )
        return None

    def mapping(self, key: str, *, required: bool = False, or_expression: bool = True) -> MapNode | None:
        """A mapping of anything. None also for an expression, where that is allowed."""
        found = self.entry(key, required=required)
        if found is None:
            return None
        if isinstance(found.value, MapNode):
            return found.value
        text = as_text(found.value)
        if not (or_expression and text is not None and text.is_expression):
            self.wrong(key, f"a mapping is wanted, and this is {described(found.value)}", "indent its keys below it")
        return None

    def items(self, key: str, *, required: bool = False, least: int = 0) -> tuple[Node, ...]:
        """A list."""
        found = self.entry(key, required=required)
        if found is None:
            return ()
        if not isinstance(found.value, ListNode):
            self.wrong(
                key,
                f"a list is wanted, and this is {described(found.value)}",
                "write each item on a line of its own after `- `",
            )
            return ()
        if len(found.value.items) < least:
            self.wrong(key, f"at least {least} {'is' if least == 1 else 'are'} needed here")
        return found.value.items

    def below(self, key: str, read: "Callable[[Fields], T]", *, required: bool = False) -> T | None:
        """A mapping with fields of its own."""
        found = self.entry(key, required=required)
        if found is None:
            return None
        fields = Fields.of(found.value, self.notes, self.at(key))
        return read(fields) if fields is not None else None

    def span(self, key: str, *, required: bool = False) -> Span | None:
        """A length of time: `seconds: 5` and the like below it, ISO 8601, `5s`, or an expression."""
        found = self.entry(key, required=required, remedy="such as `seconds: 5` below it, or PT5S")
        return read_span(found.value, self.notes, self.at(key)) if found is not None else None

    def pass_over(self, *keys: str) -> None:
        """Fields that are known and mean nothing here."""
        self._known.update(keys)

    def done(self) -> None:
        """Note every field that nobody took."""
        for entry in self.node.entries:
            if entry.key not in self._known:
                self.notes.wrong(
                    entry.place,
                    f"unknown field `{entry.key[:60]}`",
                    self.at(entry.key),
                    suggestion(entry.key, sorted(self._known)),
                )


def as_text(node: Node) -> Text | None:
    """A scalar that can be meant as text: also 1.0.0 and 0.1, which YAML may take for something else; None for anything else."""
    if isinstance(node, Scalar) and node.type in (
        ScalarType.TEXT,
        ScalarType.ODD,
        ScalarType.FLOAT,
        ScalarType.INTEGER,
    ):
        return Text(node.place, node.text)
    return None


def read_span(node: Node, notes: Notes, path: str) -> Span | None:
    """A length of time."""
    remedy = "write `seconds: 5` (or minutes, hours, days, milliseconds) below it, or PT5S"
    if isinstance(node, MapNode):
        fields = Fields(node, notes, path)
        parts = {unit: fields.anything(unit) for unit in UNITS}
        fields.done()
        seconds: float | None = 0.0
        shown: list[str] = []
        for unit, value in parts.items():
            if value is None:
                continue
            shown.append(f"{as_number_text(value)} {unit}")
            if isinstance(value, Scalar) and re.fullmatch(r"\d{1,12}", value.text):
                seconds = seconds + int(value.text) * UNITS[unit] if seconds is not None else None
            elif (text := as_text(value)) is not None and text.is_expression:
                seconds = None
            else:
                notes.wrong(value.place, "a whole number from 0 is wanted", f"{path}.{unit}", "write digits alone")
        if not any(value is not None for value in parts.values()):
            notes.wrong(node.place, "this says no time", path, remedy)
        return Span(node.place, seconds, " ".join(shown))
    text = as_text(node)
    if text is not None and text.is_expression:
        return Span(node.place, None, text.text)
    if text is not None and (iso := _ISO.fullmatch(text.text)):
        weights = (604_800.0, 86_400.0, 3_600.0, 60.0, 1.0)
        return Span(
            node.place,
            sum(float(part) * weight for part, weight in zip(iso.groups(), weights, strict=True) if part),
            text.text,
        )
    if text is not None and (short := _SHORT.fullmatch(text.text)):
        return Span(node.place, float(short[1]) * _SHORT_UNITS[short[2]], text.text)
    notes.wrong(node.place, f"a length of time is wanted, and this is {described(node)}", path, remedy)
    return None


def as_number_text(node: Node) -> str:
    """A scalar as it was written, for people."""
    return node.text if isinstance(node, Scalar) else "?"
