"""A place that can be gone to, and come back to."""

from collections.abc import Callable
from dataclasses import dataclass

from textual.screen import Screen


@dataclass(frozen=True, slots=True)
class Page:
    """Like a page of a browser: what back and forward go to."""

    key: str
    """What it shows: `board`, `library`, `run:ID`, `logs`. Going to the page that is in front does nothing."""
    title: str
    """For the strip of tabs; safe to draw."""
    make: Callable[[], Screen[None]]
    """Makes its screen. Called again where the screen was closed meanwhile."""
    address: str = ""
    """The `:` command that leads here, without the colon; empty where none does. It is kept as the last place."""
    moved: Callable[[], str] | None = None
    """The same of a page that goes on to show something else."""

    @property
    def command(self) -> str:
        """The command that leads to what it shows now."""
        return self.moved() if self.moved is not None else self.address
