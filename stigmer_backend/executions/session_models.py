"""The model of a session: what a person changed to in one of its executions holds for those that come after."""

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session
from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.resources.kinds import AGENTS, EXECUTIONS, INSTANCES, SESSIONS
from stigmer_backend.resources.lookup import find, find_record
from stigmer_backend.resources.rules import SHELL_MODEL
from stigmer_backend.resources.sessions import MODEL_KEY, Sessions
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateWrite, Store


class SessionModels:
    """Keeps them with the sessions."""

    def __init__(self, store: Store, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions

    async def keep(self, execution_id: str, model: str) -> None:
        """From here on the session of `execution_id` works with `model`, where nothing else is said.

        Raises `NotFound`; `FailedPrecondition` where no model of ours drives the session's agent.
        """

        def change(state: StateWrite) -> None:
            session_id = find(state, EXECUTIONS, execution_id).spec.session_id
            session, record = find_record(state, SESSIONS, session_id)
            agent = find(state, AGENTS, find(state, INSTANCES, session.spec.agent_instance_id).spec.agent_id)
            if not _is_ours(agent):
                raise FailedPrecondition(
                    f"the agent {quoted(agent.metadata.name)} is driven by no model of Stigmer's",
                    remedy="run another agent: `stigmer get agents`",
                )
            if session.spec.metadata.get(MODEL_KEY) != model:
                session.spec.metadata[MODEL_KEY] = model
                self._sessions.put(state, session, record.created_ns, record.version)

        await self._store.write(change)


def model_of(session: Session, agent: Agent) -> str:
    """The session's model, for an agent that a model of ours drives; empty where it has none of its own."""
    return session.spec.metadata.get(MODEL_KEY, "") if _is_ours(agent) else ""


def _is_ours(agent: Agent) -> bool:
    """Whether a model that the runner asks drives it."""
    return agent.spec.model != SHELL_MODEL and not agent.spec.HasField("external")
