"""Follows the events of a run as they are read: the terminals as they stand, and what is needed to go back to any moment."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as events
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_tui.emulator import Emulator
from stigmer_tui.emulator.tokens import MOVING
from stigmer_tui.moments.records import Records

COLUMNS, ROWS = 80, 24
"""Of a terminal that nobody told the size of."""
FRAME_COST = 96 * 1024
"""Bytes of a full-screen program between two keyframes: 10 to 25 ms to draw."""
PLAIN_SHARE = 8
"""A byte of plain output costs so much less: most of it scrolls away before anybody sees it."""
FRAMES_LIMIT = 64 << 20
HISTORY_LIMIT = 1 << 30
STEP_MICROS = 20_000
"""Moments closer to each other count as one."""
_GOOD_OUTCOMES = (events.ToolOutcome.TOOL_OUTCOME_ENDED, events.ToolOutcome.TOOL_OUTCOME_CANCELLED)


class MarkKind(Enum):
    """What of note happened."""

    ERROR = "error"
    CALL = "call"
    APPROVAL = "approval"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in a run: just after the event `seq`, which came at `micros` since 1970."""

    seq: int
    micros: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Something of note."""

    moment: Moment
    kind: MarkKind


@dataclass(frozen=True, slots=True)
class Frame:
    """A keyframe: the terminal `terminal_id` just after the event `seq`; `number` of its record."""

    seq: int
    terminal_id: str
    number: int


class Terminal:
    """A terminal of the run, as it stands."""

    def __init__(self, terminal_id: str, call_id: str, columns: int, rows: int) -> None:
        self.id = terminal_id
        self.call_id = call_id
        """What runs in it."""
        self.emulator = Emulator(columns or COLUMNS, rows or ROWS)
        self.cost = 0

    def take(self, event: Event) -> None:
        """Output, or another size."""
        if event.HasField("terminal_output"):
            data = event.terminal_output.data
            self.emulator.feed(data)
            self.cost += len(data) if MOVING.search(data) else len(data) // PLAIN_SHARE
        else:
            self.emulator.resize(event.terminal_resized.columns, event.terminal_resized.rows)


class Timeline:
    """One run's. Fed by the screen's own thread."""

    def __init__(self, directory: Path) -> None:
        """`directory`: where what is needed for going back is kept while the run is looked at. Raises OSError where no file can be made."""
        self._directory = directory
        self._listeners: list[Callable[[], None]] = []
        self._clear("")

    def _clear(self, execution_id: str) -> None:
        self.execution_id = execution_id
        self.terminals: dict[str, Terminal] = {}
        """Those that run, by id."""
        self.terminal_ids: dict[str, tuple[int, int, int]] = {}
        """All that there were: the event that began them, and their size then."""
        self.marks: list[Mark] = []
        self.frames: list[Frame] = []
        self._frame_records = Records(self._directory, FRAMES_LIMIT)
        self.history = Records(self._directory, HISTORY_LIMIT)
        """The events but for output, serialized."""
        self.history_seqs = array("Q")
        self._seqs = array("Q")
        self._times = array("Q")
        self.complete = True
        """Whether everything could be kept: else there is no going back to what was not."""

    def begin(self, execution_id: str) -> None:
        """Another run, or the same from its beginning. Raises OSError where no file can be made."""
        self.close()
        self._clear(execution_id)

    def close(self) -> None:
        """Give the files back."""
        self._frame_records.close()
        self.history.close()

    def listen(self, told: Callable[[], None]) -> Callable[[], None]:
        """Have `told` called whenever events came; returns what ends that."""
        self._listeners.append(told)
        return lambda: self._listeners.remove(told)

    def take(self, first_seq: int, batch: Iterable[Event]) -> None:
        """The next events, `first_seq` the number of the first."""
        for seq, event in enumerate(batch, first_seq):
            self._take(seq, event)
        for told in tuple(self._listeners):
            told()

    def _take(self, seq: int, event: Event) -> None:
        micros = event.time_unix_micros
        if not self._times or micros >= self._times[-1] + STEP_MICROS:
            self._seqs.append(seq)
            self._times.append(micros)
        else:
            self._seqs[-1] = seq
        body = event.WhichOneof("body")
        match body:
            case "terminal_output":
                terminal = self.terminals.get(event.terminal_output.terminal_id)
                if terminal is not None:
                    terminal.take(event)
                    if terminal.cost >= FRAME_COST:
                        self._keep_frame(seq, terminal)
                return
            case "terminal_resized":
                terminal = self.terminals.get(event.terminal_resized.terminal_id)
                if terminal is not None:
                    terminal.take(event)
            case "tool_call_started" if event.tool_call_started.terminal_id:
                started = event.tool_call_started
                self.terminals[started.terminal_id] = Terminal(
                    started.terminal_id, started.call_id, started.columns, started.rows
                )
                self.terminal_ids[started.terminal_id] = (seq, started.columns, started.rows)
            case "tool_call_finished":
                self._end_call(event.tool_call_finished.call_id)
            case _:
                pass
        kind = _kind_of(body, event)
        if kind is not None:
            self.marks.append(Mark(Moment(seq, micros), kind))
        self._keep(seq, event)

    def _end_call(self, call_id: str) -> None:
        self.terminals = {key: terminal for key, terminal in self.terminals.items() if terminal.call_id != call_id}

    def full_screen(self) -> Emulator | None:
        """The screen of a full-screen program that runs now; the newest where there are several."""
        screens = [terminal.emulator for terminal in self.terminals.values() if terminal.emulator.alternate]
        return screens[-1] if screens else None

    def _keep(self, seq: int, event: Event) -> None:
        try:
            kept = self.history.add(event.SerializeToString())
        except OSError:
            kept = False
        if kept:
            self.history_seqs.append(seq)
        else:
            self.complete = False

    def _keep_frame(self, seq: int, terminal: Terminal) -> None:
        """Without one it takes longer to get there, and nothing else."""
        terminal.cost = 0
        try:
            kept = self._frame_records.add(terminal.emulator.snapshot())
        except OSError:
            return
        if kept:
            self.frames.append(Frame(seq, terminal.id, len(self._frame_records) - 1))

    # Asking.

    @property
    def first(self) -> Moment:
        """The beginning; at 0 where nothing came yet."""
        return Moment(self._seqs[0], self._times[0]) if self._seqs else Moment(0, 0)

    @property
    def last(self) -> Moment:
        """The end so far."""
        return Moment(self._seqs[-1], self._times[-1]) if self._seqs else Moment(0, 0)

    def at(self, micros: int) -> Moment:
        """The last moment that is not later; the first where all are."""
        place = max(0, bisect_right(self._times, micros) - 1)
        return Moment(self._seqs[place], self._times[place]) if self._seqs else Moment(0, 0)

    def following(self, moment: Moment) -> Moment | None:
        """The next moment at which something came; None at the end."""
        place = bisect_right(self._seqs, moment.seq)
        return Moment(self._seqs[place], self._times[place]) if place < len(self._seqs) else None

    def before(self, moment: Moment) -> Moment | None:
        """The moment before; None at the beginning."""
        place = bisect_left(self._seqs, moment.seq) - 1
        return Moment(self._seqs[place], self._times[place]) if place >= 0 else None

    def mark_from(self, moment: Moment, direction: int, kinds: frozenset[MarkKind]) -> Mark | None:
        """The nearest mark of these kinds behind a moment (1), or before it (-1)."""
        marks = [mark for mark in self.marks if mark.kind in kinds]
        if direction > 0:
            place = bisect_right(marks, moment.seq, key=lambda mark: mark.moment.seq)
            return marks[place] if place < len(marks) else None
        place = bisect_left(marks, moment.seq, key=lambda mark: mark.moment.seq)
        return marks[place - 1] if place else None

    def frame_before(self, terminal_id: str, seq: int) -> tuple[int, Emulator]:
        """The nearest start for a terminal: the event behind which it stands, and the terminal as it stood there. KeyError for an unknown one."""
        place = bisect_right(self.frames, seq, key=lambda frame: frame.seq)
        started, columns, rows = self.terminal_ids[terminal_id]
        for frame in reversed(self.frames[:place]):
            if frame.seq < started:
                break
            if frame.terminal_id == terminal_id:
                return frame.seq, Emulator.restore(self._frame_records.get(frame.number))
        return started, Emulator(columns or COLUMNS, rows or ROWS)

    def has_frame(self, terminal_id: str, after: int, seq: int) -> bool:
        """Whether there is a keyframe of a terminal between two events."""
        first, end = (bisect_right(self.frames, place, key=lambda frame: frame.seq) for place in (after, seq))
        return any(frame.terminal_id == terminal_id for frame in self.frames[first:end])

    def terminal_at(self, seq: int) -> str:
        """The terminal that was begun last at an event; empty where there was none."""
        found = [terminal_id for terminal_id, (started, _, _) in self.terminal_ids.items() if started <= seq]
        return found[-1] if found else ""


def _kind_of(body: str | None, event: Event) -> MarkKind | None:
    match body:
        case "tool_call_requested":
            return MarkKind.CALL
        case "tool_call_finished":
            finished = event.tool_call_finished
            good = finished.outcome in _GOOD_OUTCOMES and not finished.exit_code
            return None if good else MarkKind.ERROR
        case "phase_changed":
            return MarkKind.ERROR if event.phase_changed.phase == enums.EXECUTION_FAILED else None
        case "model_call_failed":
            return MarkKind.ERROR
        case "approval_requested":
            return MarkKind.APPROVAL
        case "message_started" | "workflow_signalled":
            return MarkKind.MESSAGE
        case "workflow_task_started":
            return MarkKind.CALL
        case "workflow_task_finished":
            return MarkKind.ERROR if event.workflow_task_finished.error else None
        case _:
            return None
