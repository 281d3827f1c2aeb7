"""Many resources at once: created, updated and pruned in one transaction, all or none, with every mistake of all of them told together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ApplyResourcesResponse
from stigmer_apis.errors import (
    FailedPrecondition,
    FieldViolation,
    InvalidArgument,
    ManyInvalid,
    StigmerError,
)
from stigmer_apis.slugs import slugify
from stigmer_backend.resources.catalogue import Catalogue, Outcome
from stigmer_backend.resources.catalogues import Catalogues
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
    Resource,
)
from stigmer_backend.resources.listing_keys import label_list
from stigmer_backend.resources.lookup import find, match_id
from stigmer_backend.resources.removal import Removed
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.resources.text import quoted
from stigmer_backend.resources.wrapping import Wrapped, wrap
from stigmer_backend.store import StateWrite

Applied = ApplyResourcesResponse.Applied

_OUTCOMES = {
    Outcome.CREATED: ApplyResourcesResponse.OUTCOME_CREATED,
    Outcome.UPDATED: ApplyResourcesResponse.OUTCOME_UPDATED,
    Outcome.UNCHANGED: ApplyResourcesResponse.OUTCOME_UNCHANGED,
}
_NOT_APPLIED: Mapping[str, str] = {
    EXECUTIONS.field: "is begun, not applied: create it",
    WORKFLOW_EXECUTIONS.field: "is begun, not applied: create it",
    EXECUTION_CONTEXTS.field: "is made by the server when an execution begins",
    SKILLS.field: "comes as an archive: push its folder",
}
"""Why a kind is not among those that are applied."""
_PRUNED = (SESSIONS, INSTANCES, WORKFLOW_INSTANCES, WORKFLOWS, AGENTS, ENVIRONMENTS, MCP_SERVERS, SKILLS)
"""What may be pruned, in the order in which it goes: what names others before what is named."""

Name = tuple[str, str]
"""A kind's field and a slug."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One resource of a batch."""

    path: str
    """In the request: `resources[3].agent`."""
    kind: AnyKind
    resource: Resource

    @property
    def name(self) -> Name:
        """By what others name it; with an empty slug they cannot."""
        meta = self.resource.metadata
        return self.kind.field, meta.slug or slugify(meta.name)


@dataclass(slots=True)
class Batch:
    """What there should be, and what is wrong with it so far."""

    wanted: list[Wanted] = field(default_factory=list[Wanted])
    """In the request's order, without those that are hopeless."""
    violations: list[FieldViolation] = field(default_factory=list[FieldViolation])
    hopeless: set[Name] = field(default_factory=set[Name])
    """What was found wrong: those that name it are not blamed for it."""


@dataclass(frozen=True, slots=True)
class Prune:
    """What to delete: resources of these kinds with all of these labels that are not in the batch."""

    labels: Mapping[str, str]
    kinds: Sequence[AnyKind]
    force: bool


@dataclass(slots=True)
class Done:
    """What came of a batch."""

    applied: dict[str, Applied] = field(default_factory=dict[str, Applied])
    """By path."""
    pruned: list[Wrapped] = field(default_factory=list[Wrapped])
    removed: Removed = field(default_factory=Removed)


class Undo(Exception):
    """Carries what would have come of a batch out of the transaction that must not happen."""

    def __init__(self, done: Done) -> None:
        super().__init__("a dry run")
        self.done = done


def not_applied(kind: AnyKind) -> str:
    """Why resources of `kind` are not applied; empty where they are."""
    return _NOT_APPLIED.get(kind.field, "")


class Applying:
    """Applies batches."""

    def __init__(self, catalogues: Catalogues) -> None:
        self._catalogues = catalogues

    def apply(self, state: StateWrite, batch: Batch, prune: Prune, stamp: Stamp, *, again: bool) -> Done:
        """Apply the batch, and prune. `again`: the same call was answered before, so that versions in it are of before.

        Raises `ManyInvalid` with every mistake, or the one error of another kind; then the transaction must not happen.
        """
        run = _Run(self._catalogues, state, batch, stamp, again=again)
        for wanted in run.ordered():
            run.apply(wanted)
        run.refuse()
        if prune.labels:
            run.prune(prune)
        return run.done


