"""A terminal's bytes on their way into events: at once when it was quiet, else every few milliseconds."""

import asyncio
from collections.abc import Callable, Sequence

WINDOW_SECONDS = 0.02
"""While output goes on, it is handed over this often."""
PIECE_BYTES = 64 * 1024
"""As much is handed over without waiting, and no piece is larger."""


class OutputCoalescer:
    """Takes bytes as they come and hands them over in pieces, in order, unchanged."""

    def __init__(self, hand_over: Callable[[Sequence[bytes]], None]) -> None:
        self._hand_over = hand_over
        self._held = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self.total = 0
        """Bytes taken so far."""

    def take(self, data: bytes) -> None:
        """More output."""
        self.total += len(data)
        self._held += data
        if self._timer is None:
            self._window()
        elif len(self._held) >= PIECE_BYTES:
            self._hand_over(self._pieces(len(self._held) // PIECE_BYTES * PIECE_BYTES))

    def flush(self) -> None:
        """Hand over everything now."""
        if self._held:
            self._hand_over(self._pieces(len(self._held)))

    def close(self) -> list[bytes]:
        """The end of the terminal: what is still held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return self._pieces(len(self._held))

    def _pieces(self, size: int) -> list[bytes]:
        """Take the first `size` bytes of what is held out."""
        with memoryview(self._held) as held:
            pieces = [bytes(held[start : min(start + PIECE_BYTES, size)]) for start in range(0, size, PIECE_BYTES)]
        del self._held[:size]
        return pieces

    def _window(self) -> None:
        """Hand over what is held, and look again after the window; an idle window ends the series."""
        self._timer = None
        if self._held:
            self._timer = asyncio.get_running_loop().call_later(WINDOW_SECONDS, self._window)
            self.flush()
