"""How a file of a run gets to the person: whoever speaks with the daemon gives a session this way."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class HandedFile:
    """A file as it is handed over."""

    name: str
    """For the person; no path."""
    media_type: str
    call_id: str
    read: Callable[[], AsyncIterator[bytes]]
    """Its bytes from the beginning, each time it is called. What it raises ends the handing over, and nothing is kept."""


@dataclass(frozen=True)
class KeptFile:
    """A file that is kept."""

    artifact_id: str
    size: int
    """In bytes."""


class HandOver(Protocol):
    """Hands a file over."""

    async def __call__(self, file: HandedFile) -> KeptFile:
        """Do it. Raises `RefusedByDaemon` with the daemon's words, `LeaseLost`, and what reading raises."""
        ...
