"""Undoing in an execution that has ended: a runner that is connected does it, from what was kept outside the workspace."""

from collections.abc import Sequence

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import UndoTurnResponse
from stigmer_apis.errors import FailedPrecondition
from stigmer_apis.ids import Prefix
from stigmer_backend.executions.runners import Runners
from stigmer_backend.executions.workspace import Workspaces
from stigmer_backend.resources.catalogue import NewId
from stigmer_backend.resources.kinds import EXECUTIONS, SESSIONS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.sessions import WORKSPACE_KEY
from stigmer_backend.store import StateRead, Store


class EndedUndoing:
    """Hands it to a runner."""

    def __init__(self, store: Store, runners: Runners, workspaces: Workspaces, new_id: NewId) -> None:
        self._store = store
        self._runners = runners
        self._workspaces = workspaces
        self._new_id = new_id

    async def undo(self, execution_id: str, message_id: str) -> UndoTurnResponse:
        """Put the files of a turn back; of the last one that changed any where no message is named.

        Raises `NotFound`; `FailedPrecondition` where nothing can be put back; `Unavailable` where no runner is there.
        """
        return await self._undone(execution_id, message_id, ())

    async def undo_turns(self, execution_id: str, turns: Sequence[str]) -> UndoTurnResponse:
        """Put the files of all these turns back, the last one's first; a turn that changed none is passed over. Errors as `undo`."""
        return await self._undone(execution_id, "", turns)

    async def _undone(self, execution_id: str, message_id: str, turns: Sequence[str]) -> UndoTurnResponse:
        def look(state: StateRead) -> tuple[str, str]:
            session_id = find(state, EXECUTIONS, execution_id).spec.session_id
            return session_id, find(state, SESSIONS, session_id).spec.metadata.get(WORKSPACE_KEY, "")

        session_id, kept = await self._store.read_state(look)
        request = LinkResponse.UndoEnded(
            request_id=self._new_id(Prefix.COMMAND),
            execution_id=execution_id,
            session_id=session_id,
            workspace=str(self._workspaces.of_session(session_id, kept).path),
            message_id=message_id,
            turns=turns,
        )
        answer = await self._runners.undo_ended(request)
        if answer.refused:
            raise FailedPrecondition(
                f"nothing of {execution_id} is put back: {answer.refused}", remedy="the files are as they were"
            )
        return UndoTurnResponse(paths=answer.paths, left=answer.left)
