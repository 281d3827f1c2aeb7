"""The emulator: bytes of a program in, a screen out."""

from codecs import getincrementaldecoder

from stigmer_tui.emulator.controls import Controls
from stigmer_tui.emulator.grid import Grid, Modes
from stigmer_tui.emulator.keyframe import keyframe, restored
from stigmer_tui.emulator.row import Run
from stigmer_tui.emulator.tokens import MOVING, PAIRS, SGR, TEXT, after_string, begins_string, unfinished

PIECE = 1 << 16
"""Bytes taken at once: what a sequence can make this hold is bounded by it."""
LONGEST_ANSWER = 4096
"""Bytes of answers that wait; a program that asks and never reads gets no more."""
LARGEST_SCREEN = 1000
"""Columns and rows at most."""


class Emulator:
    """A terminal of `columns` x `rows` cells. Titles, pictures, links and the clipboard are not obeyed.

    The lines are a program's text: who draws them passes them through `safe`. Control characters are never among them.
    """

    def __init__(self, columns: int, rows: int) -> None:
        """Sizes are kept within 1 and 1000."""
        self.grid = Grid(_size(columns), _size(rows))
        self._begin()

    def _begin(self) -> None:
        self._answers = ""
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._string = ""
        """`]` or `P` within a string whose end has not come."""
        self._controls = Controls(self.grid, self._answer, self._reset)

    # What can be seen.

    @property
    def columns(self) -> int:
        """Cells of a line."""
        return self.grid.columns

    @property
    def rows(self) -> int:
        """Lines of the screen."""
        return self.grid.rows

    @property
    def modes(self) -> Modes:
        """What the program switched on."""
        return self.grid.modes

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and line of the cursor, from 0."""
        return min(self.grid.x, self.grid.columns - 1), self.grid.y

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen is shown: a full-screen program runs."""
        return self.grid.main is not None

    def line(self, y: int) -> list[Run]:
        """The cells of a line, all of them, neighbours in one pen together."""
        return self.grid.lines[y].runs()

    def text(self) -> list[str]:
        """The lines without colours and without spaces at their ends."""
        return ["".join(row.chars).rstrip() for row in self.grid.lines]

    def take_dirty(self) -> set[int]:
        """The lines that changed since the last call."""
        grid = self.grid
        dirty = set(range(grid.rows)) if grid.all_dirty else grid.dirty
        grid.all_dirty, grid.dirty = False, set()
        return dirty

    def take_answers(self) -> bytes:
        """What the program is to be answered, in order: for its input while somebody is attached."""
        answers, self._answers = self._answers, ""
        return answers.encode()

    # What happens to it.

    def feed(self, data: bytes) -> None:
        """Take in output, cut anywhere. Never raises."""
        for start in range(0, len(data), PIECE):
            self._take(data[start : start + PIECE] if len(data) > PIECE else data)

    def resize(self, columns: int, rows: int) -> None:
        """Another size, as when a terminal's window changes."""
        columns, rows = _size(columns), _size(rows)
        if (columns, rows) != (self.grid.columns, self.grid.rows):
            self.grid.resize(columns, rows)

    def snapshot(self) -> bytes:
        """A keyframe: all that the screen is, in a few hundred to a few thousand bytes. Answers that wait are not in it."""
        held, _ = self._decoder.getstate()
        return keyframe(self.grid, {"pending": self._pending, "string": self._string, "bytes": held.decode("latin-1")})

    @classmethod
    def restore(cls, snapshot: bytes) -> "Emulator":
        """An emulator that goes on where a snapshot was taken. Raises ValueError or zlib.error for what is none."""
        emulator = cls(1, 1)
        emulator.grid, parser = restored(snapshot)
        emulator._begin()
        emulator._pending, emulator._string = parser["pending"], parser["string"]
        emulator._decoder.setstate((parser["bytes"].encode("latin-1"), 0))
        return emulator

    def _take(self, data: bytes) -> None:
        if not self._pending and not self._string:
            data = self._skip(data)
        text = self._pending + self._decoder.decode(data)
        self._pending = unfinished(text)
        if self._pending:
            text = text[: -len(self._pending)]
        start = 0
        if self._string:
            end = after_string(text, device=self._string == "P")
            if end is None:
                return
            self._string, start = "", end
        self._obey(text, start)

    def _obey(self, text: str, start: int) -> None:
        draw, acts = self.grid.draw, self._controls.act
        first = TEXT.match(text, start)
        if first is not None:
            draw(first.group())
            start = first.end()
        control = ""
        for control, drawn in PAIRS.findall(text, start):
            acts(control)()
            if drawn:
                draw(drawn)
        if begins_string(control):
            self._string = control[1]

    def _skip(self, data: bytes) -> bytes:
        """Leave out lines that are scrolled away before anybody sees them; what they do to the colours is done.

        Only text, colours and line ends may come up to where the last of them is gone, and the whole screen must scroll.
        """
        grid = self.grid
        rows = grid.rows
        if data.count(b"\n") <= 2 * rows or grid.top or grid.bottom != rows - 1 or grid.modes.insert:
            return data
        moving = MOVING.search(data)
        end = moving.start() if moving else len(data)
        cut = end
        for _ in range(rows + 1):
            cut = data.rfind(b"\n", 0, cut)
            if cut < 0:
                return data
        cut += 1
        if data[cut - 2 : cut] != b"\r\n" or data.count(b"\n", 0, cut) < rows - grid.y:
            return data
        self._decoder.reset()
        plain = max(data.rfind(b"\x1b[m", 0, cut), data.rfind(b"\x1b[0m", 0, cut), 0)
        for found in SGR.finditer(data, plain, cut):
            self._controls.color(found.group(1).decode("ascii"))
        grid.x, grid.y = 0, rows - 1
        return data[cut:]

    def _answer(self, text: str) -> None:
        if len(self._answers) < LONGEST_ANSWER:
            self._answers += text

    def _reset(self) -> None:
        """As if it had just been made; whoever holds the grid holds it still."""
        fresh = Grid(self.grid.columns, self.grid.rows)
        for name in fresh.__dict__:
            if name != "modes":
                setattr(self.grid, name, getattr(fresh, name))
        for name in Modes.__slots__:
            setattr(self.grid.modes, name, getattr(fresh.modes, name))


def _size(cells: int) -> int:
    return max(1, min(cells, LARGEST_SCREEN))