class _Run:
    """One batch in one transaction."""

    def __init__(self, catalogues: Catalogues, state: StateWrite, batch: Batch, stamp: Stamp, *, again: bool) -> None:
        self._catalogues = catalogues
        self._state = state
        self._batch = batch
        self._stamp = stamp
        self._again = again
        self._violations = list(batch.violations)
        self._hopeless = set(batch.hopeless)
        self._errors: list[StigmerError] = []
        self._there: set[tuple[str, str]] = set()
        self.done = Done()

    def apply(self, wanted: Wanted) -> None:
        """Apply one resource, or note what is wrong with it."""
        catalogue = self._catalogues.of(wanted.kind)
        if self._names_hopeless(catalogue, wanted):
            self._hopeless.add(wanted.name)
            return
        asked = catalogue.copy(wanted.resource)
        if self._again:
            asked.metadata.version.id = ""
        try:
            known = match_id(self._state, wanted.kind, _by_slug(asked))
            before = None if known is None else find(self._state, wanted.kind, known)
            after, outcome = catalogue.apply(self._state, asked, self._stamp)
        except StigmerError as error:
            self._note(wanted, error)
            return
        self._there.add((wanted.kind.field, after.metadata.id))
        self.done.applied[wanted.path] = Applied(
            outcome=_OUTCOMES[outcome],
            after=self._shown(wanted.kind, after),
            before=None if before is None else self._shown(wanted.kind, before),
        )

    def refuse(self) -> None:
        """Raise what is wrong, all of it, if anything is."""
        if not self._violations:
            return
        kinds = {type(error) for error in self._errors}
        of_one_kind = len(kinds) == 1 and len(self._errors) == len(self._violations)
        if of_one_kind and not isinstance(self._errors[0], InvalidArgument):
            first = self._errors[0]
            more = f" (and {len(self._errors) - 1} more)" if len(self._errors) > 1 else ""
            raise type(first)(f"{self._violations[0].field}: {first.message}{more}", remedy=first.remedy)
        first = self._violations[0]
        count = len(self._violations)
        raise ManyInvalid(
            f"nothing was stored: {first.field}: {first.message}" + (f" (and {count - 1} more)" if count > 1 else ""),
            remedy="mend what is named and apply all of it again",
            violations=self._violations,
        )

    def prune(self, prune: Prune) -> None:
        """Delete what has the labels and is not in the batch. Raises `FailedPrecondition` where something keeps one of them."""
        wanted = {kind.field for kind in prune.kinds}
        for kind in _PRUNED:
            if kind.field in wanted:
                self._prune(kind, prune)

    def _prune(self, kind: AnyKind, prune: Prune) -> None:
        ids: set[str] | None = None
        for key, value in prune.labels.items():
            having = set(self._state.children(kind.table, label_list(key, value)))
            ids = having if ids is None else ids & having
        for resource_id in sorted(ids or ()):
            if (kind.field, resource_id) in self._there or self._state.get(kind.table, resource_id) is None:
                continue
            gone, removed = self._catalogues.removal.delete(
                self._state, kind, resource_id, self._stamp.at_ns, force=prune.force
            )
            self.done.pruned.append(self._shown(kind, gone))
            self.done.removed.add(removed)

    def ordered(self) -> Iterator[Wanted]:
        """The batch, what others name before those; what goes in a circle is noted and left out."""
        by_name = {wanted.name: wanted for wanted in self._batch.wanted}
        settled: set[Name] = set()
        for wanted in self._batch.wanted:
            yield from self._walk(wanted, by_name, settled)

    def _walk(self, start: Wanted, by_name: Mapping[Name, Wanted], settled: set[Name]) -> Iterator[Wanted]:
        """`start` behind what it needs, without recursion: a chain may be as long as the batch."""
        way: list[tuple[Wanted, Iterator[tuple[str, Name]]]] = []
        on_way: dict[Name, int] = {}

        def enter(wanted: Wanted) -> None:
            on_way[wanted.name] = len(way)
            way.append((wanted, self._needs(wanted)))

        if start.name not in settled:
            enter(start)
        while way:
            wanted, needs = way[-1]
            need = next(needs, None)
            if need is None:
                way.pop()
                del on_way[wanted.name]
                settled.add(wanted.name)
                if wanted.name not in self._hopeless:
                    yield wanted
                continue
            path, name = need
            if name in on_way and name != wanted.name:
                circle = [one.name for one, _ in way[on_way[name] :]]
                words = " -> ".join(slug for _, slug in (*circle, name))
                self._violations.append(
                    FieldViolation(f"{wanted.path}.{path}", "stigmer.reference.circle", f"leads in a circle: {words}")
                )
                self._hopeless.update(circle)
            elif name in by_name and name not in settled and name not in on_way:
                enter(by_name[name])

    def _needs(self, wanted: Wanted) -> Iterator[tuple[str, Name]]:
        """What has to be stored before `wanted`, as far as it is named: each with its path."""
        catalogue = self._catalogues.of(wanted.kind)
        for owner in catalogue.owners(wanted.resource):
            yield owner.path, (owner.kind.field, owner.name)
        for ref in catalogue.references(wanted.resource):
            yield ref.path, (ref.kind.field, ref.slug)

    def _names_hopeless(self, catalogue: Catalogue[Resource], wanted: Wanted) -> bool:
        return any(name in self._hopeless for _, name in self._needs(wanted))

    def _note(self, wanted: Wanted, error: StigmerError) -> None:
        self._hopeless.add(wanted.name)
        if isinstance(error, InvalidArgument) and error.violations:
            self._violations += [
                FieldViolation(f"{wanted.path}.{one.field}", one.rule, _with(one.message, error.remedy))
                for one in error.violations
            ]
        else:
            self._violations.append(FieldViolation(wanted.path, "stigmer.apply", _with(error.message, error.remedy)))
        self._errors.append(error)

    def _shown(self, kind: AnyKind, resource: Resource) -> Wrapped:
        wrapped = wrap(kind, resource)
        self._catalogues.means.secrets.mask(kind, getattr(wrapped, kind.field))
        return wrapped


