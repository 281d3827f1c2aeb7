"""The clock of playing a run again: how far it goes in so much real time. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from stigmer_tui.moments.timeline import Moment, Timeline

SPEEDS = (1, 2, 4, 8, 16, 32, 64, 100)
IDLE_MICROS = 1_000_000
"""Longer than this without an event is idle; so much of it is left where it is passed over."""


@dataclass(slots=True)
class Player:
    """Where playing stands in the run's own time."""

    timeline: Timeline
    now: Callable[[], float]
    """Seconds of any clock that only goes forward."""
    playing: bool = False
    skip_idle: bool = True
    speed: int = SPEEDS[0]
    micros: int = 0
    _then: float = 0.0

    def start(self, moment: Moment) -> None:
        """Play on from a moment."""
        self.playing, self.micros, self._then = True, moment.micros, self.now()

    def change_speed(self, steps: int) -> None:
        """Faster, or slower for a negative number."""
        place = SPEEDS.index(self.speed) + steps
        self.speed = SPEEDS[max(0, min(place, len(SPEEDS) - 1))]

    def advance(self) -> Moment:
        """The moment that is due now. At the end of the run it plays no longer."""
        now = self.now()
        self.micros += round((now - self._then) * 1e6 * self.speed)
        self._then = now
        moment = self.timeline.at(self.micros)
        following = self.timeline.following(moment)
        if following is None:
            self.playing = False
            self.micros = moment.micros
        elif self.skip_idle and following.micros - self.micros > IDLE_MICROS * self.speed:
            self.micros = following.micros - IDLE_MICROS * self.speed // 2
        return moment
