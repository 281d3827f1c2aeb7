"""YAML as events, so that neither nesting nor aliases are built before they are counted: in the process that parses."""

import re
from collections.abc import Callable
from typing import Any

from stigmer_apis.documents.parsing_budget import SHORT_NUMBER, Budget, Built, Limits, Refused, place_of, shortened

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
            line, column = place_of(self._text, error.position)
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
                f"there is a tag, {shortened(str(event.tag))}",
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
            self._note(line, column, f"the key `{shortened(text)}` is there twice{where}", "keep one of the two")
        frame.keys.add(text)
        frame.key = (line, column, text)

    def _alias(self, anchor: str, line: int, column: int) -> None:
        found = self._anchors.get(anchor)
        if found is None:
            raise Refused(
                line,
                column,
                f"the alias `*{shortened(anchor)}` has no anchor before it, or is inside of it",
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


def _refusal(error: Any, text: str) -> Refused:
    """What PyYAML said, with its place and a remedy where one is known."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    said = str(error.problem or error.context)
    lines = text.split("\n", line)
    here = lines[line - 1][column - 1 : column] if line <= len(lines) else ""
    remedy = next((remedy for start, sign, remedy in REMEDIES if start in said and (not sign or sign == here)), "")
    return Refused(line, column, f"this is not YAML: {said}", remedy)
