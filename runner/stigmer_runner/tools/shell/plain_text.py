"""A terminal's output as a model reads it: without escape sequences, lines as they look at last."""

import re

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"
    r"|\x1b"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f\x80-\x9f]")
_LONGEST_BACKSPACE = 10_000


def plain(data: bytes) -> str:
    """`data` as text. What a line wrote over itself (a progress bar) is left out; bytes that are no UTF-8 become `�`."""
    text = _SEQUENCES.sub("", data.decode("utf-8", "replace"))
    text = text.replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(_overwritten(line) for line in text.split("\n"))
    if "\b" in text and len(text) < _LONGEST_BACKSPACE:
        while (shorter := re.sub(r"[^\n\b]\x08", "", text)) != text:
            text = shorter
    return _CONTROLS.sub("", text)


def _overwritten(line: str) -> str:
    """What is left of a line that went back to its beginning."""
    return next((part for part in reversed(line.split("\r")) if part), "")
