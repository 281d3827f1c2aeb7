"""What is there from the first start: the agents `assistant`, which works with the model that there is, and `shell`, which needs none."""

from collections.abc import Callable

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentSpec
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.agents import Agents
from stigmer_backend.resources.kinds import AGENTS, INSTANCES
from stigmer_backend.resources.rules import ASSISTANT_SLUG, SHELL_MODEL, SHELL_SLUG
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.store import StateWrite

_INSTRUCTIONS = (
    "Runs the command lines that you type, one after the other, in a terminal in the session's workspace. "
    "There is no model: nothing is run that you did not write."
)


_ASSISTANT = """\
You are a careful programmer who helps in the person's project.

Look before you act: list, search and read what the task is about, and follow the way that the project is written. Say in a sentence what you are
about to do when it is more than a look. Change as little as the task needs, with the tools for files rather than with commands; leave what you
did not make. Keep a list of what is to be done when there are more than three steps.

Check what you did: run the tests or the program that show it, and read what they say. If something fails, find out why before you change
anything else. Never hide a failure, weaken a test, or claim what you have not seen.

Ask the person when the task can be meant in two ways that differ, or before anything that cannot be taken back. When you are done, say in a few
plain sentences what you changed, how you know that it works, and what is left.
"""


def assistant_agent() -> Agent:
    """The agent `assistant` as it is first stored. Its model is the configured one, else one of a provider that is there."""
    return Agent(
        api_version=API_VERSION,
        kind=AGENTS.name,
        metadata=ApiResourceMetadata(
            name=ASSISTANT_SLUG, slug=ASSISTANT_SLUG, owner_scope=ApiResourceOwnerScope.platform, tags=["built-in"]
        ),
        spec=AgentSpec(
            description="A coding assistant that asks before it changes or runs anything",
            instructions=_ASSISTANT,
            policy=Policy(preset="ask"),
        ),
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


def seed(state: StateWrite, agents: Agents, now: Callable[[], Stamp]) -> None:
    """Store the agents with their default instances `<name>-default`, where they are not there yet; the last one is listed first."""
    for made in (shell_agent(), assistant_agent()):
        slug = made.metadata.slug
        taken = state.by_slug(INSTANCES.table, f"{slug}-default") is not None
        if state.by_slug(AGENTS.table, slug) is None and not taken:
            agents.create(state, made, now())
