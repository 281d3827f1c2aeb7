"""Who is paused while the daemon does not keep up."""

from dataclasses import dataclass, field

from stigmer_runner.link.pressure import Pressure


@dataclass(eq=False)
class Holder:
    """Holds what it is told to."""

    held_bytes: int = 0
    told: list[bool] = field(default_factory=list[bool])

    def set_paused(self, paused: bool) -> None:
        """Note it."""
        self.told.append(paused)

    def hold(self, pressure: Pressure, held: int) -> None:
        """Hold so many bytes from now on."""
        self.held_bytes = held
        pressure.changed(self)


def test_paused_past_the_limit_and_resumed_below_half_of_it() -> None:
    pressure, holder = Pressure(100), Holder()
    pressure.join(holder)
    for held in (50, 100):
        holder.hold(pressure, held)
    assert holder.told == []
    for held in (101, 150, 101, 60, 51):
        holder.hold(pressure, held)
    assert holder.told == [True]
    for held in (50, 80, 100):
        holder.hold(pressure, held)
    assert holder.told == [True, False]
    holder.hold(pressure, 101)
    assert holder.told == [True, False, True]


def test_the_limit_is_shared() -> None:
    pressure, first, second = Pressure(100), Holder(), Holder()
    pressure.join(first)
    first.hold(pressure, 60)
    pressure.join(second)
    first.hold(pressure, 61)
    second.hold(pressure, 40)
    assert (first.told, second.told) == ([True], [])
    assert pressure.held_bytes == 101
    second.held_bytes = 0
    pressure.leave(second)
    first.hold(pressure, 50)
    assert first.told == [True, False]


def test_a_paused_one_that_leaves_is_resumed() -> None:
    pressure, holder = Pressure(100), Holder()
    pressure.join(holder)
    holder.hold(pressure, 200)
    pressure.leave(holder)
    assert holder.told == [True, False]
    holder.hold(pressure, 300)
    assert holder.told == [True, False]
