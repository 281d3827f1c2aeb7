"""From events to status: one pure function, used by the backend and by clients.

    state = empty_fold(execution_id)
    apply_events(state, 1, events)
    status = published_status(state)

Any split of the stream and any point where the state is stored and read again give the same bytes (serialized deterministically). The state is
bounded, whatever the events hold: long texts are cut, and past 2.5 MiB the oldest messages and tool calls are left out and counted. Events keep all.

`Fold` is the same for whoever applies many small batches to one state: it keeps what is growing in buffers and writes it back when the state is
asked for. `apply_events` does that for each batch.

- `machine`: which event does what. `published`: the status as the published interface shows it.
- `workflow`: the tasks of a workflow execution, of which the published status is another.
- `status_update`, `tool_update`, `workflow_update`: from a status that a published runner reports to the events that it means.
- `output`: first and last bytes of an output. `lines`: the last line that says something. `texts`: messages that grow. `bounds`: what is left out.
- `times`: RFC 3339.
"""

from collections.abc import Iterable

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import FoldState
from stigmer_apis.fold.machine import Fold, empty_fold, is_terminal
from stigmer_apis.fold.published import published_status, published_workflow_status
from stigmer_apis.fold.status_update import events_for_status_update
from stigmer_apis.fold.workflow_update import events_for_workflow_update

__all__ = [
    "Fold",
    "apply_events",
    "empty_fold",
    "events_for_status_update",
    "events_for_workflow_update",
    "is_terminal",
    "published_status",
    "published_workflow_status",
]


def apply_events(state: FoldState, first_seq: int, events: Iterable[Event]) -> None:
    """Fold `events`, of which the first has number `first_seq`, into `state`, in place.

    Raises `SequenceGap` where `first_seq` is not the number after `state.seq`; then nothing is changed.
    """
    fold = Fold(state)
    fold.apply(first_seq, events)
    fold.flush()
