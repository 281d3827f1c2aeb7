"""How much the runner holds that the daemon has not made durable yet, and who is paused for it."""

from typing import Protocol

LIMIT_BYTES = 16 * 1024 * 1024
"""Bytes held in all before children are paused."""


class Held(Protocol):
    """Somebody who holds bytes."""

    @property
    def held_bytes(self) -> int:
        """How many."""
        ...

    def set_paused(self, paused: bool) -> None:
        """Make no more of them for now, or again."""
        ...


class Pressure:
    """Pauses whoever holds more than a fair share of the limit, until it holds less than half of that.

    What an engine has to say is never refused; only terminals are paused.
    """

    def __init__(self, limit: int = LIMIT_BYTES) -> None:
        self._limit = limit
        self._paused: dict[Held, bool] = {}

    @property
    def held_bytes(self) -> int:
        """Bytes held in all."""
        return sum(each.held_bytes for each in self._paused)

    def join(self, held: Held) -> None:
        """Somebody new, who holds nothing yet."""
        self._paused[held] = False

    def leave(self, held: Held) -> None:
        """Somebody is done; what they held is gone. Others have more room now."""
        if self._paused.pop(held, False):
            held.set_paused(False)
        for other in list(self._paused):
            self.changed(other)

    def changed(self, held: Held) -> None:
        """`held` holds more or less than before."""
        paused = self._paused.get(held)
        if paused is None:
            return
        share = self._limit / len(self._paused)
        too_much = held.held_bytes > (share / 2 if paused else share)
        if too_much != paused:
            self._paused[held] = too_much
            held.set_paused(too_much)
