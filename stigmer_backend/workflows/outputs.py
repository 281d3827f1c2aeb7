"""What a workflow execution answered, whole: the status shows of a long one no more than its size."""

from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.executions.event_batches import decode_events
from stigmer_backend.store import Store, UnknownExecution
from stigmer_backend.workflows.inputs import as_json

_LAST_EVENTS = 64
"""Before the end of an execution: its output is among them."""
_READ_BYTES = 16 << 20


async def output_of(store: Store, execution_id: str) -> str:
    """A JSON text; `null` where there is none. Raises `FailedPrecondition` for one that was too long to be kept."""
    try:
        after = max(0, await store.head(execution_id) - _LAST_EVENTS)
        found = "null"
        while batches := await store.read(execution_id, after, _READ_BYTES):
            for batch in batches:
                for event in decode_events(batch.body):
                    if event.HasField("workflow_output"):
                        output = event.workflow_output.output
                        if set(output.struct_value.fields) == {"$cut"}:
                            size = int(output.struct_value.fields["$cut"].number_value)
                            raise FailedPrecondition(
                                f"the output of {execution_id} has {size:,} bytes: that is more than is handed on",
                                remedy="write it to a file, and give the file's name",
                            )
                        found = as_json(output)
                after = batch.last_seq
        return found
    except UnknownExecution:
        return "null"
