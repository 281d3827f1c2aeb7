"""The streams and the list of the scripted backend, as a client of the daemon sees them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.execution.v1 import execution_service_pb2 as es
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis._generated.stigmer.terminal.v1.attach_pb2 import AttachRequest, AttachResponse
from stigmer_apis.errors import FailedPrecondition, InvalidArgument
from stigmer_apis.protocol import DEFAULT_PAGE_SIZE
from tests.support.scripted_board import in_order

if TYPE_CHECKING:
    from tests.support.scripted_backend import ScriptedBackend, ScriptedExecution, Terminal

BATCH_EVENTS = 16
"""The most events in one batch of a tail."""


def list_executions(backend: "ScriptedBackend", request: es.ListExecutionsRequest) -> es.ListExecutionsResponse:
    """A page. Its token is the id of the last row, so that it stays right while rows are added."""
    executions = list(backend.executions.values())
    if not request.oldest_first:
        executions.reverse()
    rows = in_order(request, [row for e in executions if _matches(request.filter, row := backend.row(e))])
    begin = request.skip
    if request.page_token:
        places = [index for index, row in enumerate(rows) if row.execution_id == request.page_token]
        begin += places[0] + 1 if places else 0
    end = begin + (request.page_size or DEFAULT_PAGE_SIZE)
    page = rows[begin:end]
    return es.ListExecutionsResponse(
        executions=page,
        next_page_token=page[-1].execution_id if page and end < len(rows) else "",
        total=len(rows),
        revision=backend.revision,
        total_unfiltered=len(executions),
        unseen=_unseen(backend),
    )


def _matches(wanted: es.ExecutionFilter, row: ExecutionSummary) -> bool:
    text = wanted.text.lower()
    searched = (row.subject, row.last_line, row.agent_name, row.execution_id, row.error)
    return (
        (not wanted.phases or row.phase in wanted.phases)
        and wanted.session_id in ("", row.session_id)
        and wanted.agent in ("", row.agent_id, row.agent_name)
        and (not text or any(text in part.lower() for part in searched))
        and (not wanted.needs_attention or row.attention_count > 0)
        and (not wanted.unseen or row.unseen)
        and all(row.labels.get(key) == value for key, value in wanted.labels.items())
    )


def _unseen(backend: "ScriptedBackend") -> int:
    return sum(1 for execution in backend.executions.values() if backend.row(execution).unseen)


async def watch(backend: "ScriptedBackend", request: es.WatchRequest) -> AsyncGenerator[es.WatchResponse, None]:
    """Rows that changed after the asked revision, then rows as they change."""
    revision = request.after_revision or backend.revision
    with backend.changes() as changed:
        if not backend.oldest_revision <= revision <= backend.revision:
            revision = backend.revision
            yield es.WatchResponse(
                revision=revision, reset=True, total=len(backend.executions), unseen=_unseen(backend)
            )
        while True:
            changed.clear()
            if revision < backend.revision and not backend.mute:
                rows = [backend.row(e) for e in backend.executions.values() if e.revision > revision]
                gone = [key for key, when in backend.removed.items() if when > revision]
                revision = backend.revision
                yield es.WatchResponse(
                    revision=revision,
                    changed=rows,
                    removed=gone,
                    total=len(backend.executions),
                    unseen=_unseen(backend),
                )
            await changed.wait()


def tail(backend: "ScriptedBackend", request: es.TailRequest) -> AsyncGenerator[es.TailResponse, None]:
    """Events after the cursor, then events as they come; as the script mangles them."""
    frames = _tail(backend, request)
    return frames if backend.mangle_tail is None else backend.mangle_tail(backend, request, frames)


async def _tail(backend: "ScriptedBackend", request: es.TailRequest) -> AsyncGenerator[es.TailResponse, None]:
    execution = backend.get(request.execution_id)
    incarnation, seq = backend.incarnation, request.cursor.after_seq
    known = request.cursor.incarnation in ("", incarnation)
    with backend.changes() as changed:
        if not known or seq > len(execution.events) or seq + 1 < execution.first_available:
            seq = execution.first_available - 1
            yield es.TailResponse(reset=_reset(execution, incarnation))
        elif not seq and request.last_bytes and (first := _window(execution.events, request.last_bytes)) > 1:
            seq = first - 1
            yield es.TailResponse(reset=_held_back(execution, incarnation, first))
        while True:
            changed.clear()
            execution = backend.get(request.execution_id)
            if backend.incarnation != incarnation:
                incarnation, seq = backend.incarnation, execution.first_available - 1
                yield es.TailResponse(reset=_reset(execution, incarnation))
            while seq < len(execution.events) and not backend.mute:
                events = execution.events[seq : seq + BATCH_EVENTS]
                body = ev.EventBatch(events=events).SerializeToString()
                yield es.TailResponse(
                    batch=es.TailResponse.Batch(first_seq=seq + 1, events=body, incarnation=incarnation)
                )
                seq += len(events)
            if not backend.mute:
                if execution.ended and seq == len(execution.events):
                    yield es.TailResponse(end=es.TailResponse.End(final_seq=seq, phase=execution.fold.phase))
                    return
                if not request.follow:
                    yield _heartbeat(seq, incarnation)
                    return
            try:
                async with asyncio.timeout(None if backend.mute else backend.heartbeat):
                    await changed.wait()
            except TimeoutError:
                yield _heartbeat(seq, incarnation)


async def attach(
    backend: "ScriptedBackend", requests: AsyncIterator[AttachRequest]
) -> AsyncGenerator[AttachResponse, None]:
    """A person at the terminal that runs now; what they type is in `backend.terminals`."""
    opening = await anext(requests)
    if opening.WhichOneof("frame") != "open":
        raise InvalidArgument("the first frame must open the session")
    execution = backend.get(opening.open.execution_id)
    terminal_id = opening.open.terminal_id or next(iter(execution.fold.state().terminals), "")
    call_id = execution.fold.state().terminals.get(terminal_id)
    if call_id is None:
        raise FailedPrecondition("no terminal is running", remedy="send a line first")
    terminal = backend.attached(opening.open.execution_id, terminal_id)
    terminal.size = opening.open.columns, opening.open.rows
    backend.emit(terminal.execution_id, ev.Event(terminal_attached=ev.TerminalAttached(terminal_id=terminal_id)))
    yield AttachResponse(attached=_attached(execution, terminal_id, call_id))
    reader = asyncio.create_task(_take(requests, terminal))
    ender = asyncio.create_task(_until_ended(backend, terminal))
    try:
        await asyncio.wait({reader, ender}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        reader.cancel()
        ender.cancel()
        await asyncio.gather(reader, ender, return_exceptions=True)
        detached = ev.TerminalDetached(terminal_id=terminal_id, reason=terminal.reason)
        backend.emit(terminal.execution_id, ev.Event(terminal_detached=detached))
    ended = terminal_id not in execution.fold.state().terminals
    if ended or terminal.ended:
        reason = terminal.reason or "the command ended"
        yield AttachResponse(ended=AttachResponse.Ended(reason=reason, command_ended=ended))


async def _take(requests: AsyncIterator[AttachRequest], terminal: "Terminal") -> None:
    async for request in requests:
        match request.WhichOneof("frame"):
            case "input":
                terminal.input += request.input.data
            case "resize":
                terminal.size = request.resize.columns, request.resize.rows
            case _:
                return


async def _until_ended(backend: "ScriptedBackend", terminal: "Terminal") -> None:
    with backend.changes() as changed:
        execution = backend.get(terminal.execution_id)
        while not terminal.ended and terminal.terminal_id in execution.fold.state().terminals:
            changed.clear()
            await changed.wait()


def _attached(execution: "ScriptedExecution", terminal_id: str, call_id: str) -> AttachResponse.Attached:
    started = 0
    title = ""
    for seq, event in enumerate(execution.events, 1):
        if event.tool_call_started.terminal_id == terminal_id:
            started = seq
        if event.tool_call_requested.call_id == call_id:
            title = event.tool_call_requested.args.fields["command"].string_value
    return AttachResponse.Attached(terminal_id=terminal_id, started_seq=started, call_id=call_id, title=title)


def _heartbeat(seq: int, incarnation: str) -> es.TailResponse:
    return es.TailResponse(heartbeat=es.TailResponse.Heartbeat(head_seq=seq, incarnation=incarnation))


def _window(events: Sequence[ev.Event], size: int) -> int:
    """The first event of the last `size` bytes."""
    first = len(events) + 1
    while first > 1 and size > 0:
        first -= 1
        size -= events[first - 1].ByteSize()
    return first


def _held_back(execution: "ScriptedExecution", incarnation: str, first: int) -> es.TailResponse.Reset:
    beginning = ev.EventBatch(events=execution.events[:1]).SerializeToString()
    return es.TailResponse.Reset(
        first_available=first,
        incarnation=incarnation,
        snapshot=execution.fold.state(),
        held_back=first - 1,
        beginning=beginning,
    )


def _reset(execution: "ScriptedExecution", incarnation: str) -> es.TailResponse.Reset:
    return es.TailResponse.Reset(
        first_available=execution.first_available, incarnation=incarnation, snapshot=execution.snapshot
    )
