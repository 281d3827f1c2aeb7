"""What is played of a run, and when."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_tui.transcript.calls import shown_call

USUAL_IDLE = 3.0
"""Seconds that are waited at most where nothing happened for longer."""
SLOWEST, FASTEST = 1 / 16, 256.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Something to show, at its moment."""

    micros: int
    """Since 1970."""
    data: bytes = b""
    """What a terminal printed."""
    command: str = ""
    """A command that begins here. Foreign text."""
    size: tuple[int, int] | None = None
    """Columns and rows from here on, where they are others than before."""


@dataclass(slots=True)
class FrameReader:
    """Takes the events of a run in order."""

    _calls: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """By call: its tool, and what it does."""
    _size: tuple[int, int] | None = None

    def take(self, event: Event) -> Iterator[Frame]:
        """What the event shows."""
        micros = event.time_unix_micros
        match event.WhichOneof("body"):
            case "terminal_output":
                yield Frame(micros, data=event.terminal_output.data)
            case "tool_call_requested":
                asked = event.tool_call_requested
                self._calls[asked.call_id] = asked.name, shown_call(asked.name, asked.args)
            case "approval_resolved" if event.approval_resolved.HasField("edited_args"):
                decided = event.approval_resolved
                tool, _ = self._calls.get(decided.call_id, ("", ""))
                self._calls[decided.call_id] = tool, shown_call(tool, decided.edited_args)
            case "tool_call_started":
                started = event.tool_call_started
                _, command = self._calls.pop(started.call_id, ("", ""))
                if started.terminal_id:
                    yield Frame(micros, command=command or "a command", size=self._fresh(started.columns, started.rows))
            case "terminal_resized":
                size = self._fresh(event.terminal_resized.columns, event.terminal_resized.rows)
                if size is not None:
                    yield Frame(micros, size=size)
            case _:
                pass

    def _fresh(self, columns: int, rows: int) -> tuple[int, int] | None:
        if not columns or not rows or (columns, rows) == self._size:
            return None
        self._size = (columns, rows)
        return self._size


@dataclass(slots=True)
class Pace:
    """How fast, and for how long at most nothing happens."""

    speed: float = 1.0
    """Times as fast as it was."""
    idle: float = USUAL_IDLE
    """Seconds at most between two frames, before `speed` is applied."""
    _last: int = 0

    def until(self, frame: Frame) -> float:
        """Seconds from the frame before to this one, at speed 1."""
        last, self._last = self._last or frame.micros, max(frame.micros, self._last)
        return min(self.idle, max(0, frame.micros - last) / 1_000_000)

    def faster(self) -> None:
        """Twice as fast."""
        self.speed = min(FASTEST, self.speed * 2)

    def slower(self) -> None:
        """Half as fast."""
        self.speed = max(SLOWEST, self.speed / 2)
