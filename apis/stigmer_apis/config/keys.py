"""A setting that is a section with names of its own: keys of actions, which are known to the workstation alone."""

from typing import NamedTuple


class KeyEntry(NamedTuple):
    """The keys of one action, as the file has them."""

    action_id: str
    keys: str
    line: int
    """In the file, from 1."""


class KeyTable(NamedTuple):
    """Entries, in the file's order."""

    entries: tuple[KeyEntry, ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"{entry.action_id}: {entry.keys}" for entry in self.entries)
