"""How output becomes text and control sequences, and what of it cannot move anything."""

import re

TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
PAIRS = re.compile(
    r"("
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # a control sequence
    r"|\r\n"
    r"|\x1b[\]^_X][^\x07\x18\x1a\x1b]*(?:[\x07\x18\x1a]|\x1b\\|(?=\x1b)|\Z)"  # a string that a bell may end
    r"|\x1bP(?:[^\x18\x1a\x1b]++|\x1b(?!\\))*+(?:[\x18\x1a]|\x1b\\|\Z)"  # a device's string
    r"|\x1bk[^\x07\x18\x1a\x1b]*(?:[\x07\x18\x1a]|\x1b\\|(?=\x1b)|\Z)"  # a window's name
    r"|\x1b[ -/]+[0-~]"
    r"|\x1b\[[0-?]*[ -/]*"  # a control sequence that is none
    r"|\x1b[0-~]"
    r"|[\x00-\x1f\x7f-\x9f]"
    r")([^\x00-\x1f\x7f-\x9f]*)"
)
"""A control and the text behind it. Every character that is no text is a control, so nothing is passed over."""

_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)\Z")
LONGEST = 256
"""Characters of a sequence that its end is waited for."""

_STRING_END = re.compile(r"[\x07\x18\x1a]|\x1b\\|\x1b(?=[^\\])")
_DEVICE_END = re.compile(r"[\x18\x1a]|\x1b\\")

MOVING = re.compile(rb"[\x0b\x0c\x0e\x0f\x18\x1a]|\x1b(?!\[[0-9;:]{0,64}m)")
"""The first byte of output that does more than print, colour, and begin lines."""
SGR = re.compile(rb"\x1b\[([0-9;:]{0,64})m")


def unfinished(text: str) -> str:
    """The end of `text` that may be the beginning of a sequence."""
    cut = text.rfind("\x1b", max(0, len(text) - LONGEST))
    found = _UNFINISHED.match(text, cut) if cut >= 0 else None
    return found.group() if found else ""


def begins_string(control: str) -> bool:
    """Whether the control is a string without its end."""
    return control[1:2] in ("]", "P", "_", "^", "X", "k") and not control.endswith(("\x07", "\x18", "\x1a", "\x1b\\"))


def after_string(text: str, *, device: bool) -> int | None:
    """Where the text goes on behind the end of a string that began earlier; None where that has not come."""
    found = (_DEVICE_END if device else _STRING_END).search(text)
    return found.end() - (found.group() == "\x1b") if found else None
