"""What is said: lines of plain text on standard output, whoever wrote them."""

import sys
from collections.abc import Iterable
from typing import TextIO

from stigmer_tui.text import Untrusted, safe


class Voice:
    """Says lines. Control codes, and what hides or turns text round, never get through; a letter that the terminal lacks becomes `?`."""

    def __init__(self, output: TextIO | None = None) -> None:
        self._output: TextIO = sys.stdout if output is None else output
        self._encoding = self._output.encoding or "utf-8"

    def _shown(self, text: str) -> str:
        return text.encode(self._encoding, "replace").decode(self._encoding)

    def say(self, text: str) -> None:
        """A line, or several."""
        self._output.write(self._shown(safe(Untrusted(text), lines=True)) + "\n")
        self._output.flush()

    def say_all(self, lines: Iterable[str]) -> None:
        """Lines, one after the other."""
        for line in lines:
            self.say(line)

    def ask(self, prompt: str) -> None:
        """A prompt: what is typed stands behind it."""
        self._output.write(self._shown(safe(Untrusted(prompt))))
        self._output.flush()
