"""What the published services of all kinds have in common: write, delete, get."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceDeleteInput,
    ApiResourceReference,
)
from stigmer_apis.transport import aio
from stigmer_backend.executions.deletion import Deletion
from stigmer_backend.resources.catalogue import Catalogue
from stigmer_backend.resources.catalogues import Catalogues
from stigmer_backend.resources.kinds import Kind, R
from stigmer_backend.resources.lookup import find, find_by_reference
from stigmer_backend.resources.removal import Removed
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.services.calls import is_forced
from stigmer_backend.services.first_answers import answering
from stigmer_backend.services.writes import Writes
from stigmer_backend.store import StateRead, StateWrite, Store


class Id(Protocol):
    """A request that is nothing but an id."""

    value: str


I = TypeVar("I", bound=Id)  # noqa: E741
"""The request of a `get`."""
D = TypeVar("D")
"""The request of a `delete`."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a delete is asked to take."""

    id: str
    force: bool = False


def by_value(request: Id) -> Target:
    """The target of a delete that names an id alone."""
    return Target(request.value)


def by_input(request: ApiResourceDeleteInput) -> Target:
    """The target of a delete that says whether it is forced."""
    return Target(request.resource_id, request.force)


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What the services of all kinds work with."""

    store: Store
    stamps: Stamps
    catalogues: Catalogues
    deletion: Deletion

    def mask(self, kind: Kind[R], resource: R) -> R:
        """`resource`, its secret values masked: it is about to be answered."""
        self.catalogues.means.secrets.mask(kind, resource)
        return resource


class Deletes(Generic[R, D]):
    """The delete of one kind."""

    def __init__(self, parts: ServiceParts, kind: Kind[R], target: Callable[[D], Target]) -> None:
        self._parts = parts
        self._kind = kind
        self._target = target

    async def delete(self, request: D, context: aio.ServicerContext[D, R]) -> R:
        """Delete a resource with what goes with it."""
        target = self._target(request)
        return await delete(self._parts, self._kind, target.id, force=target.force or is_forced(context))


class Commands(Deletes[R, D]):
    """The writes of one kind."""

    def __init__(self, parts: ServiceParts, catalogue: Catalogue[R], target: Callable[[D], Target]) -> None:
        super().__init__(parts, catalogue.kind, target)
        self._writes = Writes(parts.store, catalogue, parts.stamps)

    async def prepare(self, request: R) -> R:
        """Look at a resource before it is written, outside of the transaction."""
        return request

    async def apply(self, request: R, context: aio.ServicerContext[R, R]) -> R:
        """Create or update by slug."""
        return await self._writes.apply(await self.prepare(request), context)

    async def create(self, request: R, context: aio.ServicerContext[R, R]) -> R:
        """Store a new resource, with what comes with it."""
        return await self._writes.create(await self.prepare(request), context)

    async def update(self, request: R, context: aio.ServicerContext[R, R]) -> R:
        """Replace a stored resource's spec."""
        return await self._writes.update(await self.prepare(request), context)


class Gets(Generic[R, I]):
    """The read of one resource of one kind."""

    def __init__(self, parts: ServiceParts, kind: Kind[R]) -> None:
        self._parts = parts
        self._kind = kind

    async def get(self, request: I, context: aio.ServicerContext[I, R]) -> R:
        """The resource with this id."""
        found = await self._parts.store.read_state(lambda state: find(state, self._kind, request.value))
        return self._parts.mask(self._kind, found)


class Queries(Gets[R, I]):
    """The reads of one kind."""

    def by_reference(self, state: StateRead, request: ApiResourceReference) -> R:
        """The resource that a reference means."""
        return find_by_reference(state, self._kind, request)

    async def getByReference(
        self, request: ApiResourceReference, context: aio.ServicerContext[ApiResourceReference, R]
    ) -> R:
        """The resource with this slug."""
        found = await self._parts.store.read_state(lambda state: self.by_reference(state, request))
        return self._parts.mask(self._kind, found)


async def delete(parts: ServiceParts, kind: Kind[R], resource_id: str, *, force: bool) -> R:
    """Delete a resource with what goes with it. Raises what `Removal.delete` raises."""
    at_ns, call = parts.stamps.now().at_ns, answering()

    def take(state: StateWrite) -> tuple[R, Removed]:
        gone, removed = parts.catalogues.removal.delete(state, kind, resource_id, at_ns, force=force)
        if call is not None:
            call.note(state, cast(Message, gone), at_ns)
        return gone, removed

    return parts.mask(kind, await parts.deletion.delete(take))
