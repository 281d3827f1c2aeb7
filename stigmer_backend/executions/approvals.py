"""What a person approved for all of a session. It is kept with the session and goes along with each execution that a runner is given."""

import hashlib
from collections.abc import Callable, Sequence

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Approval, ApprovalRequested
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import SessionApproval
from stigmer_apis.errors import NotFound
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.runs import ground_of
from stigmer_backend.resources.kinds import SESSIONS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.removal import SESSION_APPROVALS
from stigmer_backend.store import StateRead, StateWrite, Store

MOST = 1000
"""Approvals of one session; the oldest make room."""
_SUMMARY_CHARACTERS = 400


def approvals_of(state: StateRead, session_id: str) -> list[SessionApproval]:
    """What holds in a session, the oldest first."""
    rows = state.page(SESSION_APPROVALS, session_id, limit=MOST, newest_first=False)
    records = [state.get(SESSION_APPROVALS, row.id) for row in rows]
    return [SessionApproval.FromString(record.data) for record in records if record is not None]


class SessionApprovals:
    """Keeps them. `micros` gives microseconds since 1970."""

    def __init__(self, store: Store, micros: Callable[[], int]) -> None:
        self._store = store
        self._micros = micros

    async def keep(
        self, live: LiveExecution, asked: ApprovalRequested, approval: Approval.ValueType, author: str
    ) -> str:
        """Note what a person decides for the session about `asked`; its id, the same for the same decision. Empty where it is for this once."""
        given = _given(live, asked, approval, author, self._micros())
        if given is None:
            return ""
        session_id = ground_of(live.execution)

        def change(state: StateWrite) -> None:
            if state.get(SESSION_APPROVALS, given.id) is not None:
                return
            for old in approvals_of(state, session_id)[: -MOST + 1]:
                state.delete(SESSION_APPROVALS, old.id)
            state.put(
                SESSION_APPROVALS,
                given.id,
                given.SerializeToString(),
                created_ns=given.unix_micros * 1000,
                parents=(session_id,),
                summary=b"",
                expected_version=0,
            )

        await self._store.write(change)
        return given.id

    async def list(self, session_id: str) -> Sequence[SessionApproval]:
        """What holds in a session, the oldest first. Raises `NotFound`."""

        def look(state: StateRead) -> list[SessionApproval]:
            find(state, SESSIONS, session_id)
            return approvals_of(state, session_id)

        return await self._store.read_state(look)

    async def revoke(self, session_id: str, approval_id: str) -> Sequence[SessionApproval]:
        """Take one back, or all where none is named; what was taken back. Raises `NotFound`."""

        def change(state: StateWrite) -> list[SessionApproval]:
            find(state, SESSIONS, session_id)
            found = [each for each in approvals_of(state, session_id) if approval_id in ("", each.id)]
            if approval_id and not found:
                raise NotFound(
                    f"the session {session_id} has no approval {approval_id!r}",
                    remedy=f"see which there are: `stigmer session approvals {session_id}`",
                )
            for each in found:
                state.delete(SESSION_APPROVALS, each.id)
            return found

        return await self._store.write(change)

    async def forget(self, approval_id: str) -> None:
        """Take back what came to nothing, where it is there."""

        def change(state: StateWrite) -> None:
            if state.get(SESSION_APPROVALS, approval_id) is not None:
                state.delete(SESSION_APPROVALS, approval_id)

        await self._store.write(change)


def _given(
    live: LiveExecution, asked: ApprovalRequested, approval: Approval.ValueType, author: str, micros: int
) -> SessionApproval | None:
    digest = hashlib.sha256(f"{live.id}\0{asked.call_id}\0{approval}".encode()).hexdigest()
    summary = asked.summary[:_SUMMARY_CHARACTERS]
    given = SessionApproval(
        id=f"apr-{digest[:16]}",
        tool=asked.tool,
        summary=summary,
        author=author,
        unix_micros=micros,
        execution_id=live.id,
    )
    if approval == Approval.APPROVAL_SESSION and asked.grant:
        given.grant = asked.grant
        return given
    if approval == Approval.APPROVAL_PREFIX and asked.prefix and asked.tool:
        given.prefix.extend(asked.prefix)
        return given
    return None
