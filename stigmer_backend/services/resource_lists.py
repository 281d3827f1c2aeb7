"""The lists of `ResourceService`: pages of resources, changes, versions."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import (
    ListResourcesRequest,
    ListResourcesResponse,
    ListVersionsRequest,
    ListVersionsResponse,
    ResourceOrder,
    RestoreVersionRequest,
    RestoreVersionResponse,
    WatchResourcesRequest,
    WatchResourcesResponse,
)
from stigmer_apis.errors import InvalidArgument
from stigmer_apis.protocol import DEFAULT_PAGE_SIZE, MAX_STATUS_BYTES
from stigmer_backend.resources.catalogues import Catalogues
from stigmer_backend.resources.filters import select
from stigmer_backend.resources.history import find_version, versions_page
from stigmer_backend.resources.kinds import AnyKind, Resource
from stigmer_backend.resources.listing import Found, Selection, Turn, by_name, by_time
from stigmer_backend.resources.lookup import find_named, find_record, named_id
from stigmer_backend.resources.lost import resource_of, row_name
from stigmer_backend.resources.paging import decode_token, encode_token, page_rows
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.resources.wrapping import kind_of, wrap
from stigmer_backend.services.live_view import LiveView, trim
from stigmer_backend.services.resource_watches import ResourceWatches
from stigmer_backend.store import Record, Row, StateRead, StateWrite, Store, StoreDamaged

_COUNT_BYTES = 8
_ENVELOPE = 16


@dataclass(frozen=True, slots=True)
class ListOptions:
    """How much a list does."""

    scan_rows: int
    """Rows that one filtered list looks at."""
    watch_spacing_seconds: float
    """Least time between two messages of a watch."""
    heartbeat_seconds: float
    """A watch says at least this often how far it is, where anything was written."""


class ResourceLists:
    """Answers what asks for many resources, or for what one was before."""

    def __init__(
        self, store: Store, catalogues: Catalogues, live: LiveView, stamps: Stamps, options: ListOptions
    ) -> None:
        self._store = store
        self._catalogues = catalogues
        self._live = live
        self._stamps = stamps
        self._options = options
        self._watches = ResourceWatches(store, self._shown, options.watch_spacing_seconds, options.heartbeat_seconds)

    async def list_resources(self, request: ListResourcesRequest) -> ListResourcesResponse:
        """A page of resources of one kind. Raises `InvalidArgument` for a filter, size or token that cannot be."""
        kind = kind_of(request.kind)
        size = page_rows(request.page_size, DEFAULT_PAGE_SIZE)
        wanted = request.filter
        chosen = select(kind, wanted, self._live.has_phase(kind, frozenset(wanted.phases)), self._options.scan_rows)
        question = b"\0".join(
            (kind.field.encode(), bytes((request.order,)), wanted.SerializeToString(deterministic=True))
        )
        turn = _turn(
            decode_token(question, request.page_token), size, named=request.order == ResourceOrder.RESOURCE_ORDER_NAME
        )
        revision = self._store.revision
        page = await self._store.read_state(_Query(kind, chosen, turn, request.order).ask)
        answer = ListResourcesResponse(
            total=page.found.total, total_is_lower_bound=page.found.is_lower_bound, revision=revision
        )
        place, used = page.next_place, 0
        for count, (resource, _) in enumerate(page.entries):
            self._live.complete(resource)
            used += resource.ByteSize() + _ENVELOPE
            if count and used > MAX_STATUS_BYTES:
                place = _place(page.found.before + count, page.entries[count - 1][1])
                break
            self._catalogues.means.secrets.mask(kind, resource)
            answer.resources.append(wrap(kind, resource))
        if place is not None:
            answer.next_page_token = encode_token(question, place)
        return answer

    def watch_resources(self, request: WatchResourcesRequest) -> AsyncGenerator[WatchResourcesResponse]:
        """Which resources changed, without end. Raises `InvalidArgument` for a kind that is not served."""
        return self._watches.follow(request)

    async def list_versions(self, request: ListVersionsRequest) -> ListVersionsResponse:
        """What a resource was before, newest first. Raises `NotFound` where there is none."""
        kind = kind_of(request.kind)
        size = page_rows(request.page_size, DEFAULT_PAGE_SIZE)
        resource_id, record = await self._store.read_state(lambda state: _record(state, kind, request.name))
        question = f"versions\0{resource_id}".encode()
        after = decode_token(question, request.page_token)
        versions, following = await self._store.read_state(
            lambda state: versions_page(state, kind, record, resource_id, after, size)
        )
        token = "" if following is None else encode_token(question, following)
        return ListVersionsResponse(versions=versions, next_page_token=token)

    async def restore_version(self, request: RestoreVersionRequest) -> RestoreVersionResponse:
        """Make an old version of a resource its newest: an update with what it said then.

        Raises `NotFound` for an unknown resource or version, and what an update raises: what it names may be gone, and a secret that is not set any
        more cannot come back.
        """
        kind = kind_of(request.kind)
        catalogue = self._catalogues.of(kind)
        stamp = self._stamps.now()

        def change(state: StateWrite) -> Resource:
            resource_id, record = _record(state, kind, request.name)
            stored = kind.decode(record.data)
            wanted = catalogue.copy(find_version(state, kind, stored, request.version_id))
            wanted.metadata.id = resource_id
            wanted.metadata.ClearField("version")
            wanted.metadata.version.message = f"version {request.version_id} again"
            return catalogue.update(state, wanted, stamp, "restored")[0]

        fresh = await self._store.write(change)
        self._live.complete(fresh)
        self._catalogues.means.secrets.mask(kind, fresh)
        return RestoreVersionResponse(resource=wrap(kind, fresh))

    def _shown(self, kind: AnyKind, resource: Resource) -> None:
        """Make a stored resource what is told of it."""
        self._live.complete(resource)
        self._catalogues.means.secrets.mask(kind, resource)


@dataclass(frozen=True, slots=True)
class _Page:
    entries: list[tuple[Resource, bytes]]
    """Resources, and the place of each in the order."""
    found: Found
    next_place: bytes | None


@dataclass(frozen=True, slots=True)
class _Query:
    """One question to the index, asked on a reader's thread."""

    kind: AnyKind
    chosen: Selection
    turn: Turn
    order: ResourceOrder.ValueType

    def ask(self, state: StateRead) -> _Page:
        """The page; it ends early where a client could not take more."""
        if self.order == ResourceOrder.RESOURCE_ORDER_NAME:
            found = by_name(state, self.chosen, self.turn, self._name_of)
        else:
            newest_first = self.order != ResourceOrder.RESOURCE_ORDER_OLDEST
            found = by_time(state, self.chosen, self.turn, newest_first=newest_first)
        entries: list[tuple[Resource, bytes]] = []
        used = 0
        for row, at in zip(found.rows, found.places, strict=True):
            resource = resource_of(state, self.kind, row)
            if resource is None:
                continue
            trim(resource)
            used += resource.ByteSize() + _ENVELOPE
            if entries and used > MAX_STATUS_BYTES:
                return _Page(entries, found, _place(found.before + len(entries), entries[-1][1]))
            entries.append((resource, at))
        place = None if found.next_place is None else _place(found.behind, found.next_place)
        return _Page(entries, found, place)

    def _name_of(self, state: StateRead, row: Row) -> str:
        if name := row_name(self.kind, row):
            return name
        try:
            record = state.get(self.kind.table, row.id)
        except StoreDamaged:
            return ""
        return "" if record is None else record.slug


def _record(state: StateRead, kind: AnyKind, name: str) -> tuple[str, Record]:
    """Id and record of what `name`, an id or a slug, means. Raises `NotFound`."""
    found = named_id(state, kind, name) or find_named(state, kind, name).metadata.id
    return found, find_record(state, kind, found)[1]


def _turn(token: bytes | None, size: int, *, named: bool) -> Turn:
    if token is None:
        return Turn(None, 0, size)
    place = token[_COUNT_BYTES:]
    if len(place) < (1 if named else _COUNT_BYTES + 1):
        raise InvalidArgument("the page token is cut", remedy="take it as the last page gave it")
    return Turn(place, int.from_bytes(token[:_COUNT_BYTES]), size)


def _place(passed: int, at: bytes) -> bytes:
    return passed.to_bytes(_COUNT_BYTES) + at
