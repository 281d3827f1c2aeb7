"""Deleting: what goes with a resource, and what keeps it from going.

What belongs to a resource by its making goes with it. What somebody else made on it keeps it, by name, unless the delete is forced; an
execution that has not ended keeps everything above it even then. What names a resource, without belonging to it, keeps it too; a forced
delete leaves such a one as it is, with a name that leads nowhere. All in the transaction of the delete.

One whose record a damaged disk has lost goes like any other, by what its row and the lists below it say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow
from stigmer_apis.errors import FailedPrecondition
from stigmer_backend.artifacts.records import forget_artifacts_of
from stigmer_backend.resources.defaults import DEFAULT_SUFFIX
from stigmer_backend.resources.history import forget_versions
from stigmer_backend.resources.kinds import (
    AGENTS,
    ENVIRONMENTS,
    EXECUTION_CONTEXTS,
    EXECUTIONS,
    INSTANCES,
    MCP_SERVERS,
    SESSIONS,
    SKILLS,
    WORKFLOW_EXECUTIONS,
    WORKFLOW_INSTANCES,
    WORKFLOWS,
    AnyKind,
    Kind,
    R,
    Resource,
)
from stigmer_backend.resources.lost import find_even_lost, is_lost
from stigmer_backend.resources.references import reference_key
from stigmer_backend.resources.rules import is_built_in
from stigmer_backend.resources.secret_values import SecretValues
from stigmer_backend.resources.skill_versions import forget_versions_of_skill
from stigmer_backend.resources.text import quoted
from stigmer_backend.store import StateRead, StateWrite

LIVE = "live_execution"
"""Table of the executions that have not ended; see `stigmer_backend.executions.snapshots`."""
LEAVING = "leaving"
"""Table of what is still to be removed: events of deleted executions, own directories of deleted sessions, archives of skills, files that
runs made."""
FILE_NOTE = "file-"
"""Begins the notes of files among what is still to be removed; the hash follows."""
SESSION_PAST = "session_past"
"""Table of what branches share with the sessions that they came from: a record for each execution, below the branch."""
SESSION_APPROVALS = "session_approvals"
"""Table of what a person approved for all of a session, below the session."""
SCHEDULES = "schedule"
"""Table of the schedules of workflows, by the workflow's id."""
RUN_DOCUMENTS = "run_document"
"""Table of what workflow executions run: the document and the input as they were at the beginning."""
COMMANDS = "execution_commands"
"""Table of the commands of executions that have ended."""

_NAMED = 3
_BELOW: Mapping[str, tuple[AnyKind, ...]] = {
    AGENTS.field: (INSTANCES,),
    INSTANCES.field: (SESSIONS,),
    SESSIONS.field: (EXECUTIONS,),
    EXECUTIONS.field: (EXECUTION_CONTEXTS,),
    WORKFLOWS.field: (WORKFLOW_INSTANCES,),
    WORKFLOW_INSTANCES.field: (WORKFLOW_EXECUTIONS,),
    WORKFLOW_EXECUTIONS.field: (EXECUTION_CONTEXTS, SESSIONS, EXECUTIONS, WORKFLOW_EXECUTIONS),
}
"""What stands in a list below a resource of a kind."""
_NAMED_BY: Mapping[str, tuple[AnyKind, ...]] = {
    AGENTS.field: (WORKFLOWS,),
    WORKFLOWS.field: (WORKFLOWS,),
    ENVIRONMENTS.field: (INSTANCES, WORKFLOW_INSTANCES),
    SKILLS.field: (AGENTS,),
    MCP_SERVERS.field: (AGENTS,),
}
"""What may name a resource of a kind."""
_WITH_THEIR_OWNER = frozenset({EXECUTIONS.field, EXECUTION_CONTEXTS.field})
"""What belongs to what it stands below, whoever made it."""


@dataclass(slots=True)
class Removed:
    """What went: for what has to be done outside of the transaction."""

    executions: list[str] = field(default_factory=list[str])
    sessions: list[str] = field(default_factory=list[str])
    archives: list[str] = field(default_factory=list[str])
    """Hashes of skills that no version has any more."""
    files: list[str] = field(default_factory=list[str])
    """Hashes of files that runs made and no run has any more."""

    def add(self, more: "Removed") -> None:
        """Note what else went."""
        self.executions += more.executions
        self.sessions += more.sessions
        self.archives += more.archives
        self.files += more.files


