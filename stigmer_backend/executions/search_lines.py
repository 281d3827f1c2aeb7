"""From events to the lines that are searched: what comes in pieces is put together, each text and each terminal for itself."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from google.protobuf import json_format

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event

LONGEST_LINE = 1 << 16
"""Bytes after which a line is cut in two."""
FRAME_BYTES = 1 << 18
"""Bytes that are asked about at once, about."""


@dataclass(frozen=True, slots=True)
class LineOf:
    """Where a line is from."""

    seq: int
    """The event that it ends in."""
    part: str
    id: str


Frame = tuple[bytes, list[int], list[LineOf]]
"""Lines with line ends between them, the byte at which each begins, and where each is from."""


@dataclass(slots=True)
class _Frame:
    data: bytearray = field(default_factory=bytearray)
    starts: list[int] = field(default_factory=list[int])
    whose: list[LineOf] = field(default_factory=list[LineOf])


class Lines:
    """Takes events in order, gives whole lines."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], tuple[int, bytes]] = {}
        self._frames: list[_Frame] = [_Frame()]
        self._told: set[str] = set()

    def add(self, seq: int, event: Event) -> None:
        """The next event."""
        kind = event.WhichOneof("body") or ""
        texts = _TEXTS.get(kind)
        if texts is not None:
            for part, key, text in texts(event):
                self._add(seq, part, key, text.encode("utf-8", "replace"), whole=True)
            return
        match kind:
            case "text_delta":
                self._told.add(event.text_delta.message_id)
                self._add(seq, "message", event.text_delta.message_id, event.text_delta.text.encode("utf-8", "replace"))
            case "reasoning_delta":
                thought = event.reasoning_delta
                self._add(seq, "reasoning", thought.message_id, thought.text.encode("utf-8", "replace"))
            case "terminal_output":
                self._add(seq, "output", event.terminal_output.terminal_id, event.terminal_output.data)
            case "message_completed":
                self._completed(seq, event)
            case "tool_call_finished":
                self._completed_call(seq, event)
            case _:
                return

    def _completed(self, seq: int, event: Event) -> None:
        message = event.message_completed
        if message.message_id not in self._told:
            self._add(seq, "message", message.message_id, message.content.encode("utf-8", "replace"), whole=True)
        self._close("message", message.message_id)
        self._close("reasoning", message.message_id)
        self._told.discard(message.message_id)

    def _completed_call(self, seq: int, event: Event) -> None:
        over = event.tool_call_finished
        for text in (over.result, over.error):
            self._add(seq, "result", over.call_id, text.encode("utf-8", "replace"), whole=True)

    def _add(self, seq: int, part: str, key: str, data: bytes, *, whole: bool = False) -> None:
        if not data:
            return
        _, rest = self._open.pop((part, key), (0, b""))
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            self._line(LineOf(seq, part, key), line)
        if rest and (whole or len(rest) > LONGEST_LINE):
            self._line(LineOf(seq, part, key), rest)
        elif rest:
            self._open[part, key] = (seq, rest)

    def _close(self, part: str, key: str) -> None:
        seq, rest = self._open.pop((part, key), (0, b""))
        if rest:
            self._line(LineOf(seq, part, key), rest)

    def _line(self, whose: LineOf, line: bytes) -> None:
        frame = self._frames[-1]
        if len(frame.data) > FRAME_BYTES:
            frame = _Frame()
            self._frames.append(frame)
        for start in range(0, max(1, len(line)), LONGEST_LINE):
            frame.starts.append(len(frame.data))
            frame.whose.append(whose)
            frame.data += line[start : start + LONGEST_LINE] + b"\n"

    def end(self) -> None:
        """Nothing more comes: what is unfinished is a line too."""
        for part, key in list(self._open):
            self._close(part, key)

    def take(self) -> Iterator[Frame]:
        """Whole lines since the last time."""
        frames, self._frames = self._frames, [_Frame()]
        for frame in frames:
            if frame.data:
                yield bytes(frame.data[:-1]), frame.starts, frame.whose


Text = tuple[str, str, str]
"""Part, id, text."""


def _call(event: Event) -> Iterator[Text]:
    requested = event.tool_call_requested
    arguments = json_format.MessageToDict(requested.args)
    for value in arguments.values():
        yield "call", requested.call_id, value if isinstance(value, str) else str(value)


def _diff(event: Event) -> Iterator[Text]:
    yield "diff", event.file_changed.call_id, event.file_changed.path
    yield "diff", event.file_changed.call_id, event.file_changed.diff


def _note(event: Event) -> Iterator[Text]:
    yield "note", "", event.note_added.text


def _log(event: Event) -> Iterator[Text]:
    yield "note", "", event.log_line.text


def _question(event: Event) -> Iterator[Text]:
    yield "note", event.question_asked.attention_id, event.question_asked.text


def _phase(event: Event) -> Iterator[Text]:
    yield "note", "", event.phase_changed.reason


def _step(event: Event) -> Iterator[Text]:
    yield "call", event.sub_agent_started.sub_agent_id, event.sub_agent_started.input


def _step_done(event: Event) -> Iterator[Text]:
    yield "result", event.sub_agent_finished.sub_agent_id, event.sub_agent_finished.output


_TEXTS: Mapping[str, Callable[[Event], Iterator[Text]]] = {
    "tool_call_requested": _call,
    "file_changed": _diff,
    "note_added": _note,
    "log_line": _log,
    "question_asked": _question,
    "phase_changed": _phase,
    "sub_agent_started": _step,
    "sub_agent_finished": _step_done,
}
