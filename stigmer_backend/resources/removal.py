"""Deleting: what goes with a resource, and what keeps it from going.

What belongs to a resource by its making goes with it. What somebody else made on it keeps it, by name, unless the delete is forced; an
execution that has not ended keeps everything above it even then. All in the transaction of the delete.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import AgentInstance
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session
from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.resources.kinds import AGENTS, EXECUTIONS, INSTANCES, SESSIONS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.rules import SHELL_SLUG
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateWrite

LIVE = "live_execution"
"""Table of the executions that have not ended; see `stigmer_backend.executions.snapshots`."""
LEAVING = "leaving"
"""Table of deleted executions whose events, and of deleted sessions whose own directories, are still to be removed."""
COMMANDS = "execution_commands"
"""Table of the commands of executions that have ended."""

_NAMED = 3


@dataclass(slots=True)
class Removed:
    """What went: for what has to be done outside of the transaction."""

    executions: list[str] = field(default_factory=list[str])
    sessions: list[str] = field(default_factory=list[str])


def delete_agent(state: StateWrite, agent_id: str, at_ns: int, force: bool) -> tuple[Agent, Removed]:
    """Delete an agent with its default instance."""
    agent = find(state, AGENTS, agent_id)
    if agent.metadata.slug == SHELL_SLUG:
        raise _built_in("agent")
    removed = Removed()
    instances = state.children(INSTANCES.table, agent_id)
    others = [instance for instance in instances if instance != agent.status.default_instance_id]
    if others and not force:
        raise _kept("agent", agent.metadata.name, "agent instance", _names(state, others))
    for instance in instances:
        _take_instance(state, find(state, INSTANCES, instance), at_ns, force, removed)
    state.delete(AGENTS.table, agent_id)
    return agent, removed


def delete_instance(state: StateWrite, instance_id: str, at_ns: int, force: bool) -> tuple[AgentInstance, Removed]:
    """Delete an agent instance. A default instance goes with its agent alone."""
    instance = find(state, INSTANCES, instance_id)
    owner = state.get(AGENTS.table, instance.spec.agent_id)
    if owner is not None:
        agent = AGENTS.decode(owner.data)
        if agent.status.default_instance_id == instance_id:
            if agent.metadata.slug == SHELL_SLUG:
                raise _built_in("agent instance")
            raise FailedPrecondition(
                f"{quoted(instance.metadata.name)} is the default instance of the agent {quoted(agent.metadata.name)}",
                remedy="delete the agent: its default instance goes with it",
            )
    removed = Removed()
    _take_instance(state, instance, at_ns, force, removed)
    return instance, removed


def delete_session(state: StateWrite, session_id: str, at_ns: int) -> tuple[Session, Removed]:
    """Delete a session with its executions."""
    session = find(state, SESSIONS, session_id)
    removed = Removed()
    _take_session(state, session_id, at_ns, removed)
    return session, removed


def delete_execution(state: StateWrite, execution_id: str, at_ns: int) -> tuple[AgentExecution, Removed]:
    """Delete an execution that has ended."""
    execution = find(state, EXECUTIONS, execution_id)
    removed = Removed()
    _take_execution(state, execution_id, at_ns, removed)
    return execution, removed


def _take_instance(state: StateWrite, instance: AgentInstance, at_ns: int, force: bool, removed: Removed) -> None:
    sessions = state.children(SESSIONS.table, instance.metadata.id)
    if sessions and not force:
        raise _kept("agent instance", instance.metadata.name, "session", sessions)
    for session in sessions:
        _take_session(state, session, at_ns, removed)
    state.delete(INSTANCES.table, instance.metadata.id)


def _take_session(state: StateWrite, session_id: str, at_ns: int, removed: Removed) -> None:
    for execution in state.children(EXECUTIONS.table, session_id):
        _take_execution(state, execution, at_ns, removed)
    state.delete(SESSIONS.table, session_id)
    state.put(LEAVING, session_id, b"", created_ns=at_ns, summary=b"")
    removed.sessions.append(session_id)


def _take_execution(state: StateWrite, execution_id: str, at_ns: int, removed: Removed) -> None:
    if state.get(LIVE, execution_id) is not None:
        raise FailedPrecondition(
            f"the execution {execution_id} has not ended", remedy="cancel it and wait for its end, then delete"
        )
    state.delete(EXECUTIONS.table, execution_id)
    if state.get(COMMANDS, execution_id) is not None:
        state.delete(COMMANDS, execution_id)
    state.put(LEAVING, execution_id, b"", created_ns=at_ns, summary=b"")
    removed.executions.append(execution_id)


def _names(state: StateWrite, instances: Iterable[str]) -> list[str]:
    return [find(state, INSTANCES, instance).metadata.name for instance in instances]


def _kept(words: str, name: str, dependants: str, named: list[str]) -> FailedPrecondition:
    shown = ", ".join(quoted(one) for one in named[:_NAMED]) + (", …" if len(named) > _NAMED else "")
    count = f"{len(named)} {dependants}{'s' if len(named) > 1 else ''}"
    return FailedPrecondition(
        f"the {words} {quoted(name)} is used by {count}: {shown}",
        remedy="delete those first, or force the delete (metadata `stigmer-force: true`): they go with it",
    )


def _built_in(words: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"the {words} of {SHELL_SLUG!r} is built in and cannot be deleted", remedy="leave it: it costs nothing"
    )
