"""What a person does to many executions at once: say that they saw them, label them, delete them."""

from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import (
    DeleteExecutionsRequest,
    DeleteExecutionsResponse,
    LabelExecutionsRequest,
    LabelExecutionsResponse,
    MarkSeenRequest,
    MarkSeenResponse,
    Refused,
)
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import StigmerError
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.deletion import Deletion
from stigmer_backend.executions.registry import Registry, unseen_in
from stigmer_backend.executions.runs import RUN_KINDS, AnyExecution, run_kind
from stigmer_backend.resources.catalogues import Catalogues
from stigmer_backend.resources.listing_keys import UNSEEN_LIST
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.removal import Removed
from stigmer_backend.resources.stamps import Stamp, Stamps
from stigmer_backend.store import StateRead, StateWrite, Store

_ROWS = 200
"""Executions that one transaction changes."""


class Many:
    """Each call changes what it can, and says what it did not and why."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        board: Board,
        catalogues: Catalogues,
        deletion: Deletion,
        stamps: Stamps,
    ) -> None:
        self._store = store
        self._registry = registry
        self._board = board
        self._catalogues = catalogues
        self._deletion = deletion
        self._stamps = stamps

    async def mark_seen(self, request: MarkSeenRequest) -> MarkSeenResponse:
        """Take executions off the list of what was not seen. One that is not on it, or not there, is seen."""
        marked = 0
        for ids in _pieces(request.execution_ids):
            marked += await self._seen(ids)
        while request.all:
            ids = await self._store.read_state(_some_unseen)
            if not ids:
                break
            marked += await self._seen(ids)
        return MarkSeenResponse(marked=marked, unseen=self._board.unseen)

    async def label(self, request: LabelExecutionsRequest) -> LabelExecutionsResponse:
        """Put labels on and take others off. What breaks a rule of labels is refused for each."""
        response = LabelExecutionsResponse()
        stamp = self._stamps.now()

        def change(state: StateWrite, execution_id: str) -> tuple[ExecutionSummary, bool]:
            table = run_kind(execution_id).table
            before = state.get(table, execution_id)
            stored = self._relabelled(state, execution_id, request, stamp)
            live = self._registry.get(execution_id)
            after = state.get(table, execution_id)
            if live is not None:
                live.execution = stored
            changed = before is not None and after is not None and before.version != after.version
            return ExecutionSummary.FromString(state.summary(table, execution_id) or b""), changed

        for execution_id in dict.fromkeys(request.execution_ids):
            try:
                row, changed = await self._store.write(lambda state, one=execution_id: change(state, one))
            except StigmerError as error:
                response.refused.append(Refused(execution_id=execution_id, reason=str(error)))
                continue
            if changed:
                response.changed.append(execution_id)
                self._tell(execution_id, row)
        return response

    async def delete(self, request: DeleteExecutionsRequest) -> DeleteExecutionsResponse:
        """Delete what has ended."""
        response = DeleteExecutionsResponse()
        at_ns = self._stamps.now().at_ns

        def change(state: StateWrite, ids: Sequence[str]) -> tuple[list[Refused], Removed]:
            removed, refused = Removed(), list[Refused]()
            for execution_id in ids:
                try:
                    gone = self._catalogues.removal.delete(
                        state, run_kind(execution_id), execution_id, at_ns, force=False
                    )[1]
                except StigmerError as error:
                    refused.append(Refused(execution_id=execution_id, reason=str(error)))
                else:
                    removed.add(gone)
            return refused, removed

        for ids in _pieces(request.execution_ids):
            known = set(ids)
            refused = await self._deletion.delete(lambda state, ids=ids: change(state, ids))
            response.refused.extend(refused)
            response.deleted.extend(known - {one.execution_id for one in refused})
        return response

    async def _seen(self, ids: Sequence[str]) -> int:
        for execution_id in ids:
            live = self._registry.get(execution_id)
            while live is not None and live.finishing and self._registry.get(execution_id) is live:
                await live.changed.wait()

        def change(state: StateWrite) -> tuple[list[ExecutionSummary], int]:
            rows: list[ExecutionSummary] = []
            for execution_id in ids:
                table = run_kind(execution_id).table
                record = state.get(table, execution_id)
                if record is None or UNSEEN_LIST not in record.parents:
                    continue
                row = ExecutionSummary.FromString(state.summary(table, execution_id) or b"")
                row.unseen = False
                parents = [parent for parent in record.parents if parent != UNSEEN_LIST]
                state.relist(table, execution_id, parents, row.SerializeToString())
                rows.append(row)
            return rows, unseen_in(state)

        rows, unseen = await self._store.write(change)
        for row in rows:
            self._board.end(row.execution_id, row)
        self._board.set_unseen(unseen)
        return len(rows)

    def _relabelled(
        self, state: StateWrite, execution_id: str, request: LabelExecutionsRequest, stamp: Stamp
    ) -> AnyExecution:
        """Store an execution with other labels, as an update of it would. Raises `NotFound`, and what an update raises."""
        catalogues, kind = self._catalogues, run_kind(execution_id)
        wanted = find(state, kind, execution_id)
        catalogues.means.secrets.mask(kind, wanted)
        wanted.metadata.version.Clear()
        for key in request.remove:
            wanted.metadata.labels.pop(key, None)
        for key, value in request.set.items():
            wanted.metadata.labels[key] = value
        if isinstance(wanted, AgentExecution):
            return catalogues.executions.update(state, wanted, stamp)[0]
        return catalogues.workflow_executions.update(state, wanted, stamp)[0]

    def _tell(self, execution_id: str, row: ExecutionSummary) -> None:
        if self._registry.get(execution_id) is None:
            self._board.end(execution_id, row)
        else:
            self._board.touch(execution_id)


def _some_unseen(state: StateRead) -> list[str]:
    return [row.id for kind in RUN_KINDS for row in state.page(kind.table, UNSEEN_LIST, limit=_ROWS)]


def _pieces(ids: Sequence[str]) -> list[list[str]]:
    """Each id once, some at a time."""
    known = list(dict.fromkeys(ids))
    return [known[start : start + _ROWS] for start in range(0, len(known), _ROWS)]
