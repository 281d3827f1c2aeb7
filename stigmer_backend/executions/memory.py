"""What a session remembers: its executions that ended, and what a branch shares with the session that it came from."""

from collections.abc import Iterator, Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import ReadSessionMemoryResponse
from stigmer_apis.fold import is_terminal
from stigmer_apis.protocol import MAX_STATUS_BYTES
from stigmer_backend.resources.kinds import AGENTS, EXECUTIONS
from stigmer_backend.resources.removal import SESSION_PAST
from stigmer_backend.store import StateRead, StateWrite

_ROWS = 50


def remembered(state: StateRead, session_id: str, before: str, max_bytes: int = 0) -> list[ReadSessionMemoryResponse]:
    """Executions of a session that ended and are older than `before`, oldest first: the newest that fit into `max_bytes`.

    What the session shares with one that it branched from, or with itself before a message was asked again, comes first. An execution that
    alone is too long is left out, with all older.
    """
    since = _past_since(state, session_id)
    room = max_bytes or MAX_STATUS_BYTES
    found: list[ReadSessionMemoryResponse] = []
    for execution in _newest_first(state, session_id, since):
        if execution.metadata.id == before or not is_terminal(execution.status.phase):
            continue
        told = as_memory(state, execution)
        room -= told.ByteSize()
        if room < 0:
            return found[::-1]
        found.append(told)
    for told in reversed(past_of(state, session_id)):
        room -= told.ByteSize()
        if room < 0:
            break
        found.append(told)
    return found[::-1]


def how_many(state: StateRead, session_id: str, before: str) -> int:
    """About how many there are to remember: at least 1 where there is any."""
    others = state.count(EXECUTIONS.table, session_id) - (state.get(EXECUTIONS.table, before) is not None)
    return max(others, 0) + state.count(SESSION_PAST, session_id)


def as_memory(state: StateRead, execution: AgentExecution) -> ReadSessionMemoryResponse:
    """An execution as it is remembered."""
    agent = state.get(AGENTS.table, execution.spec.agent_id)
    return ReadSessionMemoryResponse(
        execution_id=execution.metadata.id,
        agent_name="" if agent is None else AGENTS.decode(agent.data).metadata.name,
        status=execution.status,
    )


def past_of(state: StateRead, session_id: str) -> list[ReadSessionMemoryResponse]:
    """What a branch shares with the session that it came from, oldest first."""
    rows = state.page(SESSION_PAST, session_id, limit=10_000, newest_first=False)
    records = [state.get(SESSION_PAST, row.id) for row in rows]
    told = [ReadSessionMemoryResponse.FromString(record.data) for record in records if record is not None]
    return [each for each in told if each.execution_id]


def replace_past(state: StateWrite, session_id: str, shared: Sequence[ReadSessionMemoryResponse], at_ns: int) -> None:
    """From here on the session remembers this of what came before, and nothing else of it."""
    for row in state.page(SESSION_PAST, session_id, limit=10_000, newest_first=False):
        state.delete(SESSION_PAST, row.id)
    keep_past(state, session_id, [ReadSessionMemoryResponse(), *shared], at_ns)


def keep_past(state: StateWrite, session_id: str, shared: Sequence[ReadSessionMemoryResponse], at_ns: int) -> None:
    """Note what a branch shares."""
    for number, told in enumerate(shared):
        state.put(
            SESSION_PAST,
            f"{session_id}.{number:06}",
            told.SerializeToString(),
            created_ns=at_ns + number,
            parents=(session_id,),
            summary=b"",
            expected_version=0,
        )


def _past_since(state: StateRead, session_id: str) -> int:
    """When what is kept of the past was noted: executions up to then are in it, or forgotten. 0: nothing is kept."""
    first = state.page(SESSION_PAST, session_id, limit=1, newest_first=False)
    record = state.get(SESSION_PAST, first[0].id) if first else None
    return 0 if record is None else record.created_ns


def _newest_first(state: StateRead, session_id: str, since: int) -> Iterator[AgentExecution]:
    after: bytes | None = None
    while rows := state.page(EXECUTIONS.table, session_id, after, _ROWS):
        for row in rows:
            record = state.get(EXECUTIONS.table, row.id)
            if record is not None and record.created_ns <= since:
                return
            if record is not None:
                yield EXECUTIONS.decode(record.data)
        after = rows[-1].key
