"""What an opening found, in words for a person."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cut:
    """The torn end of a file: bytes that were being written when the store stopped, and that nobody was promised."""

    path: Path
    """The file that was cut."""
    offset: int
    """Where."""
    size: int
    """How many bytes were there."""
    kept: Path
    """Where they are now."""

    def __str__(self) -> str:
        return f"{self.path.name}: the last write was not finished; {self.size} bytes from {self.offset} are kept in {self.kept}"


@dataclass(frozen=True, slots=True)
class Damage:
    """A record in the middle of a file that is not what was written. Nothing of it is ever answered; the rest of the file is as it was."""

    path: Path
    offset: int
    """Where its transaction begins."""
    object: bytes
    """Whose record it is."""

    def __str__(self) -> str:
        return f"{self.path.name} is damaged at offset {self.offset} (object {self.object.hex()})."


@dataclass(slots=True)
class RecoveryReport:
    """What opening the store found and did."""

    created: bool = False
    """The store was made now."""
    clean: bool = True
    """It was closed properly the last time."""
    incarnation_changed: bool = False
    """What was shown before may be gone, so that every reader begins anew."""
    replayed_records: int = 0
    """Journal records that were not yet in `events.fs`."""
    completed_births: int = 0
    """Executions whose first event was put into the journal now."""
    cuts: list[Cut] = field(default_factory=list[Cut])
    """Torn ends."""
    damage: list[Damage] = field(default_factory=list[Damage])
    """Records that are not what was written: set apart, never answered. The rest works."""
    damaged_executions: tuple[str, ...] = ()
    """Those with events that are lost: nothing is appended to them."""
    damaged_records: tuple[tuple[str, str], ...] = ()
    """Records that are lost, each with its kind."""
    losses: list[str] = field(default_factory=list[str])
    """What is lost with the damaged records, a sentence each."""
    shared: bool = False
    """The store is a database that other machines reach too."""
    notes: list[str] = field(default_factory=list[str])
    """All else that is worth knowing, one sentence each."""

    def lines(self) -> list[str]:
        """The report, a sentence a line; nothing when all was as it should be."""
        found: list[str] = []
        if self.shared:
            if not self.clean:
                found.append("The daemon that had the database last did not stop in order.")
            if self.incarnation_changed:
                found.append("The database is a copy that was put back: readers start again.")
        elif not self.clean:
            found.append(f"The store was not closed; {self.replayed_records} journal records were taken in again.")
        if self.completed_births:
            found.append(f"{self.completed_births} executions were completed that were being created.")
        if self.incarnation_changed and not self.shared:
            found.append(
                "The machine went down while the store was open: what was shown last may be gone; readers start again."
            )
        return (
            found + [str(damage) for damage in self.damage] + self.losses + [str(cut) for cut in self.cuts] + self.notes
        )

    def mended(self, path: Path) -> None:
        """The file `path`, which was damaged, is out of use: another one without what was damaged has taken its place."""
        if any(damage.path == path for damage in self.damage):
            self.damage = [damage for damage in self.damage if damage.path != path]
            self.losses, self.damaged_executions, self.damaged_records = [], (), ()
