"""Applying, deleting and getting resources of any kind, as `ResourceService` is asked."""

import asyncio
from dataclasses import dataclass
from typing import cast

from google.protobuf.message import Message

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ApplyResourcesRequest,
    ApplyResourcesResponse,
    DeleteResourceRequest,
    DeleteResourceResponse,
    GetResourceRequest,
    GetResourceResponse,
)
from stigmer_apis.errors import FieldViolation, InvalidArgument, StigmerError
from stigmer_apis.protocol import MAX_MESSAGE_BYTES
from stigmer_backend.executions.reading import Reading
from stigmer_backend.executions.workspace import Workspaces
from stigmer_backend.resources.applying import (
    Applying,
    Batch,
    Done,
    Prune,
    Undo,
    Wanted,
    not_applied,
    prune_kinds,
    twice_in,
)
from stigmer_backend.resources.contract_rules import violations_of
from stigmer_backend.resources.kinds import EXECUTIONS, SESSIONS, WORKFLOW_EXECUTIONS, WORKFLOWS
from stigmer_backend.resources.lookup import find_named
from stigmer_backend.resources.lost import find_named_even_lost
from stigmer_backend.resources.removal import Dependant, Plan, Removed, name_of
from stigmer_backend.resources.repeats import Repeatable, made_before, remember
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.resources.wrapping import kind_of, unwrap, wrap
from stigmer_backend.services.first_answers import answering
from stigmer_backend.services.kind_services import ServiceParts
from stigmer_backend.services.sessions import with_workspace
from stigmer_backend.store import StateRead, StateWrite

MOST_RESOURCES = 10_000
"""In one request."""

_MOST_DEPENDANTS = 10_000
_METHOD = "ResourceService/ApplyResources"
_LARGEST_ANSWER = MAX_MESSAGE_BYTES


class AnyResources:
    """Gets, applies and deletes resources of any kind."""

    def __init__(self, parts: ServiceParts, reading: Reading, workspaces: Workspaces) -> None:
        self._parts = parts
        self._reading = reading
        self._workspaces = workspaces
        self._applying = Applying(parts.catalogues)

    async def get(self, request: GetResourceRequest) -> GetResourceResponse:
        """One resource, by id or by slug. Raises `NotFound`."""
        kind = kind_of(request.kind)
        found = await self._parts.store.read_state(lambda state: find_named(state, kind, request.name))
        if kind.field in (EXECUTIONS.field, WORKFLOW_EXECUTIONS.field):
            found = await self._reading.any(found.metadata.id)
        return GetResourceResponse(resource=wrap(kind, self._parts.mask(kind, found)))

    async def apply(self, request: ApplyResourcesRequest, key: str) -> ApplyResourcesResponse:
        """Create, update and prune, all or nothing. `key` is the call's idempotency key, empty for none.

        Raises `ManyInvalid` with every mistake of every resource; an error of another kind where there is but that one.
        """
        if len(request.resources) > MOST_RESOURCES:
            raise InvalidArgument(
                f"{len(request.resources)} resources are too many for one call",
                remedy=f"apply at most {MOST_RESOURCES} at a time",
                violations=[FieldViolation("resources", "repeated.max_items", f"must be at most {MOST_RESOURCES}")],
            )
        asked = [kind_of(number, "prune_kinds") for number in request.prune_kinds]
        call = None
        if key and not request.dry_run:
            call = Repeatable.of(key, _METHOD, await asyncio.to_thread(self._masked, request))
        batch = await asyncio.to_thread(_read, request)
        await self._place_sessions(batch)
        await self._read_documents(batch)
        prune = Prune(dict(request.prune_labels), prune_kinds(asked, batch), request.force)
        step = _Step(self._applying, batch, prune, self._parts.stamps.now(), call, request.dry_run)
        try:
            done = await self._parts.store.write(step.take)
        except Undo as undone:
            done = undone.done
        else:
            self._parts.deletion.follow(done.removed)
        return _answer(request, done)

    async def delete(self, request: DeleteResourceRequest) -> DeleteResourceResponse:
        """Delete one, or tell what would go with it and what keeps it. Raises `NotFound`, `FailedPrecondition`."""
        kind = kind_of(request.kind)
        removal, at_ns, call = self._parts.catalogues.removal, self._parts.stamps.now().at_ns, answering()

        def look(state: StateRead) -> DeleteResourceResponse:
            resource = find_named_even_lost(state, kind, request.name)
            told = _told(state, removal.plan(state, kind, resource))
            told.deleted.CopyFrom(wrap(kind, self._parts.mask(kind, resource)))
            return told

        def take(state: StateWrite) -> tuple[DeleteResourceResponse, Removed]:
            told = look(state)
            found = find_named_even_lost(state, kind, request.name)
            _, removed = removal.delete(state, kind, found.metadata.id, at_ns, force=request.force)
            if call is not None:
                call.note(state, told, at_ns)
            return told, removed

        if request.dry_run:
            return await self._parts.store.read_state(look)
        return await self._parts.deletion.delete(take)

    async def _place_sessions(self, batch: Batch) -> None:
        """Give sessions their workspaces as absolute paths; one that cannot be is noted."""
        for wanted in list(batch.wanted):
            if isinstance(wanted.resource, SESSIONS.message):
                try:
                    await with_workspace(self._workspaces, wanted.resource)
                except StigmerError as error:
                    batch.violations.append(
                        FieldViolation(f"{wanted.path}.spec.metadata", "stigmer.workspace", error.message)
                    )
                    batch.wanted.remove(wanted)
                    batch.hopeless.add(wanted.name)

    async def _read_documents(self, batch: Batch) -> None:
        """Read the documents of workflows before the transaction; one that cannot be run is noted."""
        for wanted in list(batch.wanted):
            if isinstance(wanted.resource, WORKFLOWS.message):
                try:
                    await self._parts.catalogues.documents.prepare(wanted.resource.spec)
                except InvalidArgument as error:
                    batch.violations.extend(
                        FieldViolation(f"{wanted.path}.{one.field}", one.rule, one.message) for one in error.violations
                    )
                    batch.wanted.remove(wanted)
                    batch.hopeless.add(wanted.name)

    def _masked(self, request: ApplyResourcesRequest) -> bytes:
        """The request as a repeat is known by: without secret values."""
        masked = ApplyResourcesRequest()
        masked.CopyFrom(request)
        for wrapped in masked.resources:
            if wrapped.WhichOneof("resource") is not None:
                kind, resource = unwrap(wrapped)
                self._parts.mask(kind, resource)
        return masked.SerializeToString(deterministic=True)


