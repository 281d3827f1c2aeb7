"""Everything that a run printed, as rows: the lines of its terminals, with a heading for each command and a word on how it ended."""

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from stigmer_tui.terminal.fullscreen import ScreenSplitter, ScreenSwitch
from stigmer_tui.terminal.line_cells import DrawnLine, draw_line
from stigmer_tui.terminal.pen import PLAIN, Pen, apply_sgr
from stigmer_tui.terminal.spool import Spool

LONGEST_DRAWN = 1 << 16
"""Bytes of one row that are drawn; the pager shows all of it."""
LOOK_BACK = 1 << 14
"""Bytes before a row that are looked through for the colours that it begins with."""


class NoteKind(Enum):
    """What a row of our own says."""

    COMMAND = "command"
    """A command begins; the text is the command line."""
    ENDED = "ended"
    """It ended well."""
    WRONG = "wrong"
    """It did not end well, or something else went wrong."""
    STOPPED = "stopped"
    """A person stopped it."""
    FULL_SCREEN = "full-screen"
    """A program took the whole screen."""
    WORD = "word"
    """Anything else, such as that there are no walls."""


@dataclass(frozen=True, slots=True)
class Note:
    """A row between the output, made by the screen."""

    kind: NoteKind
    text: str
    """Safe to draw; one line."""


class OutputLog:
    """Rows of output and notes between them. Fed by the screen's own thread; `spool` may be searched from another one."""

    def __init__(self, directory: Path) -> None:
        """`directory`: where the bytes are kept while the run is looked at. Raises OSError where no file can be made."""
        self.directory = directory
        self._waiting: deque[tuple[str, bytes | Note]] = deque()
        self._begin()

    def _begin(self) -> None:
        self.spool = Spool(self.directory)
        self.notes: dict[int, Note] = {}
        self._note_rows: list[int] = []
        self._splitters: dict[str, ScreenSplitter] = {}
        self._terminal = ""

    def __len__(self) -> int:
        """Rows in all."""
        return len(self.spool)

    def close(self) -> None:
        """Give the file back."""
        self.spool.close()

    def clear(self) -> None:
        """Begin anew. Raises OSError where no file can be made."""
        self.spool.close()
        self._waiting.clear()
        self._begin()

    def add_note(self, kind: NoteKind, text: str) -> None:
        """Put a note behind what there is; it is there after `flush`."""
        self._waiting.append(("", Note(kind, text)))

    def add_output(self, terminal_id: str, data: bytes) -> None:
        """Add what a terminal received; it is there after `flush`."""
        splitter = self._splitters.setdefault(terminal_id, ScreenSplitter())
        self._add_parts(terminal_id, splitter.feed(data))

    def end_terminal(self, terminal_id: str) -> None:
        """The terminal is no more."""
        splitter = self._splitters.pop(terminal_id, None)
        if splitter is not None:
            self._add_parts(terminal_id, splitter.finish())

    def full_screen(self, terminal_id: str) -> bool:
        """Whether a program has the whole of this terminal's screen."""
        splitter = self._splitters.get(terminal_id)
        return splitter is not None and splitter.full_screen

    def _add_parts(self, terminal_id: str, parts: list[bytes | ScreenSwitch]) -> None:
        for part in parts:
            match part:
                case bytes():
                    self._waiting.append((terminal_id, part))
                case ScreenSwitch.ENTERED:
                    self.add_note(NoteKind.FULL_SCREEN, "full-screen program: enter attaches")
                case ScreenSwitch.LEFT:
                    self.add_note(NoteKind.WORD, "left the full screen")

    def flush(self) -> None:
        """Write what was added. Raises OSError where the disk is full: what is left is written by the next flush."""
        while self._waiting:
            terminal_id, item = self._waiting[0]
            if isinstance(item, Note):
                self._write_note(item)
            else:
                if terminal_id != self._terminal and self.spool.last_row_open:
                    self._write_note(Note(NoteKind.WORD, "another terminal"))
                self._terminal = terminal_id
                self.spool.append(item)
            self._waiting.popleft()

    def _write_note(self, note: Note) -> None:
        row = self.spool.add_empty_row()
        self.notes[row] = note
        self._note_rows.append(row)

    def note(self, row: int) -> Note | None:
        """The note in this row, if it is one."""
        return self.notes.get(row)

    def draw(self, row: int, pen: Pen) -> DrawnLine:
        """A row of output as it looks; `pen` as the row before left it."""
        return draw_line(self._shown_bytes(row), pen)

    def is_cut(self, row: int) -> bool:
        """Whether the row is longer than what is drawn of it."""
        return self.spool.length(row) > LONGEST_DRAWN

    def _shown_bytes(self, row: int) -> bytes:
        if not self.is_cut(row):
            return self.spool.read(row, LONGEST_DRAWN)
        ending = self.spool.read_end(row, LONGEST_DRAWN)
        overwritten = ending.find(b"\r")
        return self.spool.read(row, LONGEST_DRAWN) if overwritten < 0 else ending[overwritten + 1 :]

    def pen_before(self, row: int) -> Pen:
        """The colours that a row begins with: looked up in what was printed before it, since the last note."""
        earlier = bisect_right(self._note_rows, row) - 1
        floor = self.spool.start(self._note_rows[earlier]) if earlier >= 0 else 0
        end = self.spool.start(row)
        start = max(floor, end - LOOK_BACK)
        pen = PLAIN
        for piece in self.spool.read_at(start, end - start).split(b"\x1b[")[1:]:
            parameters, final, _ = piece.partition(b"m")
            if final and not parameters.strip(b"0123456789;:"):
                pen = apply_sgr(pen, parameters.decode("ascii"))
        return pen

    def block(self, row: int) -> tuple[int, int]:
        """The rows of the command that this row belongs to: the first, and the one behind the last."""
        commands = self.rows_of(NoteKind.COMMAND)
        place = bisect_right(commands, row)
        first = commands[place - 1] if place else 0
        return first, commands[place] if place < len(commands) else len(self)

    def rows_of(self, *kinds: NoteKind) -> list[int]:
        """Rows of notes of these kinds, ascending."""
        return [row for row in self._note_rows if self.notes[row].kind in kinds]

    def notes_between(self, first_row: int, end_row: int) -> list[tuple[int, Note]]:
        """Notes from `first_row` to before `end_row`."""
        rows = self._note_rows[bisect_left(self._note_rows, first_row) : bisect_left(self._note_rows, end_row)]
        return [(row, self.notes[row]) for row in rows]
