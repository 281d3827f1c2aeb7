"""How a resource of an archive is put into the store: under its id where that is free, as it was, and as it is where it is there already."""

from collections.abc import Sequence
from typing import Protocol

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.agentic.agentinstance.v1.agent_instance_pb2 import AgentInstance
from stigmer_apis._generated.ai.stigmer.agentic.session.v1.session_pb2 import Session
from stigmer_apis._generated.ai.stigmer.agentic.workflowinstance.v1.workflow_instance_pb2 import WorkflowInstance
from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import Belonging
from stigmer_backend.maintenance.belongings import keep_history, keep_schedule, keep_session_past
from stigmer_backend.maintenance.import_course import Course, Outcome, Taken
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
from stigmer_backend.resources.sessions import PARENT_KEY, WORKSPACE_KEY
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.store import StateRead, StateWrite

IMPORTED: tuple[AnyKind, ...] = (
    AGENTS,
    INSTANCES,
    ENVIRONMENTS,
    MCP_SERVERS,
    WORKFLOWS,
    WORKFLOW_INSTANCES,
    SESSIONS,
)
"""Kinds that come as one message with what belongs to it."""

_MOST_TRIES = 1000
_LONGEST_VERSION = 40
_BUILT_IN = "built-in"
"""The tag of what every store has: of another version it may say something else, and is what is meant nevertheless."""


class Restamped(Protocol):
    """A catalogue that stores a resource again."""

    def put(self, state: StateWrite, fresh: Resource, created_ns: int, expected_version: int | None) -> None:
        """Store it."""
        ...


def put_resource(
    state: StateWrite,
    catalogue: Catalogue[Resource],
    given: Resource,
    belongings: Sequence[Belonging],
    course: Course,
    stamp: Stamp,
) -> Outcome:
    """Inside a transaction. Raises a `StigmerError` where its kind refuses it, such as for something that it names and that is not here."""
    kind, meta = catalogue.kind, given.metadata
    _blank(given)
    _remap(given, course)
    holder = meta.id if state.get(kind.table, meta.id) is not None else state.by_slug(kind.table, meta.slug)
    if holder is None:
        if course.dry:
            return Outcome(meta.id, "created")
        made, _ = catalogue.create(state, given, as_of(given, stamp), keep_id=True)
        return Outcome(made.metadata.id, "created", _complete(state, catalogue, made, given, belongings, stamp))
    data = state.data(kind.table, holder)
    there = kind.decode(data or b"")
    if _same(there, given) or _BUILT_IN in there.metadata.tags:
        return Outcome(holder, "same")
    words = f"the {kind.words} {there.metadata.slug} is there and says something else"
    match course.taken:
        case Taken.REFUSE:
            return Outcome("", "refused", words)
        case Taken.SKIP:
            return Outcome(holder, "skipped", words)
        case Taken.RENAME:
            meta.name = meta.slug = free_slug(state, kind, meta.slug)
            if course.dry:
                return Outcome(meta.id, "renamed", f"it would be called {meta.slug} here")
            free = state.get(kind.table, meta.id) is None
            made, _ = catalogue.create(state, given, as_of(given, stamp), keep_id=free)
            more = _complete(state, catalogue, made, given, belongings, stamp)
            return Outcome(
                made.metadata.id, "renamed", "; ".join(filter(None, (f"it is called {meta.slug} here", more)))
            )


def free_slug(state: StateRead, kind: AnyKind, slug: str) -> str:
    """A name like `slug` that nothing has here."""
    tries = (f"{slug[:50]}-{number}" for number in range(2, _MOST_TRIES))
    return next(name for name in tries if state.by_slug(kind.table, name) is None)


def as_of(given: Resource, now: Stamp) -> Stamp:
    """The moment and the actor that a resource was made at and by, elsewhere: no later than now."""
    info = given.status.audit.spec_audit
    made_ns = info.created_at.seconds * 1_000_000_000 + info.created_at.nanos
    return Stamp(min(made_ns, now.at_ns) if made_ns > 0 else now.at_ns, info.created_by.id or now.actor)


def restamp(state: StateWrite, catalogue: Restamped, made: Resource, given: Resource, stamp: Stamp) -> None:
    """Let a new resource say of itself what it said elsewhere: which version it is, who made and changed it, and when."""
    if given.status.audit.spec_audit.event:
        made.status.audit.CopyFrom(given.status.audit)
    if 0 < len(given.metadata.version.id) <= _LONGEST_VERSION:
        made.metadata.version.CopyFrom(given.metadata.version)
    catalogue.put(state, made, stamp.at_ns, None)


def _complete(
    state: StateWrite,
    catalogue: Catalogue[Resource],
    made: Resource,
    given: Resource,
    belongings: Sequence[Belonging],
    stamp: Stamp,
) -> str:
    """Keep what belongs to a resource that has just been made; what a person has to know of that."""
    restamp(state, catalogue, made, given, stamp)
    record_id = made.metadata.id
    keep_history(state, catalogue.kind, record_id, belongings)
    if isinstance(made, Session):
        keep_session_past(state, record_id, belongings, stamp)
    if catalogue.kind is WORKFLOWS and keep_schedule(state, record_id, belongings, stamp):
        return f"its schedule is paused: `stigmer schedule resume {made.metadata.slug}` lets it start by itself here"
    return ""


def _remap(resource: Resource, course: Course) -> None:
    """Let what `resource` belongs to be what that is here."""
    match resource:
        case AgentInstance():
            resource.spec.agent_id = course.here(resource.spec.agent_id)
        case WorkflowInstance():
            resource.spec.workflow_id = course.here(resource.spec.workflow_id)
        case Session():
            resource.spec.agent_instance_id = course.here(resource.spec.agent_instance_id)
            made_for = resource.spec.metadata.pop(PARENT_KEY, "")
            if made_for and made_for not in course.refused:
                resource.spec.metadata[PARENT_KEY] = course.here(made_for)
        case _:
            pass


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
