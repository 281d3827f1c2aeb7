"""A screen as a few bytes, from which it goes on exactly as it stood: what a jump into a long run begins with."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields

from stigmer_tui.emulator.grid import Grid, Modes, MouseReports, Saved
from stigmer_tui.emulator.row import Row, width_of
from stigmer_tui.terminal.pen import Pen

_PEN_FIELDS = tuple(field.name for field in fields(Pen))
_MODE_FIELDS = tuple(name for name in Modes.__slots__ if name != "mouse")
_PLAIN_NUMBERS = ("x", "y", "top", "bottom", "shifted", "last")


class _Pens:
    """Each pen once."""

    def __init__(self) -> None:
        self.known: dict[Pen, int] = {}

    def number(self, pen: Pen) -> int:
        return self.known.setdefault(pen, len(self.known))

    def saved(self, saved: Saved) -> list[object]:
        return [saved.x, saved.y, self.number(saved.pen), saved.origin, saved.graphics, saved.shifted]

    def lines(self, lines: Sequence[Row]) -> list[object]:
        """Each line as its runs."""
        packed: list[object] = []
        for row in lines:
            runs: list[object] = [row.wide]
            for run in row.runs():
                runs += (run.text, self.number(run.pen))
            packed.append(runs)
        return packed


def keyframe(grid: Grid, parser: Mapping[str, str]) -> bytes:
    """The grid as bytes, with what the parser holds."""
    pens = _Pens()
    state = {
        "size": [grid.columns, grid.rows],
        "lines": pens.lines(grid.lines),
        "main": None if grid.main is None else pens.lines(grid.main),
        "saved": pens.saved(grid.saved),
        "main_saved": None if grid.main_saved is None else pens.saved(grid.main_saved),
        "pen": pens.number(grid.pen),
        "graphics": grid.graphics,
        "tabs": sorted(grid.tabs),
        "numbers": [getattr(grid, name) for name in _PLAIN_NUMBERS],
        "modes": [getattr(grid.modes, name) for name in _MODE_FIELDS],
        "mouse": grid.modes.mouse.value,
        "parser": dict(parser),
        "pens": [list(asdict(pen).values()) for pen in pens.known],
    }
    return zlib.compress(
        json.dumps(state, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"), 1
    )


def restored(data: bytes) -> tuple[Grid, Mapping[str, str]]:
    """The grid and what the parser held. `data` is ours: what is no keyframe raises ValueError or zlib.error."""
    state = json.loads(zlib.decompress(data))
    columns, rows = state["size"]
    pens: list[Pen] = [Pen(**dict(zip(_PEN_FIELDS, values, strict=True))) for values in state["pens"]]
    grid = Grid(columns, rows)
    grid.lines = [_row(runs, pens) for runs in state["lines"]]
    grid.main = None if state["main"] is None else [_row(runs, pens) for runs in state["main"]]
    grid.saved = _saved(state["saved"], pens)
    grid.main_saved = None if state["main_saved"] is None else _saved(state["main_saved"], pens)
    grid.set_pen(pens[int(state["pen"])])
    grid.graphics, grid.tabs = state["graphics"], set(state["tabs"])
    for name, value in zip(_PLAIN_NUMBERS, state["numbers"], strict=True):
        setattr(grid, name, value)
    for name, value in zip(_MODE_FIELDS, state["modes"], strict=True):
        setattr(grid.modes, name, value)
    grid.modes.mouse = MouseReports(state["mouse"])
    return grid, state["parser"]


def _saved(values: Sequence[object], pens: Sequence[Pen]) -> Saved:
    match values:
        case [int(x), int(y), int(pen), bool(origin), [bool(first), bool(second)], int(shifted)]:
            return Saved(x, y, pens[pen], origin, [first, second], shifted)
        case _:
            raise ValueError("no keyframe")


def _row(packed: Sequence[object], pens: Sequence[Pen]) -> Row:
    row = Row(0)
    row.wide = bool(packed[0])
    for text, number in zip(packed[1::2], packed[2::2], strict=True):
        if not isinstance(text, str) or not isinstance(number, int):
            raise ValueError("no keyframe")
        cells = _cells(text) if row.wide else list(text)
        row.chars += cells
        row.pens += [pens[number]] * len(cells)
    return row


def _cells(text: str) -> list[str]:
    """The cells that a text came from."""
    cells: list[str] = []
    for character in text:
        match width_of(character):
            case 0 if cells:
                cells[-2 if not cells[-1] else -1] += character
            case 2:
                cells += (character, "")
            case _:
                cells.append(character)
    return cells
