"""Colours and weights of a terminal's text: what SGR sequences set, and the style that it means."""

from dataclasses import dataclass, replace
from functools import lru_cache

from rich.color import Color
from rich.style import Style

_FLAGS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_FLAGS[21] = "underline"  # twice
_UNFLAGS = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",)}
_SYSTEM_COLORS = 16


@dataclass(frozen=True, slots=True)
class Pen:
    """What the next character is drawn with. Blinking and hiding are not obeyed: text stays still and seen."""

    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False
    color: int | str | None = None
    """Number of the palette, `#rrggbb`, or None for the terminal's own."""
    background: int | str | None = None


PLAIN = Pen()


def apply_sgr(pen: Pen, parameters: str) -> Pen:
    """The pen after `ESC [ parameters m`. Unknown numbers change nothing."""
    return _true_color(pen, parameters) or _apply(pen, parameters)


@lru_cache(maxsize=4096)
def _apply(pen: Pen, parameters: str) -> Pen:
    codes = _codes(parameters)
    position = 0
    while position < len(codes):
        code = codes[position]
        position += 1
        if code == 0:
            pen = PLAIN
        elif code in _FLAGS:
            pen = replace(pen, **{_FLAGS[code]: True})
        elif code in _UNFLAGS:
            pen = replace(pen, **dict.fromkeys(_UNFLAGS[code], False))
        elif code in (38, 48, 58):
            color, position = _extended(codes, position)
            pen = _colored(pen, code, color)
        elif code in (39, 49):
            pen = _colored(pen, code - 1, None)
        else:
            pen = _basic_color(pen, code)
    return pen


def _true_color(pen: Pen, parameters: str) -> Pen | None:
    """The pen after one colour by its parts, as gradients have it: the quick way for the commonest of those that are rarely the same twice."""
    match parameters.split(";"):
        case ["38" | "48" as which, "2", red, green, blue] if (red + green + blue).isdigit():
            parts = int(red), int(green), int(blue)
            if max(parts) > 255:
                return None
            color = "#{:02x}{:02x}{:02x}".format(*parts)
            front, back = (color, pen.background) if which == "38" else (pen.color, color)
            return Pen(pen.bold, pen.dim, pen.italic, pen.underline, pen.reverse, pen.strike, front, back)
        case _:
            return None


def _codes(parameters: str) -> list[int]:
    """The numbers; a sub-parameter of underline (`4:3`) is folded into its parameter, colours by colons become those by semicolons."""
    codes: list[int] = []
    for part in parameters.split(";"):
        first, *rest = part.split(":")
        if first == "4" and rest:
            codes.append(24 if rest[0] == "0" else 4)
        elif first in ("38", "48", "58") and rest:
            if rest[0] == "2" and len(rest) > 4:  # 38:2:<colour space>:r:g:b
                del rest[1]
            codes.extend(_number(text) for text in (first, *rest))
        else:
            codes.append(_number(first))
    return codes


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _extended(codes: list[int], position: int) -> tuple[int | str | None, int]:
    """The colour behind 38, 48 or 58, and where the next code stands."""
    match codes[position : position + 4]:
        case [5, index, *_] if index < 256:
            return index, position + 2
        case [2, red, green, blue] if max(red, green, blue) < 256:
            return f"#{red:02x}{green:02x}{blue:02x}", position + 4
        case _:
            return None, len(codes)


def _colored(pen: Pen, code: int, color: int | str | None) -> Pen:
    match code:
        case 38:
            return replace(pen, color=color)
        case 48:
            return replace(pen, background=color)
        case _:
            return pen


def _basic_color(pen: Pen, code: int) -> Pen:
    if 30 <= code <= 37:
        return replace(pen, color=code - 30)
    if 40 <= code <= 47:
        return replace(pen, background=code - 40)
    if 90 <= code <= 97:
        return replace(pen, color=code - 82)
    if 100 <= code <= 107:
        return replace(pen, background=code - 92)
    return pen


@lru_cache(maxsize=4096)
def style_of(pen: Pen) -> Style:
    """The style to draw with. The sixteen named colours stay names: the theme says what they look like."""
    return Style(
        color=_rich_color(pen.color),
        bgcolor=_rich_color(pen.background),
        bold=pen.bold or None,
        dim=pen.dim or None,
        italic=pen.italic or None,
        underline=pen.underline or None,
        reverse=pen.reverse or None,
        strike=pen.strike or None,
    )


def _rich_color(color: int | str | None) -> Color | None:
    if color is None:
        return None
    if isinstance(color, str):
        return Color.parse(color)
    named = Color.from_ansi(color)
    return named if color < _SYSTEM_COLORS else Color.from_triplet(named.get_truecolor())
