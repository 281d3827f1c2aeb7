"""The last line that says something, of bytes that come in pieces cut anywhere."""

import codecs
import re

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState

MAX_PARTIAL_BYTES = 4096
"""What is kept of a line that is not finished, and looked at of any line."""

MAX_LINE_CHARACTERS = 120

_BLANK = b"\r\n \t\x0b\x0c\x00"
_ESCAPE = re.compile(
    "\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]?"  # control sequences
    "|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?"  # strings: titles, links, pictures
    r"|[ -/]*[0-~]?"  # the rest: two and three bytes
    ")"
)
_ENDS = re.compile(rb"[\r\n]+")
_decode_part = codecs.getincrementaldecoder("utf-8")


def visible(raw: bytes, *, finished: bool) -> str:
    """What a person sees of one line: no control or escape sequences, no other character that cannot be printed, at most 120 characters.

    A character or sequence that is cut off at the end of a line that is not `finished` is left out until the rest has come.
    """
    whole = finished and len(raw) < MAX_PARTIAL_BYTES
    text = _decode_part("replace").decode(raw[:MAX_PARTIAL_BYTES], final=whole)
    if "\x1b" in text:
        text = _ESCAPE.sub("", text)
    if not text.isprintable():
        text = "".join(c for c in text.replace("\t", " ") if c.isprintable())
    return text.strip()[:MAX_LINE_CHARACTERS]


def feed(partial: bytes, data: bytes) -> tuple[bytes, str]:
    """The line that is unfinished after `data` came after `partial`, and the last visible line in both; empty where there is none.

    Carriage return ends a line as line feed does: a progress bar shows its newest state. The result does not depend on where pieces are cut.
    """
    both = partial + data
    begin = _line_begin(both, len(both))
    unfinished = both[begin : begin + MAX_PARTIAL_BYTES]
    if line := visible(unfinished, finished=False):
        return unfinished, line
    end = len(both[:begin].rstrip(_BLANK))
    start = _line_begin(both, end)
    if line := visible(both[start:end], finished=True):
        return unfinished, line
    for raw in reversed(_ENDS.split(both[:start])):
        if line := visible(raw.rstrip(_BLANK), finished=True):
            return unfinished, line
    return unfinished, ""


def last_visible(text: str) -> str:
    """The last visible line of a text that is whole; empty where there is none."""
    return feed(b"", text.encode() + b"\n")[1]


def _line_begin(both: bytes, end: int) -> int:
    return max(both.rfind(b"\n", 0, end), both.rfind(b"\r", 0, end)) + 1


class LastLine:
    """The last visible line of everything that an execution prints or says, by source: a terminal, or a message."""

    def __init__(self, state: FoldState) -> None:
        self._state = state
        self._partial: dict[str, bytes] = {}
        self._line = ""

    def feed(self, source: str, data: bytes) -> None:
        """`source` printed `data`."""
        partial = self._partial.get(source)
        if partial is None:
            partial = self._state.partial_lines.get(source, b"")
        self._partial[source], line = feed(partial, data)
        self._line = line or self._line

    def say(self, text: str) -> None:
        """A text came whole."""
        self._line = last_visible(text) or self._line

    def close(self, source: str) -> None:
        """Nothing more comes from `source`."""
        self._partial.pop(source, None)
        self._state.partial_lines.pop(source, None)

    def close_all(self) -> None:
        """Nothing more comes."""
        self._partial.clear()
        self._state.partial_lines.clear()

    def flush(self) -> int:
        """Write it to the state, and return how many bytes that was."""
        written = sum(map(len, self._partial.values())) + len(self._line)
        for source, partial in self._partial.items():
            if partial:
                self._state.partial_lines[source] = partial
            else:
                self._state.partial_lines.pop(source, None)
        self._partial.clear()
        if self._line:
            self._state.summary.last_line = self._line
            self._line = ""
        return written
