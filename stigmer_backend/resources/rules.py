"""What the contract's own rules do not say: checks of specs before they are stored."""

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis.errors import FailedPrecondition, FieldViolation, InvalidArgument
from stigmer_backend.resources.text import check_names, quoted

SHELL_MODEL = "shell"
"""The model of the built-in agent `shell`: none. The person's lines are commands."""
SHELL_SLUG = "shell"
"""The built-in agent."""


def check_metadata(metadata: ApiResourceMetadata) -> None:
    """Raise `InvalidArgument` where something that is shown as a name is not fit for it."""
    check_names(
        [
            ("metadata.name", metadata.name),
            ("metadata.slug", metadata.slug),
            ("metadata.org", metadata.org),
            *((f"metadata.tags[{place}]", tag) for place, tag in enumerate(metadata.tags)),
            *(("metadata.labels", text) for pair in metadata.labels.items() for text in pair),
        ]
    )


def check_agent(metadata: ApiResourceMetadata, spec: AgentSpec) -> None:
    """Raise where the agent asks for what this version cannot keep, or takes the built-in agent's model."""
    check_names([("spec.model", spec.model)])
    if metadata.slug == SHELL_SLUG and spec.model != SHELL_MODEL:
        raise FailedPrecondition(
            f"the built-in agent {SHELL_SLUG!r} works without a model, which cannot be changed",
            remedy=f"leave spec.model at {SHELL_MODEL!r}, or make another agent",
        )
    if metadata.slug != SHELL_SLUG and spec.model == SHELL_MODEL:
        raise InvalidArgument(
            f"{SHELL_MODEL!r} is the built-in agent's alone: {quoted(metadata.name)} needs a model that answers",
            violations=[FieldViolation("spec.model", "stigmer.agent.model", "must name a model")],
        )
    if any(value.is_secret and value.value for value in spec.env_spec.data.values()):
        raise secrets_come_later("spec.env_spec.data")


def secrets_come_later(field: str) -> FailedPrecondition:
    """Why a secret value is refused: it would be stored in the clear."""
    return FailedPrecondition(
        f"{field} holds a secret value, and this version cannot keep secrets yet: it stores nothing in the clear",
        remedy="leave the secret out",
    )
