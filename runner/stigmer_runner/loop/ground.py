"""What the activities of one execution share."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, SubAgent
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import ReadSessionMemoryResponse
from stigmer_runner.loop.live_questions import LiveQuestions, Record
from stigmer_runner.mcp.definition import choice_of
from stigmer_runner.mcp.servers import McpServers
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.port import Effort, ModelPort, ModelSettings
from stigmer_runner.skills.loading import Skills
from stigmer_runner.skills.tool import TOOL as SKILL
from stigmer_runner.skills.tool import TakeSkill
from stigmer_runner.tools.interface import Tool
from stigmer_runner.tools.registry import builtin_tools
from stigmer_runner.tools.session import ToolSession


async def no_keys(provider: str) -> bool:
    """There is none."""
    return False


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
    questions: LiveQuestions
    """What activities ask the person while they run."""
    servers: McpServers
    """The MCP servers of the agent."""
    has_key: Callable[[str], Awaitable[bool]] = no_keys
    """Whether there is a key of a provider."""
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

    async def all_tools(self, sub_agent: str, record: Record) -> Mapping[str, Tool]:
        """The tools that the agent, or the sub-agent of that name, has by name, those of MCP servers too. The first time the
        servers are started, and the person is asked about those that are not approved; `record` tells of that."""
        choice = choice_of(self.sub_agent(sub_agent) if sub_agent else None)
        given = await self.servers.tools(choice, self.questions.asker(record, "mcp-servers"))
        return {**given, **self.tools()}

    def tools(self) -> Mapping[str, Tool]:
        """The tools of ours that the agent has, by name."""
        found = builtin_tools(self.agent.spec.tools or None)
        return {**found, SKILL: TakeSkill(self.skills)} if self.skills.each else found
