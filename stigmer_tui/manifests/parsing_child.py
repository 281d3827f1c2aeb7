"""The process that parses: sources on standard input, an answer for each on standard output. It is run as a program, with an empty environment.

It limits itself before it reads: processor time, memory, no core. Arguments: the directory where PyYAML is, then `nodes`, `characters`, `depth`,
CPU seconds, CPU seconds at most, bytes of memory. A source is a line `yaml SIZE`, `json SIZE` or `either SIZE` and SIZE bytes; an answer is one line of
JSON, either `{"documents": [node, ...]}` or `{"problems": [[line, column, what, remedy], ...]}`. A node is `[line, column, type, text]`,
`[line, column, "list", [node, ...]]` or `[line, column, "map", [[line, column, key, node], ...]]`.

YAML is read as events, so that neither nesting nor aliases are built before they are counted.
"""

import json
import re
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Built = list[Any]
"""A node in the form of the answer."""

SHORT_NUMBER = 64
"""A plain scalar that is longer is no number but text, or too large a number."""
MOST_PROBLEMS = 100

INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+")
DIGITS = re.compile(r"[-+]?[0-9]+")
TYPES = {"bool": "bool", "null": "null", "int": "odd", "float": "float"}
REMEDIES = (
    ("cannot start any token", "\t", "indent with spaces, or put the text into quotes"),
    ("mapping values are not allowed", "", "put a text that has `: ` in it into quotes, and see that the lines before are indented alike"),
    ("did not find expected key", "", "see that the keys of one mapping are indented alike, and that quotes are closed"),
    ("could not find expected ':'", "", "a key has a colon and a space behind it; see that quotes are closed"),
    ("block sequence entries are not allowed", "", "a list begins on a line of its own, below its key"),
    ("unexpected end of stream", "", "close the quotes"),
    ("found undefined alias", "", "an alias `*name` comes after its anchor `&name`"),
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What a source may be."""

    nodes: int
    characters: int
    depth: int


class Refused(Exception):
    """A source that is not taken any further."""

    def __init__(self, line: int, column: int, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.problem = [line, column, what, remedy]


class Budget:
    """Counts what is built."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.nodes = 0
        self.characters = 0

    def spend(self, line: int, column: int, nodes: int, characters: int) -> None:
        """Count so much more. Raises `Refused` where that is too much."""
        self.nodes += nodes
        self.characters += characters
        if self.nodes > self._limits.nodes or self.characters > self._limits.characters:
            raise Refused(
                line,
                column,
                f"this grows past {self._limits.nodes} values or {self._limits.characters} characters",
                "split the file, or use fewer aliases: each use counts in full",
            )

    def deepen(self, line: int, column: int, depth: int) -> None:
        """Raise `Refused` where `depth` is too much."""
        if depth > self._limits.depth:
            raise Refused(
                line,
                column,
                f"lists and mappings are nested more than {self._limits.depth} deep",
                "nothing in the contract is",
            )


class Frame:
    """A list or a mapping that is being built."""

    def __init__(self, line: int, column: int, is_map: bool, anchor: str | None, budget: Budget) -> None:
        self.line, self.column, self.is_map, self.anchor = line, column, is_map, anchor
        self.items: list[Any] = []
        self.merged: list[tuple[int, int, Built]] = []
        self.key: tuple[int, int, str] | None = None
        self.keys: set[str] = set()
        self.nodes_before, self.characters_before = budget.nodes, budget.characters


class YamlReader:
    """Documents of one YAML source."""

    def __init__(self, text: str, limits: Limits) -> None:
        self._text = text
        self._budget = Budget(limits)
        self._frames: list[Frame] = []
        self._anchors: dict[str, tuple[Built, int, int]] = {}
        self.documents: list[Built] = []
        self.problems: list[list[Any]] = []

    def read(self) -> None:
        """Read all of it. Raises `Refused`."""
        import yaml

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        resolver = yaml.resolver.Resolver()
        self._type_of: Callable[[str], str] = lambda text: _plain_type(resolver, text)
        try:
            for event in yaml.parse(self._text, Loader=loader):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            raise _refusal(error, self._text) from error
        except yaml.reader.ReaderError as error:
            line, column = _place_of(self._text, error.position)
            raise Refused(
                line, column, "there is a character that YAML does not allow", "write it as an escape in double quotes"
            ) from error

    def _take(self, event: Any) -> None:
        name = type(event).__name__
        mark = event.start_mark
        line, column = mark.line + 1, mark.column + 1
        if getattr(event, "tag", None) is not None:
            raise Refused(
                line,
                column,
                f"there is a tag, {_short(str(event.tag))}",
                "leave it out: the contract says what everything is",
            )
        match name:
            case "ScalarEvent":
                self._scalar(event, line, column)
            case "AliasEvent":
                self._alias(event.anchor, line, column)
            case "MappingStartEvent" | "SequenceStartEvent":
                self._open(line, column, name == "MappingStartEvent", event.anchor)
            case "MappingEndEvent" | "SequenceEndEvent":
                self._close()
            case "DocumentStartEvent":
                self._anchors.clear()
            case _:
                pass

    def _scalar(self, event: Any, line: int, column: int) -> None:
        text: str = event.value
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.is_map and frame.key is None:
            self._budget.spend(line, column, 1, len(text))
            self._set_key(frame, line, column, text, plain=event.implicit[0])
            if event.anchor is not None:
                self._anchors[event.anchor] = ([line, column, "text", text], 1, len(text))
            return
        self._budget.spend(line, column, 1, len(text))
        kind = self._type_of(text) if event.implicit[0] else "text"
        if kind == "large":
            raise Refused(
                line, column, f"a number of {len(text)} digits is too large", "put it into quotes if it is text"
            )
        node: Built = [line, column, kind, text]
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1, len(text))
        self._add(node, line, column)

    def _set_key(self, frame: Frame, line: int, column: int, text: str, *, plain: bool) -> None:
        if text == "<<" and plain:
            frame.key = (line, column, text)
            return
        if text in frame.keys:
            first = next((item for item in frame.items if item[2] == text), None)
            where = f", first in line {first[0]}" if first is not None else ""
            self._note(line, column, f"the key `{_short(text)}` is there twice{where}", "keep one of the two")
        frame.keys.add(text)
        frame.key = (line, column, text)

    def _alias(self, anchor: str, line: int, column: int) -> None:
        found = self._anchors.get(anchor)
        if found is None:
            raise Refused(
                line,
                column,
                f"the alias `*{_short(anchor)}` has no anchor before it, or is inside of it",
                "an anchor comes first and is complete",
            )
        node, nodes, characters = found
        self._budget.spend(line, column, nodes, characters)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.is_map and frame.key is None:
            if node[2] in ("map", "list"):
                raise Refused(line, column, "a key has to be text", "write the key out")
            self._set_key(frame, line, column, node[3], plain=False)
            return
        self._add(node, line, column)

    def _open(self, line: int, column: int, is_map: bool, anchor: str | None) -> None:
        self._budget.deepen(line, column, len(self._frames) + 1)
        above = self._frames[-1] if self._frames else None
        if above is not None and above.is_map and above.key is None:
            raise Refused(
                line,
                column,
                "a key has to be text, not a list or a mapping",
                "put the key into quotes if it begins with a bracket",
            )
        self._frames.append(Frame(line, column, is_map, anchor, self._budget))
        self._budget.spend(line, column, 1, 0)
        if anchor is not None:
            self._anchors.pop(anchor, None)

    def _close(self) -> None:
        frame = self._frames.pop()
        for line, column, merged in frame.merged:
            self._merge(frame, line, column, merged)
        node: Built = [frame.line, frame.column, "map" if frame.is_map else "list", frame.items]
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (
                node,
                self._budget.nodes - frame.nodes_before,
                self._budget.characters - frame.characters_before,
            )
        self._add(node, frame.line, frame.column)

    def _merge(self, frame: Frame, line: int, column: int, merged: Built) -> None:
        """Take over the entries of a merge key `<<` that are not there yet."""
        sources = merged[3] if merged[2] == "list" else [merged]
        for source in sources:
            if source[2] != "map":
                raise Refused(line, column, "`<<` takes a mapping or a list of mappings", "write the entries out")
            for entry in source[3]:
                if entry[2] not in frame.keys:
                    frame.keys.add(entry[2])
                    frame.items.append(entry)

    def _add(self, node: Built, line: int, column: int) -> None:
        if not self._frames:
            if node[2] != "null":
                self.documents.append(node)
            return
        frame = self._frames[-1]
        if not frame.is_map:
            frame.items.append(node)
            return
        assert frame.key is not None
        key_line, key_column, key = frame.key
        frame.key = None
        if key == "<<" and key not in frame.keys:
            frame.merged.append((key_line, key_column, node))
            return
        frame.items.append([key_line, key_column, key, node])

    def _note(self, line: int, column: int, what: str, remedy: str) -> None:
        self.problems.append([line, column, what, remedy])
        if len(self.problems) >= MOST_PROBLEMS:
            raise Refused(line, column, "there is more that is wrong", "mend these first")


