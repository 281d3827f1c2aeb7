"""Lists for resources that were stored before there were such lists: made at the start, some hundreds in a transaction, from where a stop left it."""

from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_backend.resources.kinds import EXECUTIONS, KINDS, WORKFLOW_EXECUTIONS, AnyKind
from stigmer_backend.resources.listing_keys import relisted, row_summary
from stigmer_backend.resources.workflow_executions import summary_of_old
from stigmer_backend.store import StateWrite, Store

LISTING = 2
"""The newest set of lists. 0 had those of what a resource belongs to alone; 1 showed workflow executions by their name."""

_KEY = "resources.listing"
_PLACE_KEY = f"resources.listing.place.{LISTING}"
_ROWS = 500


async def bring_lists_up_to_date(store: Store) -> None:
    """Return when each resource stands in all of its lists. At once where it does."""
    while not await store.write(_next_step):
        pass


def _next_step(state: StateWrite) -> bool:
    """List some more; True when there are no more. The place is written down in the same transaction: a number of a kind, and a row's key."""
    listed = int.from_bytes(state.get_meta(_KEY) or b"")
    if listed >= LISTING:
        return True
    kinds: tuple[AnyKind, ...] = (WORKFLOW_EXECUTIONS,) if listed else KINDS
    place = state.get_meta(_PLACE_KEY) or b"\0"
    number, after = place[0], place[1:]
    if number == len(kinds):
        state.put_meta(_KEY, LISTING.to_bytes(4))
        return True
    kind = kinds[number]
    rows = state.page(kind.table, after=after or None, limit=_ROWS)
    for row in rows:
        _list_anew(state, kind, row.id, row.summary)
    following = bytes((number,)) + rows[-1].key if rows else bytes((number + 1,))
    state.put_meta(_PLACE_KEY, following)
    return False


def _list_anew(state: StateWrite, kind: AnyKind, resource_id: str, summary: bytes) -> None:
    record = state.get(kind.table, resource_id)
    if record is None:
        return
    resource = kind.decode(record.data)
    parents = relisted(record.parents, resource)
    if kind.number == EXECUTIONS.number:
        shown = summary
    elif isinstance(resource, WorkflowExecution):
        shown = summary_of_old(resource, record.created_ns).SerializeToString()
    else:
        shown = row_summary(record.slug)
    if parents != record.parents or shown != summary:
        state.relist(kind.table, resource_id, parents, shown)
