"""What the activities of one execution share."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, SubAgent
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import ReadSessionMemoryResponse
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.port import Effort, ModelPort, ModelSettings
from stigmer_runner.skills.loading import Skills
from stigmer_runner.skills.tool import TOOL as SKILL
from stigmer_runner.skills.tool import TakeSkill
from stigmer_runner.tools.interface import Tool
from stigmer_runner.tools.registry import builtin_tools
from stigmer_runner.tools.session import ToolSession


@dataclass(frozen=True)
class Ground:
    """What an agent's run stands on."""

    execution_id: str
    agent: Agent
    session: ToolSession
    models: ModelPort
    config: ModelConfig
    clock: Callable[[], int]
    """Microseconds since 1970."""
    read_memory: Callable[[], Awaitable[Sequence[ReadSessionMemoryResponse]]]
    """What was said and done before in the session, the oldest first."""
    approval_seconds: float = 0.0
    """How long a person may take to decide; 0 for as long as they like."""
    skills: Skills = field(default_factory=Skills)
    """What the agent and its sub-agents can learn."""

    def stamped(self, events: Iterable[Event]) -> Sequence[Event]:
        """`events` with the time of now where they have none."""
        now = self.clock()
        found = list(events)
        for event in found:
            event.time_unix_micros = event.time_unix_micros or now
        return found

    def settings(self) -> ModelSettings:
        """How the agent's model is asked."""
        given = self.agent.spec.model_settings
        return ModelSettings(
            temperature=given.temperature if given.HasField("temperature") else self.config.temperature,
            max_tokens=given.max_tokens or self.config.max_tokens,
            reasoning=Effort(given.reasoning) if given.reasoning in set(Effort) else Effort.DEFAULT,
        )

    def sub_agent(self, name: str) -> SubAgent | None:
        """The sub-agent of that name."""
        return next((each for each in self.agent.spec.sub_agents if each.name == name), None)

    def tools(self) -> Mapping[str, Tool]:
        """The tools that the agent has, by name."""
        found = builtin_tools(self.agent.spec.tools or None)
        return {**found, SKILL: TakeSkill(self.skills)} if self.skills.each else found
