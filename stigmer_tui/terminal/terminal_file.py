"""What the app writes to its terminal with, and whether the terminal keeps up."""

import os
import time
from io import TextIOWrapper

BEHIND_SECONDS = 0.03
"""A write that takes longer waits for the terminal."""


class TerminalFile(TextIOWrapper):
    """Written to by one thread; any other may ask."""

    def __init__(self, descriptor: int) -> None:
        """`descriptor`: becomes its own."""
        super().__init__(os.fdopen(descriptor, "wb"), encoding="utf-8", errors="replace", newline="")
        self._since = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether what was written waits until the terminal has taken what came before."""
        since = self._since
        return since > 0 and time.monotonic() - since > BEHIND_SECONDS

    def write(self, text: str, /) -> int:
        """Write, as long as it takes."""
        self._since = time.monotonic()
        try:
            return super().write(text)
        finally:
            self._since = 0.0

    def flush(self) -> None:
        """Hand everything over, as long as it takes."""
        self._since = time.monotonic()
        try:
            super().flush()
        finally:
            self._since = 0.0
