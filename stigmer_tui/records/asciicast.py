"""What the terminals of a run showed, as asciicast: version 2, or 3.

The specifications are those of asciinema. Times are seconds with microseconds: since the first event in version 2, since the event before
in version 3 (counted in whole microseconds, so that nothing drifts). Terminals of one run follow each other in one recording; a marker says
where a command begins. Bytes that are no UTF-8 cannot stand in JSON, and become U+FFFD.
"""

import codecs
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, ToolCallFinished, ToolCallStarted
from stigmer_tui.text import safe
from stigmer_tui.transcript.calls import shown_call

LONGEST_LABEL = 200
"""Characters of a marker."""
USUAL = (80, 24)
"""Columns and rows where nobody said."""
_SIGNAL_BASE = 128


class CastVersion(IntEnum):
    """Which form."""

    TWO = 2
    THREE = 3


def _decoder() -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder("utf-8")("replace")


@dataclass(slots=True)
class _Terminal:
    """One terminal of the run."""

    size: tuple[int, int]
    decoder: codecs.IncrementalDecoder = field(default_factory=_decoder)
    """Holds the beginning of a character whose rest comes with the next event."""


class CastWriter:
    """Writes a recording, a line at a time. `take` is given all events of a run in order; `finish` ends it."""

    def __init__(self, write: Callable[[str], object], version: CastVersion = CastVersion.TWO, title: str = "") -> None:
        """`write` is given lines with their ends. `title` is foreign text."""
        self._write = write
        self._version = version
        self._title = safe(title)
        self._terminals: dict[str, _Terminal] = {}
        self._labels: dict[str, str] = {}
        self._ends: dict[str, str] = {}
        self._size: tuple[int, int] | None = None
        self._active = ""
        self._began = self._last = 0
        self._first_micros = 0
        self._exit_code: int | None = None

    def take(self, event: Event) -> None:
        """The next event."""
        self._first_micros = self._first_micros or event.time_unix_micros
        match event.WhichOneof("body"):
            case "approval_resolved" if event.approval_resolved.HasField("edited_args"):
                decided = event.approval_resolved
                tool = self._labels.get(decided.call_id, "").partition(": ")[0]
                label = f"{tool}: {shown_call(tool, decided.edited_args)}"
                self._labels[decided.call_id] = safe(label)[:LONGEST_LABEL]
            case "tool_call_requested":
                requested = event.tool_call_requested
                label = f"{requested.name}: {shown_call(requested.name, requested.args)}"
                self._labels[requested.call_id] = safe(label)[:LONGEST_LABEL]
            case "tool_call_started":
                self._started(event.time_unix_micros, event.tool_call_started)
            case "terminal_output":
                output = event.terminal_output
                self._show(event.time_unix_micros, output.terminal_id, output.data)
            case "terminal_resized":
                resized = event.terminal_resized
                terminal = self._terminal(resized.terminal_id)
                terminal.size = (resized.columns, resized.rows)
                if self._active in ("", resized.terminal_id):
                    self._fit(event.time_unix_micros, terminal)
            case "tool_call_finished":
                self._finished(event.time_unix_micros, event.tool_call_finished)
            case _:
                pass

    def finish(self) -> None:
        """The end of the recording."""
        for terminal_id in list(self._terminals):
            self._close(self._last, terminal_id)
        if self._size is None:
            self._head(self._first_micros, USUAL)
        if self._version is CastVersion.THREE and self._exit_code is not None:
            self._line(self._last, "x", str(self._exit_code))

    def _started(self, micros: int, started: ToolCallStarted) -> None:
        label = self._labels.pop(started.call_id, "")
        if not started.terminal_id:
            return
        terminal = self._terminal(started.terminal_id)
        if started.columns and started.rows:
            terminal.size = (started.columns, started.rows)
        self._ends[started.call_id] = self._active = started.terminal_id
        self._fit(micros, terminal)
        self._line(micros, "m", label)

    def _finished(self, micros: int, finished: ToolCallFinished) -> None:
        self._labels.pop(finished.call_id, None)
        terminal_id = self._ends.pop(finished.call_id, "")
        if finished.signal:
            self._exit_code = _SIGNAL_BASE + finished.signal
        elif finished.HasField("exit_code"):
            self._exit_code = finished.exit_code
        if terminal_id and not finished.background_id:
            self._close(micros, terminal_id)

    def _terminal(self, terminal_id: str) -> _Terminal:
        return self._terminals.setdefault(terminal_id, _Terminal(self._size or USUAL))

    def _show(self, micros: int, terminal_id: str, data: bytes) -> None:
        terminal = self._terminal(terminal_id)
        self._active = terminal_id
        text = terminal.decoder.decode(data)
        if text:
            self._fit(micros, terminal)
            self._line(micros, "o", text)

    def _close(self, micros: int, terminal_id: str) -> None:
        """A terminal is over: what it held of a character is shown as far as it came."""
        terminal = self._terminals.pop(terminal_id, None)
        if terminal is None:
            return
        text = terminal.decoder.decode(b"", True)
        if text:
            self._fit(micros, terminal)
            self._line(micros, "o", text)

    def _fit(self, micros: int, terminal: _Terminal) -> None:
        """The recording has the size of the terminal that shows something."""
        if self._size is None:
            self._head(micros, terminal.size)
        elif terminal.size != self._size:
            self._size = terminal.size
            columns, rows = terminal.size
            self._line(micros, "r", f"{columns}x{rows}")

    def _head(self, micros: int, size: tuple[int, int]) -> None:
        self._size = size
        self._began = self._last = micros
        columns, rows = size
        head: dict[str, object] = {"version": int(self._version)}
        if self._version is CastVersion.TWO:
            head |= {"width": columns, "height": rows}
        else:
            head["term"] = {"cols": columns, "rows": rows}
        head["timestamp"] = micros // 1_000_000
        if self._title:
            head["title"] = self._title
        self._write(json.dumps(head, ensure_ascii=False) + "\n")

    def _line(self, micros: int, code: str, data: str) -> None:
        now = max(micros, self._last)
        before = self._began if self._version is CastVersion.TWO else self._last
        self._last = now
        time = json.dumps((now - before) / 1_000_000)
        self._write(f"[{time}, {json.dumps(code)}, {json.dumps(data, ensure_ascii=False)}]\n")
