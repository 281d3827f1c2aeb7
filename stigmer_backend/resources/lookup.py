"""Finding resources, with words for what is not there."""

from difflib import get_close_matches

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceReference,
)
from stigmer_apis.errors import FieldViolation, InvalidArgument, NotFound
from stigmer_apis.slugs import slugify
from stigmer_backend.resources.kinds import AnyKind, Kind, R
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import Record, StateRead

_NEARBY = 200
"""Slugs that a name nobody has is compared with, twice."""


def find_record(state: StateRead, kind: Kind[R], resource_id: str) -> tuple[R, Record]:
    """The resource with this id, and how it is stored. Raises `NotFound`."""
    record = state.get(kind.table, resource_id) if storable(resource_id) else None
    if record is None:
        raise NotFound(
            f"there is no {kind.words} {quoted(resource_id)}", remedy="it may have been deleted; list what is there"
        )
    return kind.decode(record.data), record


def find(state: StateRead, kind: Kind[R], resource_id: str) -> R:
    """The resource with this id. Raises `NotFound`."""
    return find_record(state, kind, resource_id)[0]


def find_by_reference(state: StateRead, kind: Kind[R], reference: ApiResourceReference) -> R:
    """The resource that `reference` means. Raises `InvalidArgument` for another kind or no slug, `NotFound`."""
    if not kind.has_number(reference.kind):
        raise InvalidArgument(
            f"the reference is not to {_a(kind.words)}",
            violations=[FieldViolation("kind", "stigmer.reference.kind", f"must be {kind.number} ({kind.words})")],
        )
    if not reference.slug:
        raise InvalidArgument(
            "the reference has no slug",
            violations=[FieldViolation("slug", "stigmer.reference.slug", f"must name the {kind.words}")],
        )
    found = state.by_slug(kind.table, reference.slug) if storable(reference.slug) else None
    if found is None:
        raise NotFound(f"there is no {kind.words} named {quoted(reference.slug)}", remedy="list what is there")
    return find(state, kind, found)


def named_id(state: StateRead, kind: AnyKind, name: str) -> str | None:
    """Id of the resource whose id, or else whose slug, is `name`; None where there is none."""
    if not name or not storable(name):
        return None
    return name if state.has(kind.table, name) else state.by_slug(kind.table, name)


def find_named(state: StateRead, kind: Kind[R], name: str) -> R:
    """The resource whose id, or else whose slug, is `name`. Raises `NotFound`, which names the one whose slug is nearest."""
    found = named_id(state, kind, name)
    if found is None and (like := _nearest(state, kind, name)):
        raise NotFound(f"there is no {kind.words} {quoted(name)}", remedy=f"did you mean {quoted(like)}?")
    return find(state, kind, found or name)


def match_id(state: StateRead, kind: AnyKind, metadata: ApiResourceMetadata) -> str | None:
    """Id of the stored resource that `metadata` means: by id, else by slug, else by the slug of its name."""
    if metadata.id and storable(metadata.id) and state.has(kind.table, metadata.id):
        return metadata.id
    slug = metadata.slug or slugify(metadata.name)
    return state.by_slug(kind.table, slug) if slug and storable(slug) else None


def storable(key: str) -> bool:
    """Whether `key` can be a key of the store at all; what cannot is not there."""
    return "\0" not in key and len(key) <= 256


def _nearest(state: StateRead, kind: AnyKind, name: str) -> str:
    """The slug that is most like `name`, of those that begin like it: some hundreds at most are looked at. Empty where none is."""
    if not name or not storable(name):
        return ""
    nearby = [slug for begin in (name[:1], name[:-1]) for slug, _ in state.names(kind.table, begin, _NEARBY)]
    return next(iter(get_close_matches(name, dict.fromkeys(nearby), n=1, cutoff=0.7)), "")


def _a(words: str) -> str:
    return f"an {words}" if words[0] in "aeiouM" else f"a {words}"
