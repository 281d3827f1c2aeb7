"""What the contract's own rules do not say: checks of specs before they are stored."""

from collections.abc import Iterable, Iterator, Sequence

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis.errors import FailedPrecondition, FieldViolation, InvalidArgument
from stigmer_backend.resources.kinds import Resource
from stigmer_backend.resources.text import NAME_LIMIT, check_names, quoted, refused_character

SHELL_MODEL = "shell"
"""The model of the built-in agent `shell`: none. The person's lines are commands."""
SHELL_SLUG = "shell"
"""The built-in agent that needs no model."""
ASSISTANT_SLUG = "assistant"
"""The built-in agent that a model drives."""
MARKS_LIMIT = 64
"""Most labels, and most tags, of a resource. The published rules set no limit; an index needs one."""


def is_built_in(metadata: ApiResourceMetadata) -> bool:
    """Whether an agent is one that is there from the first start. A person's own agent may be called `assistant`, too."""
    platform = metadata.owner_scope == ApiResourceOwnerScope.platform
    return metadata.slug == SHELL_SLUG or (metadata.slug == ASSISTANT_SLUG and platform)


def check_metadata(metadata: ApiResourceMetadata) -> None:
    """Raise `InvalidArgument` where something that is shown as a name is not fit for it, or where there are too many labels or tags."""
    for field, count in (("labels", len(metadata.labels)), ("tags", len(metadata.tags))):
        if count > MARKS_LIMIT:
            raise InvalidArgument(
                f"{quoted(metadata.name)} has {count:,} {field}; each is a list that it stands in, and {MARKS_LIMIT} are enough",
                remedy="keep what nobody looks for in metadata.annotations",
                violations=[
                    FieldViolation(f"metadata.{field}", f"stigmer.{field}.max", f"must be at most {MARKS_LIMIT}")
                ],
            )
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


def refuse(words: str, metadata: ApiResourceMetadata, violations: Sequence[FieldViolation]) -> None:
    """Raise `InvalidArgument` with all of `violations`, if there are any."""
    if violations:
        first = violations[0]
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise InvalidArgument(
            f"the {words} {quoted(metadata.name)}: {first.field} {first.message}{more}", violations=violations
        )


def needs_spec(resource: Resource, words: str, remedy: str) -> None:
    """Raise `InvalidArgument` where a resource has no spec, which the contract allows."""
    if not resource.HasField("spec"):
        raise InvalidArgument(
            f"the {words} has no spec",
            remedy=remedy,
            violations=[FieldViolation("spec", "required", "value is required")],
        )


def check_variables(path: str, names: Iterable[str]) -> Iterator[FieldViolation]:
    """Names that no variable of a process can have."""
    for name in names:
        if not name or "=" in name or refused_character(name):
            yield FieldViolation(
                f"{path}[{quoted(name)}]",
                "stigmer.variable.name",
                "is no name of a variable: use letters, digits and _",
            )
        elif len(name) > NAME_LIMIT:
            yield FieldViolation(
                f"{path}[{quoted(name)}]", "stigmer.variable.max_len", f"is longer than {NAME_LIMIT} characters"
            )


def twice(path: str, field: str, names: Iterable[str]) -> Iterator[FieldViolation]:
    """Names in a list at `path` that stood there before."""
    seen: set[str] = set()
    for place, name in enumerate(names):
        if name in seen:
            yield FieldViolation(f"{path}[{place}].{field}", "stigmer.name.unique", f"stands twice: {quoted(name)}")
        seen.add(name)