@dataclass(frozen=True, slots=True)
class Dependant:
    """A resource that depends on another."""

    kind: AnyKind
    id: str
    direct: bool
    """Whether it keeps the other by itself, and not by what it depends on."""
    stays: bool = False
    """Whether a forced delete leaves it, because it only names the other."""
    reason: str = ""
    """Why not even a forced delete takes it, in words for a person."""


@dataclass(slots=True)
class Plan:
    """What a delete comes to."""

    along: list[Dependant] = field(default_factory=list[Dependant])
    """What goes with the resource anyway."""
    holding: list[Dependant] = field(default_factory=list[Dependant])
    """What others made on it, or what names it."""

    def taken(self) -> list[Dependant]:
        """What goes with a forced delete, what stands below before what it stands below."""
        return [one for one in reversed((*self.along, *self.holding)) if not one.stays]


class Removal:
    """Deletes resources of all kinds."""

    def __init__(self, secrets: SecretValues) -> None:
        self._secrets = secrets

    def delete(
        self, state: StateWrite, kind: Kind[R], resource_id: str, at_ns: int, *, force: bool
    ) -> tuple[R, Removed]:
        """Delete a resource with what goes with it. Raises `NotFound`, `FailedPrecondition` where something keeps it."""
        resource = find_even_lost(state, kind, resource_id)
        planned = self.plan(state, kind, resource)
        if planned.holding and not force:
            raise _kept(state, kind, resource, [one for one in planned.holding if one.direct])
        for one in (*planned.along, *planned.holding):
            if one.reason:
                raise FailedPrecondition(one.reason, remedy="cancel it and wait for its end, then delete")
        removed = Removed()
        for one in planned.taken():
            self._take(state, one.kind, one.id, at_ns, removed)
        self._take(state, kind, resource_id, at_ns, removed)
        return resource, removed

    def plan(self, state: StateRead, kind: AnyKind, resource: Resource) -> Plan:
        """What deleting `resource` comes to. Raises `FailedPrecondition` for what is never deleted by itself."""
        _guard(state, kind, resource)
        planned = Plan()
        _walk(state, kind, resource.metadata.id, planned, owned=True)
        reason = _standing(state, kind, resource.metadata.id)
        if reason:
            raise FailedPrecondition(reason, remedy="cancel it and wait for its end, then delete")
        for user in _NAMED_BY.get(kind.field, ()):
            for user_id in state.children(user.table, reference_key(kind, resource.metadata.slug)):
                if user_id != resource.metadata.id:
                    planned.holding.append(Dependant(user, user_id, direct=True, stays=True))
        return planned

    def _take(self, state: StateWrite, kind: AnyKind, resource_id: str, at_ns: int, removed: Removed) -> None:
        """Remove one resource with what only the store has of it."""
        state.delete(kind.table, resource_id)
        forget_versions(state, kind, resource_id)
        self._secrets.forget(state, resource_id)
        leaving: list[str] = []
        if kind.field in (EXECUTIONS.field, WORKFLOW_EXECUTIONS.field):
            if state.has(COMMANDS, resource_id):
                state.delete(COMMANDS, resource_id)
            if state.has(RUN_DOCUMENTS, resource_id):
                state.delete(RUN_DOCUMENTS, resource_id)
            removed.executions.append(resource_id)
            files = forget_artifacts_of(state, resource_id)
            removed.files += files
            leaving += [resource_id, *map(note_of_file, files)]
        elif kind.field == SESSIONS.field:
            for past in state.children(SESSION_PAST, resource_id):
                state.delete(SESSION_PAST, past)
            for approval in state.children(SESSION_APPROVALS, resource_id):
                state.delete(SESSION_APPROVALS, approval)
            removed.sessions.append(resource_id)
            leaving.append(resource_id)
        elif kind.field == WORKFLOWS.field:
            if state.has(SCHEDULES, resource_id):
                state.delete(SCHEDULES, resource_id)
        elif kind.field == SKILLS.field:
            leaving += forget_versions_of_skill(state, resource_id)
            removed.archives += leaving
        for one in leaving:
            state.put(LEAVING, one, b"", created_ns=at_ns, summary=b"")


def note_of_file(digest: str) -> str:
    """The note that the bytes of a file are to be removed."""
    return f"{FILE_NOTE}{digest}"


def name_of(state: StateRead, dependant: Dependant) -> str:
    """What a dependant is called."""
    return find_even_lost(state, dependant.kind, dependant.id).metadata.name


