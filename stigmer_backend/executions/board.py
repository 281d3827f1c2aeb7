"""Which executions changed, in the order in which they last did: what Watch reads. Cursors over a ring, no queue per reader."""

from dataclasses import dataclass

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_backend.executions.tasks import Bell

BOOT_SHIFT = 40
"""A revision is the number of the daemon's start, and below it a count: another start's revisions are recognised."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed after some revision."""

    revision: int
    """Everything up to here is told."""
    changed: tuple[str, ...]
    """Ids of executions that are new or changed, the longest ago first."""
    removed: tuple[str, ...]
    """Ids of executions that are gone."""


class Board:
    """The revisions of executions since the daemon's start."""

    def __init__(self, boot: int, total: int, history: int, unseen: int = 0) -> None:
        self._base = boot << BOOT_SHIFT
        self._count = 0
        self._floor = 0
        self._history = history
        self._changed: dict[str, int] = {}
        self._removed: set[str] = set()
        self._ended: dict[str, bytes] = {}
        self._bell = Bell()
        self.total = total
        """How many executions there are."""
        self.unseen = unseen
        """How many failed and were not seen."""

    @property
    def revision(self) -> int:
        """The newest revision."""
        return self._base + self._count

    def knows(self, revision: int) -> bool:
        """Whether all changes after `revision` are still known."""
        return self._base + self._floor <= revision <= self.revision

    def touch(self, execution_id: str) -> None:
        """An execution changed."""
        self._changed.pop(execution_id, None)
        self._count += 1
        self._changed[execution_id] = self._count
        if len(self._changed) > self._history:
            self._forget_oldest()
        self._bell.ring()

    def add(self, execution_id: str) -> None:
        """An execution is new."""
        self.total += 1
        self._removed.discard(execution_id)
        self.touch(execution_id)

    def end(self, execution_id: str, summary: ExecutionSummary) -> None:
        """An execution ended: `summary` is what it stays at."""
        self._ended[execution_id] = summary.SerializeToString()
        self.touch(execution_id)

    def set_unseen(self, unseen: int) -> None:
        """So many failures were not seen by now. It is a change of the board, though of no execution."""
        if unseen != self.unseen:
            self.unseen = unseen
            self._count += 1
            self._bell.ring()

    def remove(self, execution_id: str) -> None:
        """An execution is gone."""
        self.total -= 1
        self._ended.pop(execution_id, None)
        self._removed.add(execution_id)
        self.touch(execution_id)

    def ended(self, execution_id: str) -> ExecutionSummary | None:
        """The row of an execution that ended since the start and is remembered."""
        row = self._ended.get(execution_id)
        return None if row is None else ExecutionSummary.FromString(row)

    def since(self, revision: int) -> Changes:
        """What changed after `revision`. Costs as much as it answers."""
        after = revision - self._base
        fresh: list[str] = []
        for execution_id in reversed(self._changed):
            if self._changed[execution_id] <= after:
                break
            fresh.append(execution_id)
        fresh.reverse()
        return Changes(
            self.revision,
            tuple(one for one in fresh if one not in self._removed),
            tuple(one for one in fresh if one in self._removed),
        )

    async def wait_beyond(self, revision: int) -> None:
        """Wait until something changed after `revision`."""
        while self.revision <= revision:
            await self._bell.wait()

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._changed))
        self._floor = self._changed.pop(oldest)
        self._ended.pop(oldest, None)
        self._removed.discard(oldest)
        self._removed.discard(oldest)
