"""What waits to be told to a workflow."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import Job
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event

_OF_ANY_RUN = frozenset({"signalled", "updated", "cancel_requested"})
"""Jobs that are not about something that a run had asked for."""


@dataclass(slots=True)
class Note:
    """A job for the workflow, with the events that go with it."""

    job: Job
    events: Sequence[Event] = ()
    taken: Callable[[], None] | None = None
    """Called once it is in the journal, or is known to be there already."""

    def is_taken(self) -> None:
        """It is in the journal."""
        if self.taken is not None:
            self.taken()


def command_of(job: Job) -> str:
    """The command that brought a job, empty where none did."""
    return job.signalled.command_id or job.updated.command_id or job.cancel_requested.command_id


class Inbox:
    """Notes in the order in which they came."""

    def __init__(self) -> None:
        self._notes: deque[Note] = deque()

    @property
    def waits(self) -> bool:
        """Whether there is something."""
        return bool(self._notes)

    def put(self, note: Note) -> None:
        """Add one."""
        self._notes.append(note)

    def put_first(self, note: Note) -> None:
        """Add one before all others."""
        self._notes.appendleft(note)

    def next(self, is_new: Callable[[Job], bool]) -> list[Note]:
        """Take what is told in one activation: an update, which may be refused without a trace, or all that comes before the next.

        What is not `is_new` is passed over.
        """
        found: list[Note] = []
        while self._notes and not (found and self._notes[0].job.HasField("updated")):
            note = self._notes.popleft()
            if not is_new(note.job):
                note.is_taken()
                continue
            found.append(note)
            if note.job.HasField("updated"):
                break
        return found

    def keep_what_outlives_a_run(self) -> None:
        """Forget what only the run that is over could be told."""
        self._notes = deque(note for note in self._notes if note.job.WhichOneof("job") in _OF_ANY_RUN)
