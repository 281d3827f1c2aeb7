"""What a resource says about others: whom it belongs to, and whom it names."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_apis.errors import FieldViolation
from stigmer_backend.resources.kinds import AnyKind, Resource
from stigmer_backend.resources.lookup import named_id, storable
from stigmer_backend.resources.skill_versions import SKILLS_TABLE, find_version
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateRead

_LONGEST_KEY_BYTES = 900


@dataclass(frozen=True, slots=True)
class Owner:
    """What a resource belongs to: a field of its spec that holds an id. A slug in it is replaced by the id."""

    field: str
    """Of the spec."""
    kind: AnyKind
    name: str
    """An id, or a slug. Not empty."""

    @property
    def path(self) -> str:
        """From the resource."""
        return f"spec.{self.field}"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a resource names: by slug, wherever that is."""

    path: str
    """From the resource: `spec.skill_refs[2]`."""
    kind: AnyKind
    slug: str
    version: str = ""
    """Of a skill."""
    said_kind: int = 0
    """The number that the reference gives, 0 for none."""


def references(path: str, kind: AnyKind, refs: Iterable[ApiResourceReference]) -> list[Reference]:
    """The references of a repeated field at `path`, each of which should be to `kind`."""
    return [Reference(f"{path}[{n}]", kind, ref.slug, ref.version, ref.kind) for n, ref in enumerate(refs)]


def reference_key(kind: AnyKind, slug: str) -> str:
    """Under which parent in the store those stand that name this resource."""
    body = slug.encode("utf-8", "surrogateescape")
    return f"{kind.field}/{slug if len(body) <= _LONGEST_KEY_BYTES else hashlib.sha256(body).hexdigest()}"


def check_references(state: StateRead, refs: Sequence[Reference]) -> list[FieldViolation]:
    """What is wrong with references: each that is to another kind, or to what is not there."""
    return [found for ref in refs if (found := _problem(state, ref)) is not None]


def _problem(state: StateRead, ref: Reference) -> FieldViolation | None:
    words = ref.kind.words
    if not ref.kind.has_number(ref.said_kind):
        return FieldViolation(
            f"{ref.path}.kind", "stigmer.reference.kind", f"must be {ref.kind.number} ({words}), not {ref.said_kind}"
        )
    if not ref.slug:
        return FieldViolation(f"{ref.path}.slug", "stigmer.reference.slug", f"must name the {words}")
    found = state.by_slug(ref.kind.table, ref.slug) if storable(ref.slug) else None
    if found is None:
        return FieldViolation(
            ref.path,
            "stigmer.reference.exists",
            f"names the {words} {quoted(ref.slug)}, which is not there: create it first, or apply both together",
        )
    if ref.kind.table == SKILLS_TABLE and find_version(state, found, ref.version) is None:
        return FieldViolation(
            f"{ref.path}.version",
            "stigmer.reference.version",
            f"names the version {quoted(ref.version)} of the skill {quoted(ref.slug)}, which was never pushed",
        )
    return None


def settle_owners(state: StateRead, fresh: Resource, owners: Iterable[Owner]) -> None:
    """Replace slugs by ids in the fields that name owners. What names nothing stays as it is."""
    for owner in owners:
        found = named_id(state, owner.kind, owner.name)
        if found is not None:
            setattr(fresh.spec, owner.field, found)
