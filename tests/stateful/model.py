"""What a backend should answer, as a dictionary knows it: resources by kind and slug, with all that they were."""

from dataclasses import dataclass, field

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceOwnerScope
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource, ResourceOrder
from stigmer_apis.protocol import API_VERSION

KindNumber = ApiResourceKind.ValueType

ENVIRONMENT, AGENT, SERVER = ApiResourceKind.environment, ApiResourceKind.agent, ApiResourceKind.mcp_server
KINDS: tuple[KindNumber, ...] = (ENVIRONMENT, AGENT, SERVER)
LABELS = ("", "red", "blue")
TAGS = ("one", "two")


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says about a resource: its spec, its label and its tags."""

    text: str
    label: str
    tags: frozenset[str]


@dataclass(slots=True)
class Known:
    """A resource that is there."""

    id: str
    order: int
    """Which call made it: later ones are newer. What one call made is of one time, and stands in the order of ids."""
    versions: list[Said] = field(default_factory=list[Said])
    """All that were, the oldest first; the last one is what it is."""

    @property
    def said(self) -> Said:
        """What it is."""
        return self.versions[-1]


Table = dict[str, Known]
"""By slug."""


def matching(table: Table, label: str, tags: frozenset[str], text: str, order: ResourceOrder.ValueType) -> list[str]:
    """Slugs of those that fit, in order."""
    found = [
        (slug, known)
        for slug, known in table.items()
        if (not label or known.said.label == label)
        and tags <= known.said.tags
        and (not text or text in slug or text in _described(known))
    ]
    if order == ResourceOrder.RESOURCE_ORDER_NAME:
        return sorted(slug for slug, _ in found)
    newest = [slug for slug, _ in sorted(found, key=lambda one: (-one[1].order, one[1].id))]
    return newest[::-1] if order == ResourceOrder.RESOURCE_ORDER_OLDEST else newest


def _described(known: Known) -> str:
    return f"text {known.said.text}\nteam={known.said.label}" if known.said.label else f"text {known.said.text}"


def resource_of(kind: KindNumber, slug: str, said: Said) -> Resource:
    """The resource that says it."""
    wanted = Resource()
    match kind:
        case ApiResourceKind.agent:
            one = wanted.agent
            one.kind, one.spec.instructions = "Agent", "Answer what is asked."
        case ApiResourceKind.mcp_server:
            one = wanted.mcp_server
            one.kind, one.spec.stdio.command = "McpServer", "server"
        case _:
            one = wanted.environment
            one.kind, one.spec.data["TEXT"].value = "Environment", said.text
    one.api_version = API_VERSION
    one.metadata.name = one.metadata.slug = slug
    one.metadata.owner_scope = ApiResourceOwnerScope.organization
    one.spec.description = f"text {said.text}"
    if said.label:
        one.metadata.labels["team"] = said.label
    one.metadata.tags.extend(sorted(said.tags))
    return wanted


def part_of(resource: Resource) -> tuple[str, str, Said]:
    """Slug, id, and what a resource says."""
    match resource.WhichOneof("resource"):
        case "agent":
            one = resource.agent
        case "mcp_server":
            one = resource.mcp_server
        case _:
            one = resource.environment
    meta = one.metadata
    said = Said(one.spec.description.removeprefix("text "), meta.labels.get("team", ""), frozenset(meta.tags))
    return meta.slug, meta.id, said