@dataclass(frozen=True, slots=True)
class _Step:
    """A batch as one step of the store's writer."""

    applying: Applying
    batch: Batch
    prune: Prune
    stamp: Stamp
    call: Repeatable | None
    dry_run: bool

    def take(self, state: StateWrite) -> Done:
        """Apply it. Raises `Undo` in a dry run, so that nothing of it happens."""
        again = made_before(state, self.call) is not None
        done = self.applying.apply(state, self.batch, self.prune, self.stamp, again=again)
        if self.dry_run:
            raise Undo(done)
        if not again:
            remember(state, self.call, "applied", self.stamp.at_ns)
        return done


def _read(request: ApplyResourcesRequest) -> Batch:
    """The resources of a request, and what is wrong with each by itself."""
    batch = Batch()
    found: list[Wanted] = []
    for place, wrapped in enumerate(request.resources):
        try:
            kind, resource = unwrap(wrapped, f"resources[{place}]")
        except InvalidArgument as error:
            batch.violations += error.violations
            continue
        wanted = Wanted(f"resources[{place}].{kind.field}", kind, resource)
        wrong = [
            FieldViolation(f"{wanted.path}.{one.field}" if one.field else wanted.path, one.rule, one.message)
            for one in violations_of(cast(Message, resource))
        ]
        refusal = not_applied(kind)
        if refusal:
            wrong = [FieldViolation(wanted.path, "stigmer.apply.kind", refusal)]
        if wrong:
            batch.violations += wrong
            batch.hopeless.add(wanted.name)
        else:
            found.append(wanted)
    doubled = {wanted.path: wrong for wanted, wrong in twice_in(found)}
    batch.violations += doubled.values()
    batch.wanted = [wanted for wanted in found if wanted.path not in doubled]
    return batch


def _answer(request: ApplyResourcesRequest, done: Done) -> ApplyResourcesResponse:
    """What came of each, in the request's order; without what it was before where that would pass the size of a message."""
    answer = ApplyResourcesResponse(pruned=done.pruned)
    for place, wrapped in enumerate(request.resources):
        answer.applied.append(done.applied[f"resources[{place}].{wrapped.WhichOneof('resource')}"])
    if answer.ByteSize() > 2 * _LARGEST_ANSWER - (1 << 20):
        for applied in answer.applied:
            applied.ClearField("before")
    return answer


def _told(state: StateRead, plan: Plan) -> DeleteResourceResponse:
    def told(one: Dependant) -> DeleteResourceResponse.Dependant:
        return DeleteResourceResponse.Dependant(
            kind=one.kind.number, id=one.id, name=name_of(state, one), reason=one.reason, stays=one.stays
        )

    return DeleteResourceResponse(
        along=[told(one) for one in plan.along[:_MOST_DEPENDANTS]],
        holding=[told(one) for one in plan.holding[:_MOST_DEPENDANTS]],
    )
