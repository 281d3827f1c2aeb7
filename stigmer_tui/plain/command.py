"""What a command of line mode is."""

from collections.abc import Callable
from dataclasses import dataclass

from stigmer_tui.actions.places import Completes
from stigmer_tui.plain.desk import Desk


@dataclass(frozen=True, slots=True)
class PlainCommand:
    """Something that a person can write."""

    name: str
    usage: str
    """What follows the name."""
    help: str
    """A sentence."""
    do: Callable[[Desk, str], None]
    """Called with what follows the name. Raises `CommandRefused` where that means nothing, `StigmerError` where it fails."""
    aliases: tuple[str, ...] = ()
    completes: Completes = Completes.NOTHING
    words: tuple[str, ...] = ()
    """Words that are offered behind the name."""
