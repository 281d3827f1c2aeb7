"""The end of a long run: where to begin reading it, and what stands there that began before.

It costs what it shows: a long run is opened as fast as a short one, and an old one as a new one.
"""

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ToolCallStatus
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import TailResponse
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary, FoldState
from stigmer_backend.executions.event_batches import decode_events, encode_events
from stigmer_backend.executions.registry import Registry
from stigmer_backend.executions.runs import run_kind
from stigmer_backend.store import Store, StoreDamaged

_BEGINNINGS = frozenset({"message_started", "tool_call_requested", "model_call_started", "workflow_task_started"})
"""Where a window begins rather than in the middle of something."""
_OPEN = (ToolCallStatus.TOOL_CALL_PENDING, ToolCallStatus.TOOL_CALL_RUNNING)


async def window(store: Store, registry: Registry, execution_id: str, last_bytes: int) -> TailResponse.Reset | None:
    """How to begin with the last `last_bytes` of an execution's events; None where that is all of them. Raises `UnknownExecution`.

    None too where a damaged disk has lost some of what is asked for: a reader from the first event on is told all that comes before it.
    """
    stands = await _standing(store, registry, execution_id)
    try:
        first = min(await _first_in(store, execution_id, last_bytes), max(1, stands.seq))
        beginning = await _beginning(store, execution_id) if first > 2 else b""
    except StoreDamaged:
        return None
    if first <= 2:
        return None
    return TailResponse.Reset(
        first_available=first,
        incarnation=store.incarnation,
        snapshot=stands,
        held_back=first - 1,
        beginning=beginning,
    )


async def _first_in(store: Store, execution_id: str, last_bytes: int) -> int:
    """The first event of the window: what is stored together is gone back through, from the end."""
    first, room = await store.head(execution_id) + 1, last_bytes
    body = b""
    while first > 1 and room > 0:
        batches = await store.read(execution_id, first - 2, 1)
        if not batches:
            break
        first, body = batches[0].first_seq, batches[0].body
        room -= len(body)
    if first <= 1:
        return 1
    return next(
        (seq for seq, event in enumerate(decode_events(body), first) if event.WhichOneof("body") in _BEGINNINGS), first
    )


async def _beginning(store: Store, execution_id: str) -> bytes:
    batches = await store.read(execution_id, 0, 1)
    return encode_events(decode_events(batches[0].body)[:1]) if batches else b""


async def _standing(store: Store, registry: Registry, execution_id: str) -> FoldState:
    """The row of an execution; where it lives, also what is open in it."""
    live = registry.get(execution_id)
    if live is None:
        head = await store.head(execution_id)
        stored = await store.read_state(lambda state: state.summary(run_kind(execution_id).table, execution_id))
        row = ExecutionSummary.FromString(stored or b"")
        return FoldState(seq=head, summary=row)
    state = live.state
    stands = FoldState(seq=state.seq, summary=live.summary(), terminals=dict(state.terminals))
    stands.approvals.update(state.approvals)
    stands.questions.update(state.questions)
    stands.status.attention.extend(state.status.attention)
    for call in state.status.tool_calls:
        if call.status in _OPEN:
            kept = stands.status.tool_calls.add(
                id=call.id, name=call.name, status=call.status, started_at=call.started_at
            )
            kept.args.CopyFrom(call.args)
    return stands