def _plain_type(resolver: Any, text: str) -> str:
    """What a scalar without quotes is."""
    if len(text) > SHORT_NUMBER:
        return "large" if DIGITS.fullmatch(text) else "text"
    if INTEGER.fullmatch(text):
        return "int"
    import yaml

    tag: str = resolver.resolve(yaml.ScalarNode, text, (True, False))
    found = TYPES.get(tag.rpartition(":")[2], "text")
    return "odd" if found == "float" and ":" in text else found


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
                self.problems.append([line, column, f"the key `{_short(key)}` is there twice", "keep one of the two"])
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


def _place_of(text: str, at: int) -> tuple[int, int]:
    before = text[:at]
    return before.count("\n") + 1, at - before.rfind("\n")


def _refusal(error: Any, text: str) -> Refused:
    """What PyYAML said, with its place and a remedy where one is known."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    said = str(error.problem or error.context)
    lines = text.split("\n", line)
    here = lines[line - 1][column - 1 : column] if line <= len(lines) else ""
    remedy = next((remedy for start, sign, remedy in REMEDIES if start in said and (not sign or sign == here)), "")
    return Refused(line, column, f"this is not YAML: {said}", remedy)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def decode(data: bytes) -> str:
    """The text of a source. Raises `Refused`."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused(1, 1, "the file is UTF-16", "save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise Refused(
            *_place_of(before, len(before)), f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        ) from error
    if (at := text.find("\0")) >= 0:
        raise Refused(*_place_of(text, at), "there is a NUL character", "take it out")
    return text


