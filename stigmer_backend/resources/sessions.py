"""Sessions: a conversation with an agent instance, and the directory that its executions work in."""

from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session
from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.resources.catalogue import Catalogue, Means
from stigmer_backend.resources.kinds import EXECUTIONS, INSTANCES, SESSIONS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.references import Owner
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateRead

WORKSPACE_KEY = "stigmer.workspace"
"""Key in `SessionSpec.metadata` of the directory that the session works in, absolute. Set with its first execution."""

PARENT_KEY = "stigmer.parent"
"""Key of the workflow execution that the session was made for: it goes with that."""

MODEL_KEY = "stigmer.model"
"""Key of the model that its executions work with where neither they nor their messages name one; a change of the model sets it."""


class Sessions(Catalogue[Session]):
    """Sessions of all agent instances."""

    def __init__(self, means: Means) -> None:
        super().__init__(SESSIONS, means)

    def owners(self, fresh: Session) -> Sequence[Owner]:
        """Its agent instance."""
        return (Owner("agent_instance_id", INSTANCES, fresh.spec.agent_instance_id),)

    def parents(self, state: StateRead, fresh: Session) -> tuple[str, ...]:
        """Its agent instance, that one's agent, and the workflow execution that it was made for."""
        instance = find(state, INSTANCES, fresh.spec.agent_instance_id)
        made_for = fresh.spec.metadata.get(PARENT_KEY, "")
        return (instance.metadata.id, instance.spec.agent_id, *((made_for,) if made_for else ()))

    def keep(self, state: StateRead, stored: Session, fresh: Session) -> None:
        """The workspace stays once executions have worked in it. Raises `FailedPrecondition` for another one then."""
        known = stored.spec.metadata.get(WORKSPACE_KEY, "")
        asked = fresh.spec.metadata.get(WORKSPACE_KEY, "")
        if not asked and known:
            fresh.spec.metadata[WORKSPACE_KEY] = known
        elif asked != known and state.count(EXECUTIONS.table, stored.metadata.id):
            raise other_workspace(stored.metadata.id, known, asked)


def other_workspace(session_id: str, known: str, asked: str) -> FailedPrecondition:
    """Why a session does not go to another directory."""
    return FailedPrecondition(
        f"the session {session_id} works in {quoted(known)}, not in {quoted(asked)}",
        remedy="start a new session for another directory",
    )
