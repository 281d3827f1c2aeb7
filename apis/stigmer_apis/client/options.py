"""How a client behaves."""

from dataclasses import dataclass

from stigmer_apis.protocol import WATCHDOG_SECONDS


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Times, all in seconds."""

    call_timeout: float = 30.0
    """The longest that the server may take for one answer."""
    patience: float = 10.0
    """How long a call is tried again while nobody answers. Streams are tried again for as long as they are read."""
    first_delay: float = 0.1
    """Before the first new try."""
    longest_delay: float = 0.5
    """Before later ones: the delay doubles up to here."""
    start_delay: float = 5.0
    """Before a server that did not come up is started again."""
    watchdog: float = WATCHDOG_SECONDS
    """A tail that is silent for so long is opened again."""
    greeting_timeout: float = 5.0
    """The longest that the server may take to say who it is."""
    daemon_command: tuple[str, ...] = ()
    """The program that is started where no server runs; empty for the installed one."""
    start_timeout: float = 20.0
    """The longest that a server may take to start."""


class Backoff:
    """Delays between tries: each twice the one before, up to the longest."""

    def __init__(self, options: ClientOptions) -> None:
        self._options = options
        self._next = options.first_delay

    def reset(self) -> None:
        """It worked: begin again with the shortest."""
        self._next = self._options.first_delay

    def delay(self) -> float:
        """Seconds to wait before the next try."""
        delay = self._next
        self._next = min(2 * delay, self._options.longest_delay)
        return delay
