"""What the daemons on one database know of each other. Filled by the store's own threads, read from any.

Each daemon writes every second who it is and how it is reached. Whoever leads has a key of its epoch in the database too, by which the others
prove that they have the database as well.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Presence:
    """What a daemon says of itself."""

    host: str
    """Its machine's name."""
    pid: int
    version: str
    home: str
    """Its directory there."""
    machine: str = ""
    """Tells its machine from others, also from one that boots anew."""
    socket: str = ""
    """Path of the socket for daemons of the same machine; empty as long as it does not listen there."""
    address: str = ""
    """HOST:PORT for daemons of other machines; empty where there is none."""
    only_address: bool = False
    """Whether `address` is to be used on the same machine as well."""
    fingerprint: str = ""
    """SHA-256, in hexadecimal, of the authority that signed what is shown at `address`; empty for one that every machine trusts."""

    @property
    def name(self) -> str:
        """For a person."""
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True, slots=True)
class Seen:
    """A daemon, as the database tells of it."""

    id: str
    presence: Presence
    leads: bool
    silent_seconds: float
    """Since it last wrote."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Who writes the database now."""

    epoch: int
    """Grows with each one."""
    key: bytes = field(repr=False)
    """By which peers prove to it that they have the database."""
    incarnation: str
    """The store's."""
    presence: Presence


@dataclass(slots=True)
class Roll:
    """One daemon's view of all of them."""

    id: str
    """This one's; the same after a restart."""
    presence: Callable[[], Presence]
    """What it says of itself now. Called from the store's threads."""
    lead: Lead | None = None
    """Who leads; None where that is not known yet, or does not say how it is reached."""
    seen: tuple[Seen, ...] = ()
    """All that wrote lately, this one among them."""
