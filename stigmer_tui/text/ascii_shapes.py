"""For a terminal without UTF-8: every shape as a letter that it has, each as wide as it was, so that nothing moves."""

import os
import re
import unicodedata
from collections.abc import Mapping

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SHAPES = {
    "●": "o", "▶": ">", "✓": "+", "✗": "x", "■": "#", "•": "*", "❯": ">", "›": ">", "·": "-", "…": "~", "–": "-", "—": "-",
    "▐": "|", "│": "|", "─": "-", "═": "=", "↑": "^", "↓": "v", "←": "<", "→": ">", "✎": "*", "≥": ">", "≤": "<",
    "┤": "|", "└": "+", "├": "|", "»": ">", "┬": "+", "▂": "_", "▃": "_", "▄": "=", "▅": "=", "▆": "#", "▇": "#", "‘": "'", "’": "'", "“": '"', "”": '"', "⏎": "/", "█": "#", "▁": "_", "▔": "-", "□": "o", "◆": "*", "☐": "o", "☑": "+",
    "━": "=", "▸": ">", "▾": "v", "∴": ":", "⚠": "!", "⟨": "<", "⟩": ">", "‹": "<", "○": "o", "◇": "o", "▲": "!", "✚": "+", "⚒": "#", "▣": "#", "▒": "%",
    "┼": "+", "┴": "+", "┘": "+", "┐": "+", "┌": "+", "⑂": "Y", "↺": "@", "−": "-", "±": "~", "≡": "=", "≠": "!", "×": "x",
}  # fmt: skip
"""Those of phases stay different from each other."""
_OTHER = re.compile(r"[^\x20-\x7e]")


def wants_ascii(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the locale names a character set, and that is not UTF-8. Where it names none, the terminal most likely has it."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    if locale in ("C", "POSIX"):
        return True
    return "." in locale and locale.partition(".")[2].partition("@")[0].lower().replace("-", "") != "utf8"


def in_ascii(text: str) -> str:
    """The text in ASCII, in as many cells."""
    return _OTHER.sub(lambda found: _letter(found.group()), text)


def _letter(character: str) -> str:
    width = cell_len(character)
    if "\u2400" <= character <= "\u2426":  # the picture of a control code
        return "^"
    plain = _SHAPES.get(character) or unicodedata.normalize("NFKD", character)[:1]
    return plain if width == 1 and plain.isascii() and plain.isprintable() else "?" * width


class AsciiShapes(LineFilter):
    """Stands last, behind the guard against control codes."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same in ASCII; segments of control codes, which Textual makes itself, stay."""
        return [
            segment if segment.control or segment.text.isascii() else Segment(in_ascii(segment.text), segment.style)
            for segment in segments
        ]
