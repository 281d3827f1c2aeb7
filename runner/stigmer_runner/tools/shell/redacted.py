"""A terminal's bytes on their way into events, without the secrets of the run."""

import asyncio
from collections.abc import Callable, Sequence

from stigmer_runner.redaction import RedactingStream
from stigmer_runner.tools.shell.output import OutputCoalescer

IDLE_SECONDS = 0.1
"""After so long without more, the first bytes of what might be a secret leave: most often it is the end of a prompt."""
IDLE_BYTES = 4
"""So many of them: half of the shortest secret. A secret that is written in two goes, with a pause between, tells no more."""


class RedactedOutput:
    """Takes bytes as they come and hands them over in pieces, in order, with secrets replaced; unchanged where the run has none."""

    def __init__(self, stream: RedactingStream, hand_over: Callable[[Sequence[bytes]], None]) -> None:
        self._stream = stream
        self._coalescer = OutputCoalescer(hand_over)
        self._idle: asyncio.TimerHandle | None = None

    @property
    def total(self) -> int:
        """Bytes that left, or are about to."""
        return self._coalescer.total

    def take(self, data: bytes) -> None:
        """More output."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        self._pass(self._stream.feed(data))
        if self._stream.holding:
            self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._look)

    def flush(self, *, waits: bool = False) -> None:
        """Hand over everything that may leave, now; where the program `waits` for a person, what might have become a secret too."""
        if waits:
            self._pass(self._stream.release())
        self._coalescer.flush()

    def close(self) -> list[bytes]:
        """The end of the terminal: what is still held."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        self._pass(self._stream.close())
        return self._coalescer.close()

    def _look(self) -> None:
        self._idle = None
        self._pass(self._stream.release(IDLE_BYTES))

    def _pass(self, data: bytes) -> None:
        if data:
            self._coalescer.take(data)
