"""Stopping a run takes the same key twice within a moment, so that no single slip stops anything."""

from collections.abc import Callable

CONFIRM_SECONDS = 3.0


class StopKey:
    """Remembers the first press."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked_for = ""
        self._asked_at = 0.0

    def press(self, execution_id: str) -> bool:
        """Whether this press is the second one for the same run."""
        now = self._clock()
        confirmed = self._asked_for == execution_id and now - self._asked_at <= CONFIRM_SECONDS
        self._asked_for, self._asked_at = ("", 0.0) if confirmed else (execution_id, now)
        return confirmed

    def waits_for(self, execution_id: str) -> bool:
        """Whether a second press would stop this run now."""
        return self._asked_for == execution_id and self._clock() - self._asked_at <= CONFIRM_SECONDS
