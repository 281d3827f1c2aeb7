"""How a resource of an archive is put into the store: under its id where that is free, and as it is where it is there already."""

from dataclasses import dataclass
from enum import Enum

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session
from stigmer_backend.resources.catalogue import Catalogue
from stigmer_backend.resources.kinds import (
    AGENTS,
    ENVIRONMENTS,
    INSTANCES,
    MCP_SERVERS,
    SESSIONS,
    WORKFLOW_INSTANCES,
    WORKFLOWS,
    AnyKind,
    Resource,
)
from stigmer_backend.resources.secret_values import without_secrets
from stigmer_backend.resources.sessions import WORKSPACE_KEY
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.store import StateWrite

IMPORTED: tuple[AnyKind, ...] = (
    AGENTS,
    INSTANCES,
    ENVIRONMENTS,
    MCP_SERVERS,
    WORKFLOWS,
    WORKFLOW_INSTANCES,
    SESSIONS,
)
"""Kinds that are imported, beside runs."""

_MOST_TRIES = 1000
_BUILT_IN = "built-in"
"""The tag of what every store has: of another version it may say something else, and is what is meant nevertheless."""


class Taken(Enum):
    """What happens where an id or a name is taken by something else."""

    SKIP = "skip"
    RENAME = "rename"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item."""

    id: str
    """Its id here; "" where it is not here."""
    word: str
    detail: str = ""


def put_resource(
    state: StateWrite,
    catalogue: Catalogue[Resource],
    given: Resource,
    taken: Taken,
    stamp: Stamp,
    *,
    dry_run: bool = False,
) -> Outcome:
    """Inside a transaction. Raises a `StigmerError` where its kind refuses it, such as for something that it names and that is not here."""
    kind, meta = catalogue.kind, given.metadata
    _blank(given)
    holder = meta.id if state.get(kind.table, meta.id) is not None else state.by_slug(kind.table, meta.slug)
    if holder is None:
        if dry_run:
            return Outcome(meta.id, "created")
        made, _ = catalogue.create(state, given, stamp, keep_id=True)
        return Outcome(made.metadata.id, "created")
    data = state.data(kind.table, holder)
    there = kind.decode(data or b"")
    if _same(there, given) or _BUILT_IN in there.metadata.tags:
        return Outcome(holder, "same")
    words = f"the {kind.words} {there.metadata.slug} is there and says something else"
    match taken:
        case Taken.REFUSE:
            return Outcome("", "refused", words)
        case Taken.SKIP:
            return Outcome(holder, "skipped", words)
        case Taken.RENAME:
            slug = meta.slug
            meta.slug = next(
                name
                for name in (f"{slug[:50]}-{number}" for number in range(2, _MOST_TRIES))
                if state.by_slug(kind.table, name) is None
            )
            meta.name = meta.slug
            if dry_run:
                return Outcome(meta.id, "renamed", f"it would be called {meta.slug} here")
            free = state.get(kind.table, meta.id) is None
            made, _ = catalogue.create(state, given, stamp, keep_id=free)
            return Outcome(made.metadata.id, "renamed", f"it is called {meta.slug} here")


def _blank(resource: Resource) -> None:
    """What no archive brings: secrets, directories of another machine."""
    if isinstance(resource, Message):
        without_secrets(resource)
    if isinstance(resource, Session):
        resource.spec.metadata.pop(WORKSPACE_KEY, None)


def _same(there: Resource, given: Resource) -> bool:
    """Whether both say the same, but for what no archive brings."""
    _blank(there)
    return there.spec == given.spec and there.metadata.slug == given.metadata.slug
