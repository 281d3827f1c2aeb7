"""Drawing what comes in: at once after a quiet moment, and no more often than the eye follows while much comes."""

import time
from collections.abc import Callable

from textual.message_pump import MessagePump


class Pace:
    """Calls `draw` for what was marked, with `seconds` between two calls at least.

    Where drawing takes long, `longest` lets it wait longer: twice as long as the process worked since the last call, so
    that what is shown never takes more of the machine than what makes it.
    """

    def __init__(self, host: MessagePump, draw: Callable[[], None], seconds: float, longest: float = 0.0) -> None:
        """`host`: in whose turn it is drawn."""
        self._host = host
        self._draw = draw
        self._seconds = self._spacing = seconds
        self._longest = max(longest, seconds)
        self._worked = time.process_time()
        self._due = False
        self._last = 0.0

    def mark(self) -> None:
        """There is something new to draw."""
        if self._due:
            return
        self._due = True
        wait = self._last + self._spacing - time.monotonic()
        if wait > 0:
            self._host.set_timer(wait, self._now)
        else:
            self._host.call_later(self._now)

    def _now(self) -> None:
        self._due = False
        self._last = time.monotonic()
        worked = time.process_time()
        self._spacing = min(max(self._seconds, 2 * (worked - self._worked)), self._longest)
        self._worked = worked
        self._draw()
