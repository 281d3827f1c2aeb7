"""What is there from the first start: the agent `shell`, which needs no model and no key."""

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentSpec
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.agents import Agents
from stigmer_backend.resources.kinds import AGENTS
from stigmer_backend.resources.rules import SHELL_MODEL, SHELL_SLUG
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.store import StateWrite

_INSTRUCTIONS = (
    "Runs the command lines that you type, one after the other, in a terminal in the session's workspace. "
    "There is no model: nothing is run that you did not write."
)


def shell_agent() -> Agent:
    """The agent `shell` as it is first stored."""
    return Agent(
        api_version=API_VERSION,
        kind=AGENTS.name,
        metadata=ApiResourceMetadata(
            name=SHELL_SLUG, slug=SHELL_SLUG, owner_scope=ApiResourceOwnerScope.platform, tags=["built-in"]
        ),
        spec=AgentSpec(
            description="Command lines of yours in a sandboxed terminal",
            instructions=_INSTRUCTIONS,
            model=SHELL_MODEL,
        ),
    )


def seed(state: StateWrite, agents: Agents, stamp: Stamp) -> None:
    """Store the agent `shell` with its default instance `shell-default`, where it is not there yet."""
    if state.by_slug(AGENTS.table, SHELL_SLUG) is None:
        agents.create(state, shell_agent(), stamp)
