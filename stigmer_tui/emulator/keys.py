"""What a person's key is to a program: the bytes that a terminal sends for it."""

import unicodedata

from stigmer_tui.emulator.grid import Modes

_LETTERS = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
_FIRST_FUNCTIONS = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
_NUMBERS = {
    "insert": 2, "delete": 3, "pageup": 5, "pagedown": 6, "f5": 15, "f6": 17, "f7": 18, "f8": 19, "f9": 20, "f10": 21, "f11": 23, "f12": 24,
    "f13": 25, "f14": 26, "f15": 28, "f16": 29, "f17": 31, "f18": 32, "f19": 33, "f20": 34,
}  # fmt: skip
_PLAIN = {"enter": b"\r", "tab": b"\t", "escape": b"\x1b", "backspace": b"\x7f", "space": b" "}
_CONTROLS = {
    "@": 0, "space": 0, "backslash": 28, "right_square_bracket": 29, "circumflex_accent": 30, "underscore": 31, "slash": 31, "minus": 31,
    "left_square_bracket": 27, "question_mark": 127, "backspace": 8, "enter": 13, "tab": 9,
}  # fmt: skip
PASTE_BEGINS, PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"


def key_bytes(key: str, character: str | None, modes: Modes) -> bytes:
    """The bytes of a key; `key` as `ctrl+shift+up`, `character` what it prints. Empty for one that a terminal sends nothing for."""
    *modifiers, name = key.split("+")
    alt = b"\x1b" if "alt" in modifiers or "meta" in modifiers else b""
    code = 1 + ("shift" in modifiers) + 2 * bool(alt) + 4 * ("ctrl" in modifiers)
    if name in _LETTERS:
        return _lettered(_LETTERS[name], code, b"\x1bO" if modes.application_cursor else b"\x1b[")
    if name in _FIRST_FUNCTIONS:
        return _lettered(_FIRST_FUNCTIONS[name], code, b"\x1bO")
    if name in _NUMBERS:
        return f"\x1b[{_NUMBERS[name]}{f';{code}' if code > 1 else ''}~".encode()
    if "ctrl" in modifiers:
        return _control(name, alt)
    if name == "tab" and "shift" in modifiers:
        return alt + b"\x1b[Z"
    if name in _PLAIN:
        return alt + _PLAIN[name]
    return alt + (character or _character(name)).encode("utf-8", "ignore")


def paste_bytes(text: str, modes: Modes) -> bytes:
    """Pasted text, as the program wants it; no end of a paste is let through within it."""
    data = text.replace("\r\n", "\r").replace("\n", "\r").encode("utf-8", "ignore")
    if not modes.bracketed_paste:
        return data
    return PASTE_BEGINS + data.replace(b"\x1b", b"") + PASTE_ENDS


def _lettered(letter: str, code: int, beginning: bytes) -> bytes:
    return f"\x1b[1;{code}{letter}".encode() if code > 1 else beginning + letter.encode()


def _control(name: str, alt: bytes) -> bytes:
    if name in _CONTROLS:
        return alt + bytes([_CONTROLS[name]])
    letter = name.upper()
    return alt + bytes([ord(letter) & 0x1F]) if len(letter) == 1 and "@" <= letter <= "_" else b""


def _character(name: str) -> str:
    """The character that a key without a printed one is named after."""
    if len(name) == 1:
        return name
    try:
        return unicodedata.lookup(name.replace("upper_", "latin capital letter ").replace("_", " "))
    except KeyError:
        return ""
