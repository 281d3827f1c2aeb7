"""What has to be done outside of a delete's transaction: events, directories, files, live lists."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from stigmer_apis.ids import Prefix
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.registry import unseen_in
from stigmer_backend.executions.tasks import Tasks
from stigmer_backend.executions.workspace import Workspaces
from stigmer_backend.resources.removal import FILE_NOTE, LEAVING, Removed, note_of_file
from stigmer_backend.store import StateWrite, Store, StoreFull

T = TypeVar("T")

_ROWS = 500
_EXECUTIONS = (f"{Prefix.AGENT_EXECUTION}-", f"{Prefix.WORKFLOW_EXECUTION}-")
_WORKFLOWS = f"{Prefix.WORKFLOW_EXECUTION}-"
_log = logging.getLogger(__name__)


class Deletion:
    """Deletes, and sees to what the transaction leaves behind. It is noted there, so what a stop cuts off is finished at the next opening."""

    def __init__(
        self,
        store: Store,
        tasks: Tasks,
        board: Board,
        workspaces: Workspaces,
        remove_archives: Callable[[Sequence[str]], Awaitable[None]],
        remove_files: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._tasks = tasks
        self._board = board
        self._workspaces = workspaces
        self._remove_archives = remove_archives
        self._remove_files = remove_files

    async def delete(self, change: Callable[[StateWrite], tuple[T, Removed]]) -> T:
        """Carry out a delete. Raises what `change` raises; then everything is as before."""
        deleted, removed = await self._store.write(change)
        self.follow(removed)
        return deleted

    def follow(self, removed: Removed) -> None:
        """See to what a transaction that deleted leaves behind."""
        for execution_id in removed.executions:
            self._board.remove(execution_id)
        if removed.executions and self._board.unseen:
            self._tasks.start(self._count_unseen(), "count what was not seen")
        self.clean_up(removed)

    def clean_up(self, removed: Removed) -> None:
        """Remove what stands outside of the records of what was never shown, or is shown no more. The transaction noted it as leaving."""
        if removed.executions or removed.sessions or removed.archives:
            self._tasks.start(self._finish(removed), "finish a delete")

    async def open(self) -> None:
        """Finish what a stop cut off."""
        leaving = await self._store.read_state(lambda state: [row.id for row in state.page(LEAVING, limit=_ROWS)])
        if leaving:
            sessions = [one for one in leaving if one.startswith(f"{Prefix.SESSION}-")]
            executions = [one for one in leaving if one.startswith(_EXECUTIONS)]
            archives = [one for one in leaving if "-" not in one]
            files = [one.removeprefix(FILE_NOTE) for one in leaving if one.startswith(FILE_NOTE)]
            self._tasks.start(self._finish(Removed(executions, sessions, archives, files)), "finish a delete")

    async def _count_unseen(self) -> None:
        count = await self._store.read_state(unseen_in)
        self._board.set_unseen(count)

    async def _finish(self, removed: Removed) -> None:
        """Remove events, directories, archives and files, then the notes of them. On a full disk it waits for the next opening."""

        def forget(state: StateWrite) -> None:
            notes = map(note_of_file, removed.files)
            for one in (*removed.executions, *removed.sessions, *removed.archives, *notes):
                if state.get(LEAVING, one) is not None:
                    state.delete(LEAVING, one)

        workflows = [one for one in removed.executions if one.startswith(_WORKFLOWS)]
        await self._workspaces.delete_own([*removed.sessions, *workflows])
        await self._remove_archives(removed.archives)
        await self._remove_files(removed.files)
        try:
            await self._store.remove_events(removed.executions)
            await self._store.write(forget)
        except StoreFull as full:
            _log.warning("the events of %d deleted executions are removed later: %s", len(removed.executions), full)
