"""Brings the resources of one kind to the library: page by page as far as one looks, anew when some change."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource, ResourceFilter, ResourceOrder
from stigmer_apis.errors import StigmerError
from stigmer_tui.completion.fuzzy import best
from stigmer_tui.manifests.kinds import Kind
from stigmer_tui.widgets.library.rows import Entry, entry_of

if TYPE_CHECKING:
    from stigmer_apis.client import Client

_ORDERS = {"session": ResourceOrder.RESOURCE_ORDER_UNSPECIFIED}
"""Kinds that are read from the newest on; the others by name."""
PAGE = 200
"""Resources that are fetched at once."""
FEW = 20
"""Where fewer contain what is looked for, names that are near to it are shown as well."""
LOOKED_AT = 1000
"""Resources whose names are looked at for that."""
SETTLE_SECONDS = 0.25
"""After a change, before the list is fetched anew."""


class LibraryFeed:
    """The entries of one kind under one filter. `shown` is told whenever there are others; its argument says whether it is another list."""

    def __init__(self, shown: Callable[[bool], None]) -> None:
        self._shown = shown
        self._kind: Kind | None = None
        self._text = ""
        self._token = ""
        self._resources: dict[str, Resource] = {}
        self._fetching = asyncio.Lock()
        self.entries: list[Entry] = []
        self.total = 0
        """How many there are in all, as far as that is known."""
        self.more = False
        """Whether there are more than were fetched."""
        self.error: StigmerError | None = None
        self.loaded = False
        self.shows: tuple[Kind, str] | None = None
        """The kind and the text of the list that is there, or of the one that could not be fetched."""

    def resource(self, entry: Entry) -> Resource | None:
        """The whole of an entry."""
        return self._resources.get(entry.resource_id)

    async def turn_to(self, client: "Client", kind: Kind, text: str) -> None:
        """Show another list."""
        self._kind, self._text = kind, text
        await self._fetch(client, again=False)

    async def fetch_more(self, client: "Client") -> None:
        """The next page, where there is one and nobody fetches it yet."""
        if self._token and not self._fetching.locked():
            async with self._fetching:
                await self._page(client, self._token, self.entries, self._resources)
            self._shown(False)

    async def follow(self, client: "Client") -> None:
        """Fetch anew whenever something of the kind changes. Until it is cancelled."""
        async with aclosing(client.resources.watch()) as changes:
            async for change in changes:
                kinds = {resource.WhichOneof("resource") for resource in change.changed}
                numbers = {removed.kind for removed in change.removed}
                kind = self._kind
                if kind is not None and (change.reset or kind.field in kinds or kind.number in numbers):
                    await asyncio.sleep(SETTLE_SECONDS)
                    await self._fetch(client, again=True)

    async def _fetch(self, client: "Client", *, again: bool) -> None:
        wanted = len(self.entries) if again else PAGE
        async with self._fetching:
            entries: list[Entry] = []
            resources: dict[str, Resource] = {}
            self._token = ""
            asked = self._kind, self._text
            await self._page(client, "", entries, resources)
            while self._token and len(entries) < wanted:
                await self._page(client, self._token, entries, resources)
            if self._text and not self._token and len(entries) < FEW and self.error is None:
                await self._add_near(client, entries, resources)
            self.entries, self._resources = entries, resources
            self.shows = (asked[0], asked[1]) if asked[0] is not None else None
        self._shown(not again)

    async def _add_near(self, client: "Client", entries: list[Entry], resources: dict[str, Resource]) -> None:
        """Behind what contains the text, what has its letters in its name, in order: `rvw` finds `reviewer`."""
        kind, text = self._kind, self._text
        if kind is None:
            return
        try:
            page = await client.resources.list(ApiResourceKind.Value(kind.field), page_size=LOOKED_AT)
        except StigmerError as error:
            self.error = error
            return
        known = {entry_of(each).resource_id: each for each in page.resources}
        others = [entry for key, each in known.items() if key not in resources and (entry := entry_of(each))]
        for entry in best(text, others, FEW, lambda each: each.name):
            resources[entry.resource_id] = known[entry.resource_id]
            entries.append(entry)
        self.total = len(entries)

    async def _page(self, client: "Client", token: str, entries: list[Entry], resources: dict[str, Resource]) -> None:
        """Put a page behind what is in `entries` and `resources`."""
        kind = self._kind
        if kind is None:
            return
        try:
            page = await client.resources.list(
                ApiResourceKind.Value(kind.field),
                ResourceFilter(text=self._text),
                order=_ORDERS.get(kind.field, ResourceOrder.RESOURCE_ORDER_NAME),
                page_size=PAGE,
                page_token=token,
            )
        except StigmerError as error:
            self.error, self._token = error, ""
            return
        self.error, self.loaded = None, True
        self._token, self.total = page.next_page_token, page.total
        self.more = bool(page.next_page_token)
        for resource in page.resources:
            entry = entry_of(resource)
            resources[entry.resource_id] = resource
            entries.append(entry)
