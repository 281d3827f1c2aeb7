"""Notices, after a moment of silence, that a program in a terminal waits for a person."""

import asyncio
from collections.abc import Callable

from stigmer_runner.sandbox import InputWait, RunningCommand

SILENCE_SECONDS = 1.0
"""How long a terminal must be silent before it is asked what it waits for, and how often then where it waits for a person."""

RARE_SECONDS = 30.0
"""How often it is asked at least where it does not: as long after the last time as it was silent then, and no longer than this."""

KEY_SILENCE_SECONDS = 4.0
"""The same for single keys: many a program that shows something anew every few seconds would take one."""


class InputWatch:
    """Asks a silent terminal what it waits for. `raised` is told once each time it starts to wait for a person, `cleared`
    when it does not any more. `silence` is in seconds. A wait for single keys (a pager, an editor) counts only with `keys`: a person who
    started such a program sees it."""

    def __init__(
        self,
        command: RunningCommand,
        raised: Callable[[InputWait], None],
        cleared: Callable[[], None],
        *,
        silence: float = SILENCE_SECONDS,
        keys: bool = False,
    ) -> None:
        self._keys = keys
        self._command = command
        self._raised = raised
        self._cleared = cleared
        self._silence = silence
        self._waits: InputWait | None = None
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._timer = self._loop.call_later(silence, self._look)

    def heard(self) -> None:
        """The terminal said something."""
        self._heard = self._loop.time()
        self._now_waits_for(None)

    def close(self) -> None:
        """The command is over."""
        self._timer.cancel()
        self._now_waits_for(None)

    def _look(self) -> None:
        left = self._heard + self._silence - self._loop.time()
        if left <= 0:
            waits = self._command.waiting_for()
            self._now_waits_for(waits if waits is not InputWait.KEY or self._counts_keys() else None)
            silent = self._loop.time() - self._heard
            left = self._silence if self._waits is not None else min(max(silent, self._silence), RARE_SECONDS)
        self._timer = self._loop.call_later(left, self._look)

    def _counts_keys(self) -> bool:
        return self._keys and self._loop.time() >= self._heard + KEY_SILENCE_SECONDS

    def _now_waits_for(self, waits: InputWait | None) -> None:
        if waits is self._waits:
            return
        if self._waits is not None:
            self._cleared()
        self._waits = waits
        if waits is not None:
            self._raised(waits)
