"""The activities of an agent and of its sub-agents."""

from collections.abc import Sequence

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.durable.agent_loop import AgentLoop
from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.durable.conversation import LOOP
from stigmer_runner.durable.messages import SubAgentInfo
from stigmer_runner.engine.activities import Activities, Activity
from stigmer_runner.engine.plan import ChildParts
from stigmer_runner.loop.calling_model import CallModel
from stigmer_runner.loop.ground import Ground
from stigmer_runner.loop.own_tools import delegate_spec
from stigmer_runner.loop.setting_up import ChooseModel, SetUpAgent
from stigmer_runner.loop.telling import Tell
from stigmer_runner.loop.tool_calls import (
    CallHarmlessTool,
    CallTool,
    LookAndCall,
    LookAndCallHarmless,
    LookAtCall,
    UndoTurn,
)
from stigmer_runner.models.port import ToolSpec


def agent_activities(ground: Ground) -> Sequence[Activity]:
    """Those of the agent itself."""
    sub_agents = [SubAgentInfo(each.name, each.description) for each in ground.agent.spec.sub_agents]
    return _activities(ground, [delegate_spec(sub_agents)] if sub_agents else [])


def sub_agent_parts(
    ground: Ground, chronicle: ExecutionChronicle, workflow_type: str, workflow_id: str
) -> ChildParts | None:
    """What a sub-agent's run is made of: the same tools, but for delegating. Each of its events says whose it is."""
    if workflow_type != LOOP:
        return None
    _, _, sub_agent_id = workflow_id.partition("/")

    def mark(event: Event) -> None:
        event.sub_agent_id = sub_agent_id

    return ChildParts(AgentLoop, Activities(_activities(ground, [])), chronicle.of_sub_agent(), mark)


def _activities(ground: Ground, own: Sequence[ToolSpec]) -> Sequence[Activity]:
    """`own`: the tools that the loop makes itself."""
    return (
        SetUpAgent(ground),
        ChooseModel(ground),
        CallModel(ground, own),
        LookAtCall(ground),
        CallTool(ground),
        CallHarmlessTool(ground),
        LookAndCall(ground),
        LookAndCallHarmless(ground),
        UndoTurn(ground),
        Tell(ground.stamped),
    )