def prune_kinds(asked: Sequence[AnyKind], batch: Batch) -> list[AnyKind]:
    """The kinds to prune: those that were asked for, else those of the batch. Raises `FailedPrecondition` for others than are pruned."""
    fields = {kind.field for kind in _PRUNED}
    for kind in asked:
        if kind.field not in fields:
            raise FailedPrecondition(
                f"{kind.words}s are not pruned", remedy=f"prune {', '.join(f'{one.words}s' for one in _PRUNED)}"
            )
    return list(asked) or list({wanted.kind.field: wanted.kind for wanted in batch.wanted}.values())


def twice_in(batch: Sequence[Wanted]) -> Iterator[tuple[Wanted, FieldViolation]]:
    """Resources that stand in a batch before, by the same name."""
    seen: dict[Name, str] = {}
    for wanted in batch:
        name = wanted.name
        if name[1] and name in seen:
            yield (
                wanted,
                FieldViolation(
                    f"{wanted.path}.metadata.name",
                    "stigmer.name.unique",
                    f"stands twice: the {wanted.kind.words} {quoted(name[1])} is {seen[name]} too",
                ),
            )
        else:
            seen[name] = wanted.path


def _by_slug(resource: Resource) -> ApiResourceMetadata:
    """As what `Catalogue.apply` looks for it: its slug counts, its id only where there is none."""
    meta = ApiResourceMetadata()
    meta.CopyFrom(resource.metadata)
    slug = meta.slug or slugify(meta.name)
    if slug:
        meta.id, meta.slug = "", slug
    return meta


def _with(message: str, remedy: str) -> str:
    return f"{message}; {remedy}" if remedy else message
