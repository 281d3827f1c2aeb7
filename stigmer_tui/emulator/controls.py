"""What each control sequence does: from its text to a call on the grid, which is made once and kept."""

import re
from collections.abc import Callable
from functools import partial

from stigmer_tui.emulator.grid import Grid, MouseReports
from stigmer_tui.terminal.pen import PLAIN, Pen, apply_sgr

Act = Callable[[], object]

LARGEST = 99_999
"""Numbers above it count as it: a screen is never so large."""
_KEPT = 4096
_LONGEST_KEPT = 64
_TRUE_COLOR = re.compile("\x1b\\[([34]8;2;[0-9;]*)m")
_MOUSE = {mode.value: mode for mode in MouseReports if mode.value}
_FLAGS = {
    1: "application_cursor",
    6: "origin",
    7: "autowrap",
    25: "cursor_visible",
    66: "application_keypad",
    1004: "focus_reports",
    1005: "utf8_mouse",
    1006: "sgr_mouse",
    1007: "alternate_scroll",
    2004: "bracketed_paste",
    2026: "held",
}


def _nothing() -> None:
    """A sequence that is not obeyed."""


class Controls:
    """The sequences of one terminal. `answer` takes what the program asked for; `reset` is done for a full reset."""

    def __init__(self, grid: Grid, answer: Callable[[str], None], reset: Act) -> None:
        self._grid = grid
        self._answer = answer
        self._reset = reset
        self._acts: dict[str, Act] = {}
        self._pens: dict[tuple[int, str], tuple[Pen, Pen, Pen]] = {}
        self._numbered: dict[str, Callable[[int], object]] = {
            "A": grid.up,
            "B": grid.down,
            "e": grid.down,
            "C": grid.right,
            "a": grid.right,
            "D": grid.left,
            "E": self._down_lines,
            "F": self._up_lines,
            "G": grid.to_column,
            "`": grid.to_column,
            "d": grid.to_line,
            "I": grid.tab,
            "Z": grid.back_tab,
            "L": grid.insert_lines,
            "M": grid.delete_lines,
            "P": grid.delete_characters,
            "@": grid.insert_characters,
            "X": grid.erase_characters,
            "S": grid.scroll_up,
            "T": grid.scroll_down,
            "b": grid.repeat,
        }
        self._plain: dict[str, Act] = {
            "\r\n": grid.next_line,
            "\n": self._line_feed,
            "\x0b": self._line_feed,
            "\x0c": self._line_feed,
            "\r": self._return,
            "\x08": partial(grid.left, 1),
            "\t": grid.tab,
            "\x0e": partial(self._shift, 1),
            "\x0f": partial(self._shift, 0),
            "\x1b7": grid.save,
            "\x1b8": grid.restore,
            "\x1bD": grid.line_feed,
            "\x1bE": grid.next_line,
            "\x1bM": grid.reverse_line_feed,
            "\x1bH": grid.set_tab,
            "\x1bc": reset,
            "\x1b=": partial(setattr, grid.modes, "application_keypad", True),
            "\x1b>": partial(setattr, grid.modes, "application_keypad", False),
            "\x1b#8": grid.fill_with_e,
            "\x1bZ": partial(answer, "\x1b[?62;22c"),
        }

    def act(self, control: str) -> Act:
        """What a control does; made at its first sight."""
        act = self._acts.get(control)
        if act is not None:
            return act
        found = _TRUE_COLOR.fullmatch(control)
        if found is not None:  # a gradient's colours are rarely the same twice
            return partial(self.color, found[1])
        if len(self._acts) >= _KEPT:
            self._acts.clear()
        act = self._made(control)
        if len(control) < _LONGEST_KEPT:
            self._acts[control] = act
        return act

    def _made(self, control: str) -> Act:
        plain = self._plain.get(control)
        if plain is not None:
            return plain
        if control.startswith("\x1b["):
            return self._sequence(control)
        if len(control) == 3 and control[1] in "()":
            return partial(self._designate, "()".index(control[1]), control[2] == "0")
        return _nothing

    def _sequence(self, control: str) -> Act:
        final, body = control[-1], control[2:-1]
        private = body[:1] if body[:1] in ("<", "=", ">", "?") else ""
        between = body[len(body.rstrip(" !\"#$%&'()*+,-./")) :]
        parameters = body[len(private) : len(body) - len(between)]
        if not "@" <= final <= "~" or (final == "m" and private):
            return _nothing
        if between:
            return self._rare(private, parameters, between, final)
        if final == "m":
            return partial(self.color, parameters)
        numbers = [_number(part) for part in parameters.split(";")]
        if private:
            return self._private(private, numbers, final)
        numbered = self._numbered.get(final)
        if numbered is not None:
            return partial(numbered, max(1, numbers[0]))
        return self._unnumbered(numbers, final)

    def _unnumbered(self, numbers: list[int], final: str) -> Act:
        grid, first, second = self._grid, numbers[0], numbers[1] if len(numbers) > 1 else 0
        match final:
            case "H" | "f":
                return partial(grid.move_to, first, second)
            case "J":
                return partial(grid.erase_in_screen, first)
            case "K":
                return partial(grid.erase_in_line, first)
            case "r":
                return partial(grid.set_region, first, second)
            case "g":
                return partial(grid.clear_tabs, first)
            case "s":
                return grid.save
            case "u":
                return grid.restore
            case "h" | "l":
                return partial(self._set_modes, numbers, final == "h")
            case "n" | "c" | "t":
                return partial(self._report, final, first)
            case _:
                return _nothing

    def _private(self, private: str, numbers: list[int], final: str) -> Act:
        match private + final:
            case "?h" | "?l":
                return partial(self._set_private, numbers, final == "h")
            case "?J":
                return partial(self._grid.erase_in_screen, numbers[0])
            case "?K":
                return partial(self._grid.erase_in_line, numbers[0])
            case ">c":
                return partial(self._answer, "\x1b[>1;10;0c")
            case ">q":
                return partial(self._answer, "\x1bP>|stigmer\x1b\\")
            case "?n" if numbers[0] == 6:
                return partial(self._report, "?n", 6)
            case _:
                return _nothing

    def _rare(self, private: str, parameters: str, between: str, final: str) -> Act:
        number = _number(parameters.split(";")[0])
        match private + between + final:
            case " q":
                return partial(setattr, self._grid.modes, "cursor_shape", number if number < 7 else 0)
            case "!p":
                return self._soft_reset
            case "?$p":
                return partial(self._tell_mode, number)
            case _:
                return _nothing

    # Acts that are more than one call.

    def color(self, parameters: str) -> None:
        """Colours and weights."""
        grid = self._grid
        if not parameters or parameters == "0":
            grid.pen = grid.erased = PLAIN
            return
        key = (id(grid.pen), parameters)
        known = self._pens.get(key)
        if known is None:
            if len(self._pens) >= _KEPT:
                self._pens.clear()
            before = grid.pen
            grid.set_pen(apply_sgr(before, parameters))
            self._pens[key] = (before, grid.pen, grid.erased)
            return
        grid.pen, grid.erased = known[1], known[2]

    def _line_feed(self) -> None:
        if self._grid.modes.line_feed_returns:
            self._grid.x = 0
        self._grid.line_feed()

    def _return(self) -> None:
        self._grid.x = 0

    def _down_lines(self, count: int) -> None:
        self._grid.down(count)
        self._grid.x = 0

    def _up_lines(self, count: int) -> None:
        self._grid.up(count)
        self._grid.x = 0

    def _shift(self, which: int) -> None:
        self._grid.shifted = which

    def _designate(self, which: int, drawing: bool) -> None:
        self._grid.graphics[which] = drawing

    def _set_modes(self, numbers: list[int], on: bool) -> None:
        for number in numbers:
            if number == 4:
                self._grid.modes.insert = on
            elif number == 20:
                self._grid.modes.line_feed_returns = on

    def _set_private(self, numbers: list[int], on: bool) -> None:
        grid = self._grid
        for number in numbers:
            if number in _FLAGS:
                setattr(grid.modes, _FLAGS[number], on)
                if number == 6:
                    grid.move_to(1, 1)
            elif number in _MOUSE:
                grid.modes.mouse = _MOUSE[number] if on else MouseReports.NONE
            elif number in (47, 1047, 1049):
                if on:
                    grid.show_alternate(save=number == 1049)
                else:
                    grid.show_main()
            elif number == 1048:
                if on:
                    grid.save()
                else:
                    grid.restore()
            elif number == 3:
                self._clear_for_width()

    def _clear_for_width(self) -> None:
        """Eighty or 132 columns: the size stays, the screen is emptied."""
        grid = self._grid
        grid.erase_in_screen(2)
        grid.top, grid.bottom, grid.x, grid.y = 0, grid.rows - 1, 0, 0

    def _soft_reset(self) -> None:
        grid, modes = self._grid, self._grid.modes
        modes.insert = modes.origin = modes.application_cursor = modes.application_keypad = False
        modes.autowrap = modes.cursor_visible = True
        grid.top, grid.bottom = 0, grid.rows - 1
        grid.graphics, grid.shifted = [False, False], 0
        grid.set_pen(PLAIN)

    # Answers.

    def _report(self, kind: str, number: int) -> None:
        grid = self._grid
        y = grid.y - grid.top if grid.modes.origin else grid.y
        place = f"{y + 1};{min(grid.x, grid.columns - 1) + 1}R"
        match kind, number:
            case "n", 5:
                self._answer("\x1b[0n")
            case "n", 6:
                self._answer("\x1b[" + place)
            case "?n", 6:
                self._answer("\x1b[?" + place)
            case "c", 0:
                self._answer("\x1b[?62;22c")
            case "t", 18:
                self._answer(f"\x1b[8;{grid.rows};{grid.columns}t")
            case _:
                return

    def _tell_mode(self, number: int) -> None:
        modes = self._grid.modes
        if number in _FLAGS:
            state = 1 if getattr(modes, _FLAGS[number]) else 2
        elif number in _MOUSE:
            state = 1 if modes.mouse is _MOUSE[number] else 2
        elif number in (47, 1047, 1049):
            state = 1 if self._grid.main is not None else 2
        else:
            state = 0
        self._answer(f"\x1b[?{number};{state}$y")


def _number(text: str) -> int:
    digits = text.partition(":")[0]
    return (
        min(LARGEST, int(digits))
        if digits.isascii() and digits.isdigit() and len(digits) < 12
        else LARGEST * bool(digits)
    )
