"""WatchResources: a cursor over what the store wrote last."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    WatchResourcesRequest,
    WatchResourcesResponse,
)
from stigmer_apis.protocol import MAX_STATUS_BYTES
from stigmer_backend.resources.kinds import EXECUTIONS, KINDS, AnyKind, Resource
from stigmer_backend.resources.wrapping import kind_of, wrap
from stigmer_backend.store import Changed, StateRead, Store

_AT_ONCE = 200
"""Resources that are read at once."""


class ResourceWatches:
    """Serves changes of resources."""

    def __init__(
        self,
        store: Store,
        show: Callable[[AnyKind, Resource], None],
        spacing_seconds: float,
        heartbeat_seconds: float,
    ) -> None:
        """`show` makes a stored resource what is told of it."""
        self._store = store
        self._show = show
        self._spacing = spacing_seconds
        self._heartbeat = heartbeat_seconds

    async def follow(self, request: WatchResourcesRequest) -> AsyncGenerator[WatchResourcesResponse]:
        """Changes after a revision, without end. The first message comes at once: a revision that is not known is answered by a reset."""
        kinds = _kinds(request)
        store, loop = self._store, asyncio.get_running_loop()
        told = request.after_revision or store.revision
        reset = store.changes(told) is None
        if reset:
            told = store.revision
        yield WatchResourcesResponse(revision=told, reset=reset)
        sent_at = loop.time()
        while True:
            await store.wait_revised(told)
            early = sent_at + self._spacing - loop.time()
            if early > 0:
                await asyncio.sleep(early)
            changes = store.changes(told)
            if changes is None:
                told, sent_at = store.revision, loop.time()
                yield WatchResourcesResponse(revision=told, reset=True)
                continue
            wanted = [record for record in changes.records if record.kind in kinds]
            if not wanted and loop.time() - sent_at < self._heartbeat:
                told = changes.revision
                continue
            sent_at = loop.time()
            last: WatchResourcesResponse | None = None
            async for message in self._messages(kinds, wanted):
                if last is not None:
                    last.revision = told
                    yield last
                last = message
            told = changes.revision
            last = last or WatchResourcesResponse()
            last.revision = told
            yield last

    async def _messages(
        self, kinds: Mapping[str, AnyKind], wanted: Sequence[Changed]
    ) -> AsyncGenerator[WatchResourcesResponse]:
        """What became of the records, in messages of a good size."""
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            found = await self._store.read_state(lambda state, some=some: _read(state, kinds, some))
            for message in self._packed(found):
                yield message

    def _packed(self, found: Sequence[tuple[AnyKind, str, Resource | None]]) -> Iterator[WatchResourcesResponse]:
        message = WatchResourcesResponse()
        used = 0
        for kind, resource_id, resource in found:
            if resource is None:
                message.removed.add(kind=kind.number, id=resource_id)
                continue
            self._show(kind, resource)
            size = resource.ByteSize()
            if message.changed and used + size > MAX_STATUS_BYTES:
                yield message
                message, used = WatchResourcesResponse(), 0
            message.changed.append(wrap(kind, resource))
            used += size
        if message.changed or message.removed:
            yield message


def _kinds(request: WatchResourcesRequest) -> Mapping[str, AnyKind]:
    """The kinds that are watched, by table."""
    asked = [kind_of(number, "kinds") for number in request.kinds]
    return {kind.table: kind for kind in asked or (kind for kind in KINDS if kind.number != EXECUTIONS.number)}


def _read(
    state: StateRead, kinds: Mapping[str, AnyKind], records: Sequence[Changed]
) -> list[tuple[AnyKind, str, Resource | None]]:
    found: list[tuple[AnyKind, str, Resource | None]] = []
    for changed in records:
        kind, record = kinds[changed.kind], state.get(changed.kind, changed.id)
        found.append((kind, changed.id, None if record is None else kind.decode(record.data)))
    return found
