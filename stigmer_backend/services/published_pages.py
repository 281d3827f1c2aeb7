"""Pages of the published lists that have tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from stigmer_apis.protocol import MAX_STATUS_BYTES
from stigmer_backend.executions.board import Board
from stigmer_backend.resources.kinds import Kind, R
from stigmer_backend.resources.listing import Source
from stigmer_backend.resources.pages import Question
from stigmer_backend.resources.paging import PUBLISHED_PAGE_SIZE, decode_token, encode_token, page_rows, pages_of
from stigmer_backend.services.kind_services import ServiceParts


class PublishedList(Protocol):
    """What the answers of such lists have, beside their entries."""

    total_pages: int
    next_page_token: str
    revision: int
    total_is_lower_bound: bool
    total_rows: int


L = TypeVar("L", bound=PublishedList)


class PageRequest(Protocol):
    """What asks for such a page."""

    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class PublishedPages(Generic[R]):
    """The pages of one kind, newest first."""

    parts: ServiceParts
    board: Board
    kind: Kind[R]
    scan_rows: int
    """With a filter: rows to look at."""
    trim: Callable[[R], None] | None = None
    """Takes out what a list does not show, on a reader's thread."""
    complete: Callable[[R], None] | None = None
    """Makes an entry what it is by now, on the event loop. A page ends early where its entries would be more than published clients take."""

    async def fill(
        self,
        answer: L,
        request: PageRequest,
        *,
        parent: str = "",
        said: str = "",
        marked: tuple[str, ...] = (),
        any_of: tuple[Source, ...] | None = None,
    ) -> tuple[L, list[R]]:
        """Say in `answer` which page it is, and return it with its entries. `said` tells filters apart: a token is of one filter.

        Each entry is in all lists of `marked`, and in one of `any_of`, where that is given.
        Raises `InvalidArgument` for a size or a token that cannot be answered.
        """
        size = page_rows(request.page_size, PUBLISHED_PAGE_SIZE)
        question = repr((self.kind.field, parent, said)).encode()
        place = decode_token(question, request.page_token)
        answer.revision = self.board.revision
        asked = Question(self.kind, parent, place, size, self.scan_rows, marked, any_of, self.trim)
        page = await self.parts.store.read_state(asked.ask)
        answer.total_rows = page.total
        answer.total_pages = pages_of(page.total, size)
        answer.total_is_lower_bound = page.is_lower_bound
        following, entries, used = page.next_place, list[R](), 0
        for count, one in enumerate(page.entries):
            if self.complete is not None:
                self.complete(one)
            used += one.ByteSize()
            if count and used > MAX_STATUS_BYTES:
                following = page.place_behind(count)
                break
            entries.append(self.parts.mask(self.kind, one))
        if following is not None:
            answer.next_page_token = encode_token(question, following)
        return answer, entries
