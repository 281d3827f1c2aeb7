"""tmux as the judge: its screen after some bytes, with its attributes."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from stigmer_tui.emulator.grid import LINE_DRAWING
from stigmer_tui.terminal.pen import PLAIN, Pen, apply_sgr

PATIENCE = 20.0
_TOKEN = re.compile("\x1b\\[([0-9;:]*)m|([\x0e\x0f])|([^\x1b\x0e\x0f])")
Cell = tuple[str, Pen]


@dataclass(frozen=True)
class Judge:
    """A tmux server with one session, whose windows are `columns` x `rows`."""

    socket: Path
    columns: int
    rows: int

    def tmux(self, *words: str) -> str:
        """Run a tmux command."""
        return subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", "-S", str(self.socket), *words],
            capture_output=True,
            check=True,
            timeout=PATIENCE,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TMUX": ""},
        ).stdout.decode()

    def start(self) -> None:
        """Start it."""
        size = ("-x", str(self.columns), "-y", str(self.rows))
        self.tmux("new-session", "-d", *size, "sleep 1000")
        self.tmux("set", "-g", "status", "off", ";", "set", "-g", "history-limit", "0")

    def begin(self, path: Path) -> str:
        """Open a window that prints a file; its name."""
        script = f"stty raw -echo; cat {path}; printf '\\033]2;shown\\033\\\\'; sleep 1000"
        return self.tmux("new-window", "-d", "-P", "-F", "#{window_id}", script).strip()

    def screen(self, window: str) -> list[list[Cell]]:
        """The window's cells once everything was printed; the window is closed."""
        deadline = time.monotonic() + PATIENCE
        while self.tmux("display", "-p", "-t", window, "#{pane_title}").strip() != "shown":
            assert time.monotonic() < deadline, "tmux did not show it"
            time.sleep(0.01)
        captured = self.tmux("capture-pane", "-p", "-e", "-N", "-t", window)
        self.tmux("kill-window", "-t", window)
        return cells_of(captured, self.columns, self.rows)


def cells_of(captured: str, columns: int, rows: int) -> list[list[Cell]]:
    """What `capture-pane -e` printed, as rows of cells; the shifts to line drawing are undone."""
    lines: list[list[Cell]] = []
    pen, drawing = PLAIN, False
    for line in captured.split("\n")[:rows]:
        cells: list[Cell] = []
        for found in _TOKEN.finditer(line):
            if found[1] is not None:
                pen = apply_sgr(pen, found[1])
            elif found[2]:
                drawing = found[2] == "\x0e"
            else:
                cells.append((found[3].translate(LINE_DRAWING) if drawing else found[3], pen))
        lines.append(cells)
    return [padded(cells, columns) for cells in [*lines, *([[]] * (rows - len(lines)))]]


def padded(cells: list[Cell], columns: int) -> list[Cell]:
    """All cells of a line. A space has no letter's attributes."""
    cells = cells + [(" ", PLAIN)] * (columns - len(cells))
    return [(text, _of_space(pen) if text == " " else pen) for text, pen in cells]


def same(theirs: list[Cell], ours: list[Cell]) -> bool:
    """Whether two lines look the same. tmux leaves out cells that were erased at a line's end, whatever their background."""
    end = len(theirs)
    while end and theirs[end - 1] == (" ", PLAIN):
        end -= 1
    return theirs[:end] == ours[:end] and all(text == " " for text, _ in ours[end:])


def picture(cells: list[Cell]) -> str:
    """A line and its pens, to read where a test failed."""
    pens = sorted({repr(pen) for _, pen in cells})
    return "".join(text for text, _ in cells) + "|" + "".join(chr(97 + pens.index(repr(pen))) for _, pen in cells)


def _of_space(pen: Pen) -> Pen:
    """What can be seen of a pen where nothing is written."""
    if pen.reverse:
        return replace(pen, bold=False, dim=False, italic=False)
    return replace(pen, bold=False, dim=False, italic=False, color=None) if not (pen.underline or pen.strike) else pen


@contextmanager
def judge(columns: int, rows: int) -> Generator[Judge]:
    """A tmux of one's own, which ends with the block."""
    with tempfile.TemporaryDirectory(prefix="stg-", dir="/tmp") as directory:
        server = Judge(Path(directory) / "s", columns, rows)
        server.start()
        try:
            yield server
        finally:
            server.tmux("kill-server")
