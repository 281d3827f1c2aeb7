"""The files that a turn changed, as they were before it."""

from dataclasses import dataclass

from stigmer_runner.tools.files.beneath import Beneath, PathRefused
from stigmer_runner.tools.files.changing import Changed, change, look
from stigmer_runner.tools.files.ledger import Ledger
from stigmer_runner.tools.files.snapshots import Change, Snapshots, SnapshotsBroken

UNDOING = "undo of "
"""Before a turn's message, where the undoing itself is noted."""


@dataclass(frozen=True)
class Undone:
    """What came of it."""

    changed: tuple[Changed, ...]
    """Put back."""
    left: tuple[str, ...]
    """Left alone: changed since by others, or what they were is lost."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Those that were put back."""
        return tuple(each.path for each in self.changed)


def undo(files: Beneath, snapshots: Snapshots, ledger: Ledger, message_id: str) -> Undone:
    """Put back what tools changed in the turn that `message_id` began. A second time changes nothing.

    Raises `SnapshotsBroken` where the turn's changes cannot be read. Blocks.
    """
    spans: dict[str, tuple[Change, Change]] = {}
    for each in snapshots.changes(message_id):
        first, _ = spans.get(each.path, (each, each))
        spans[each.path] = (first, each)
    changed: list[Changed] = []
    left: list[str] = []
    for path, (first, last) in spans.items():
        if first.before == last.after:
            continue
        try:
            made = _put_back(files, snapshots, message_id, first, last)
        except (PathRefused, SnapshotsBroken):
            left.append(path)
            continue
        if made is not None:
            ledger.forget(path)
            changed.append(made)
        elif not _is(files, path, first.before):
            left.append(path)
    return Undone(tuple(changed), tuple(left))


def _put_back(files: Beneath, snapshots: Snapshots, message_id: str, first: Change, last: Change) -> Changed | None:
    """None where the file is not as the turn left it."""
    now = look(files, first.path)
    if (now.content_hash if now else "") != last.after:
        return None
    content = snapshots.content(first.before) if first.before else None
    return change(files, snapshots, f"{UNDOING}{message_id}", first.path, content, now, mode=first.mode or None)


def _is(files: Beneath, path: str, content_hash: str) -> bool:
    try:
        now = look(files, path)
    except PathRefused:
        return False
    return (now.content_hash if now else "") == content_hash