def read(form: str, data: bytes, limits: Limits) -> dict[str, Any]:
    """The answer for one source."""
    noted: list[list[Any]] = []
    try:
        text = decode(data)
        reader = _reader(form, text, limits)
        noted = reader.problems
        reader.read()
    except Refused as refused:
        return {"problems": [*noted, refused.problem]}
    except MemoryError:
        return {"problems": [[1, 1, "parsing this takes too much memory", "split the file"]]}
    return {"problems": reader.problems} if reader.problems else {"documents": reader.documents}


def _reader(form: str, text: str, limits: Limits) -> YamlReader | JsonReader:
    if form == "json":
        return JsonReader(text, limits)
    if form == "either" and text.lstrip()[:1] in ("{", "["):
        reader = JsonReader(text, limits)
        try:
            reader.read()
        except Refused:
            return YamlReader(text, limits)
        return JsonReader(text, limits)
    return YamlReader(text, limits)


def sources() -> Iterator[tuple[str, bytes]]:
    """What comes on standard input."""
    stream = sys.stdin.buffer
    while head := stream.readline():
        form, size = head.split()
        yield form.decode(), stream.read(int(size))


def limit(memory: int) -> None:
    """What this process may use. Where the system has no such limit, those that are counted hold alone."""
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, 0)):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError) as error:
            sys.stderr.write(f"no limit {what}: {error}\n")


def allow(seconds: float, at_most: int) -> None:
    """Processor time for the next source; the kernel ends the process after it."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + at_most, resource.RLIM_INFINITY))


def main() -> None:
    """Answer for every source."""
    library, *numbers = sys.argv[1:]
    sys.path.append(library)
    nodes, characters, depth = map(int, numbers[:3])
    limits = Limits(nodes, characters, depth)
    limit(int(numbers[5]))
    for form, data in sources():
        allow(float(numbers[3]), int(numbers[4]))
        sys.stdout.write(json.dumps(read(form, data, limits), separators=(",", ":")) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