def _guard(state: StateRead, kind: AnyKind, resource: Resource) -> None:
    """Raise `FailedPrecondition` for what is built in, and for an instance that its agent or workflow always has."""
    if kind.field == AGENTS.field and is_built_in(resource.metadata):
        raise _built_in("agent", resource.metadata.slug)
    owner = _owner_of_default(state, resource)
    if owner is not None:
        if kind.field == INSTANCES.field and is_built_in(owner.metadata):
            raise _built_in("agent instance", owner.metadata.slug)
        words = AGENTS.words if kind.field == INSTANCES.field else WORKFLOWS.words
        raise FailedPrecondition(
            f"{quoted(resource.metadata.name)} is the default instance of the {words} {quoted(owner.metadata.name)}",
            remedy=f"delete the {words}: its default instance goes with it",
        )


def _owner_of_default(state: StateRead, resource: Resource) -> Agent | Workflow | None:
    """The agent or workflow whose default instance `resource` is."""
    if isinstance(resource, INSTANCES.message):
        above: Kind[Agent] | Kind[Workflow] = AGENTS
        owner_id = resource.spec.agent_id
    elif isinstance(resource, WORKFLOW_INSTANCES.message):
        above, owner_id = WORKFLOWS, resource.spec.workflow_id
    else:
        return None
    if is_lost(resource):
        owner_id = state.by_slug(above.table, resource.metadata.slug.removesuffix(DEFAULT_SUFFIX)) or ""
    if not state.has(above.table, owner_id):
        return None
    owner: Agent | Workflow = find_even_lost(state, above, owner_id)
    return owner if owner.status.default_instance_id == resource.metadata.id else None


def _walk(state: StateRead, kind: AnyKind, resource_id: str, planned: Plan, *, owned: bool) -> None:
    """Note everything below a resource."""
    for below in _BELOW.get(kind.field, ()):
        children = state.children(below.table, resource_id)
        default = _default_of(state, kind, resource_id) if children else ""
        for child in children:
            if any(child == one.id for one in (*planned.along, *planned.holding)):
                continue
            started = kind.field == WORKFLOW_EXECUTIONS.field
            with_it = child == default or started or below.field in _WITH_THEIR_OWNER
            noted = Dependant(below, child, direct=owned and not with_it, reason=_standing(state, below, child))
            (planned.along if owned and with_it else planned.holding).append(noted)
            _walk(state, below, child, planned, owned=owned and with_it)


def _default_of(state: StateRead, kind: AnyKind, resource_id: str) -> str:
    """Id of the instance that was made with an agent or workflow; empty for other kinds."""
    if kind.field == AGENTS.field:
        owner: Agent | Workflow = find_even_lost(state, AGENTS, resource_id)
    elif kind.field == WORKFLOWS.field:
        owner = find_even_lost(state, WORKFLOWS, resource_id)
    else:
        return ""
    if is_lost(owner):
        below = INSTANCES if kind.field == AGENTS.field else WORKFLOW_INSTANCES
        return state.by_slug(below.table, f"{owner.metadata.slug}{DEFAULT_SUFFIX}") or ""
    return owner.status.default_instance_id


def _standing(state: StateRead, kind: AnyKind, resource_id: str) -> str:
    """Why an execution cannot go now; empty where it has ended, and for other kinds."""
    if kind.field not in (EXECUTIONS.field, WORKFLOW_EXECUTIONS.field):
        return ""
    return f"the execution {resource_id} has not ended" if state.has(LIVE, resource_id) else ""


def _kept(state: StateRead, kind: AnyKind, resource: Resource, holding: Iterable[Dependant]) -> FailedPrecondition:
    """Why a resource stays: how many of each kind use it, and the first by name."""
    by_kind: dict[str, list[Dependant]] = {}
    for one in holding:
        by_kind.setdefault(one.kind.words, []).append(one)
    uses = [
        f"{len(users)} {words}{'s' if len(users) > 1 else ''}: "
        + ", ".join(quoted(name_of(state, user)) for user in users[:_NAMED])
        + (", …" if len(users) > _NAMED else "")
        for words, users in by_kind.items()
    ]
    named_only = all(user.stays for users in by_kind.values() for user in users)
    forced = "they stay, with a name that leads nowhere" if named_only else "what was made on it goes with it"
    return FailedPrecondition(
        f"the {kind.words} {quoted(resource.metadata.name)} is used by {'; by '.join(uses)}",
        remedy=f"mend or delete those first, or force the delete (`force`, or metadata `stigmer-force: true`): {forced}",
    )


def _built_in(words: str, slug: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"the {words} of {slug!r} is built in and cannot be deleted", remedy="leave it: it costs nothing"
    )
