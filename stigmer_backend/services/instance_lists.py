"""Lists of instances, whose published pages have numbers."""

from stigmer_apis._generated.ai.stigmer.commons.rpc.page_pb2 import PageInfo
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_backend.resources.kinds import AnyKind, Kind, R
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.lost import resource_of
from stigmer_backend.resources.paging import PUBLISHED_PAGE_SIZE, page_rows
from stigmer_backend.services.kind_services import ServiceParts
from stigmer_backend.store import StateRead

_MOST_ROWS = 1_000_000
"""The last row that a number of a page may lead to: each row before it is passed over one by one."""


async def numbered_page(
    parts: ServiceParts, kind: Kind[R], owner: AnyKind, owner_id: str, info: PageInfo
) -> tuple[list[R], int]:
    """The page of the instances of an owner, newest first, and how many there are in all. Pages count from 1; 0 is the first one too.

    Raises `NotFound` for the owner, `InvalidArgument` for a size or a number that cannot be given.
    """
    size = page_rows(info.size, PUBLISHED_PAGE_SIZE)
    number = max(1, info.num)
    if number * size > _MOST_ROWS:
        raise InvalidArgument(
            f"page {number} cannot be given by its number",
            remedy="list them with ResourceService.ListResources, whose pages go on from each other",
            violations=[FieldViolation("page_info.num", "stigmer.page_number", "is too high")],
        )

    def look(state: StateRead) -> tuple[list[R], int]:
        find(state, owner, owner_id)
        rows = state.page(kind.table, owner_id, limit=number * size)[(number - 1) * size :]
        found = [one for row in rows if (one := resource_of(state, kind, row)) is not None]
        return found, state.count(kind.table, owner_id)

    found, total = await parts.store.read_state(look)
    return [parts.mask(kind, one) for one in found], total
