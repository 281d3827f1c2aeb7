"""Tools that the loop makes itself: they have no activity of their own."""

from collections.abc import Sequence

from stigmer_runner.durable.messages import SubAgentInfo
from stigmer_runner.durable.tool_turn import DELEGATE
from stigmer_runner.models.port import ToolSpec


def delegate_spec(sub_agents: Sequence[SubAgentInfo]) -> ToolSpec:
    """How delegating is described to a model."""
    whom = "\n".join(f"- {each.name}: {each.description or 'no description'}" for each in sub_agents)
    return ToolSpec(
        DELEGATE,
        "Let another agent do a task of its own. It knows nothing of this conversation: say in `task` everything that it needs, "
        f"and what it is to answer. It works in the same directory. There are:\n{whom}",
        {
            "type": "object",
            "properties": {
                "agent": {"type": "string", "enum": [each.name for each in sub_agents]},
                "task": {"type": "string"},
            },
            "required": ["agent", "task"],
            "additionalProperties": False,
        },
    )
