"""What a command prints, as an editor is shown it: text, its end where it is long."""

from stigmer_tui.cli.terminal_text import SEQUENCE
from stigmer_tui.text import safe

MOST_BYTES = 16 * 1024
"""Of a command's output, from its end: each update carries the whole of it again."""


class Output:
    """The last bytes of one command's terminal."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._left_out = 0
        self.changed = False
        """Whether something came since it was last shown."""

    def add(self, data: bytes) -> None:
        """More of it."""
        self._data += data
        over = len(self._data) - MOST_BYTES
        if over > 0:
            del self._data[:over]
            self._left_out += over
        self.changed = True

    def text(self) -> str:
        """What to show now."""
        self.changed = False
        plain = SEQUENCE.sub(b"", bytes(self._data)).replace(b"\r\n", b"\n").decode("utf-8", "replace")
        shown = safe(plain, lines=True)
        if self._left_out:
            return f"({self._left_out} bytes before this are left out)\n{shown}"
        return shown
