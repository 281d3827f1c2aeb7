"""Watch: a cursor over the board of changes."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import WatchResponse
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.damaged import Damaged
from stigmer_backend.executions.options import ExecutionOptions
from stigmer_backend.executions.registry import Registry

_ROWS = 1000
"""Rows in one message: far below the limits of a message."""


class Watches:
    """Serves changes of executions."""

    def __init__(self, board: Board, registry: Registry, options: ExecutionOptions, damaged: Damaged) -> None:
        self._damaged = damaged
        self._board = board
        self._registry = registry
        self._options = options

    async def follow(self, after_revision: int) -> AsyncIterator[WatchResponse]:
        """Changes after a revision, without end. A revision that is not known here is answered by a reset first."""
        board = self._board
        loop = asyncio.get_running_loop()
        told = after_revision or board.revision
        first = WatchResponse()
        if not board.knows(told):
            told = board.revision
            first.reset = True
        first.revision, first.total, first.unseen = told, board.total, board.unseen
        if first.reset or board.revision <= told:
            yield first
        sent_at = float("-inf")
        while True:
            await board.wait_beyond(told)
            early = sent_at + self._options.watch_spacing_seconds - loop.time()
            if early > 0:
                await asyncio.sleep(early)
            sent_at = loop.time()
            if not board.knows(told):
                told = board.revision
                yield WatchResponse(revision=told, total=board.total, unseen=board.unseen, reset=True)
                continue
            changes = board.since(told)
            rows = [row for one in changes.changed if (row := self.row(one)) is not None]
            for last, some in _in_pieces(rows):
                response = WatchResponse(
                    revision=changes.revision if last else told, changed=some, total=board.total, unseen=board.unseen
                )
                if last:
                    response.removed.extend(changes.removed)
                yield response
            told = changes.revision

    def row(self, execution_id: str) -> ExecutionSummary | None:
        """The row of an execution that lives, or ended a while ago at most."""
        live = self._registry.get(execution_id)
        row = live.summary() if live is not None else self._board.ended(execution_id)
        return None if row is None else self._damaged.shown(row)


def _in_pieces(rows: list[ExecutionSummary]) -> Iterator[tuple[bool, Iterable[ExecutionSummary]]]:
    """The rows in messages of a good size, and whether it is the last; one without rows where there are none."""
    for start in range(0, max(1, len(rows)), _ROWS):
        yield start + _ROWS >= len(rows), rows[start : start + _ROWS]
