"""Policies as modes of a session."""

from acp.schema import SessionMode, SessionModeState

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy

AS_THE_AGENT_SAYS = "agent"
MODES = (
    SessionMode(id=AS_THE_AGENT_SAYS, name="Agent's policy", description="What the agent's own policy says."),
    SessionMode(id="read-only", name="Read only", description="Reads the workspace, changes nothing."),
    SessionMode(id="ask", name="Ask", description="You are asked before anything is changed or run."),
    SessionMode(id="auto", name="Auto", description="Asks nothing; only where commands are confined."),
)


def modes_with(current: str) -> SessionModeState:
    """The modes, as the editor is told them."""
    return SessionModeState(current_mode_id=current, available_modes=list(MODES))


def is_mode(mode: str) -> bool:
    """Whether there is a mode of that id."""
    return any(each.id == mode for each in MODES)


def policy_of(mode: str, of_agent: Policy) -> Policy | None:
    """What a run in this mode may do: the agent's rules stay, the mode decides where none fits. None: as the agent says."""
    if mode == AS_THE_AGENT_SAYS:
        return None
    policy = Policy(preset=mode)
    policy.rules.extend(of_agent.rules)
    if of_agent.HasField("network"):
        policy.network.CopyFrom(of_agent.network)
    return policy
