"""Rows whose record a damaged disk has lost: they stand in lists all the same, and say so, so that the rest can be listed, and they deleted."""

from stigmer_apis.protocol import API_VERSION, DAMAGE_ANNOTATION
from stigmer_backend.resources.kinds import EXECUTIONS, WORKFLOW_EXECUTIONS, Kind, R, Resource
from stigmer_backend.resources.lookup import find, find_named, named_id
from stigmer_backend.store import Row, StateRead, StoreDamaged

RECORD_LOST = "its record is lost to a damaged disk; a backup may hold it"

_ROWS_OF_THEIR_OWN = frozenset({EXECUTIONS.number, WORKFLOW_EXECUTIONS.number})


def resource_of(state: StateRead, kind: Kind[R], row: Row) -> R | None:
    """The resource of a row; None where it is gone; where its record is damaged, one that says that and what the row knows."""
    try:
        data = state.data(kind.table, row.id)
    except StoreDamaged:
        return _lost(kind, row)
    return None if data is None else kind.decode(data)


def find_even_lost(state: StateRead, kind: Kind[R], resource_id: str) -> R:
    """The resource with this id; where its record is damaged, as in `resource_of`. Raises `NotFound`."""
    try:
        return find(state, kind, resource_id)
    except StoreDamaged:
        row = state.row(kind.table, resource_id)
        if row is None:
            raise
        return _lost(kind, row)


def find_named_even_lost(state: StateRead, kind: Kind[R], name: str) -> R:
    """The resource whose id, or else whose slug, is `name`, damaged or not. Raises `NotFound` as `find_named`."""
    found = named_id(state, kind, name)
    return find_named(state, kind, name) if found is None else find_even_lost(state, kind, found)


def is_lost(resource: Resource) -> bool:
    """Whether it stands for one whose record is damaged."""
    return resource.metadata.annotations.get(DAMAGE_ANNOTATION) == RECORD_LOST


def row_name(kind: Kind[R], row: Row) -> str:
    """The name that a row knows; of executions, whose rows hold other things, none."""
    return "" if kind.number in _ROWS_OF_THEIR_OWN else row.summary.decode("utf-8", "surrogateescape")


def _lost(kind: Kind[R], row: Row) -> R:
    told = kind.message()
    told.api_version, told.kind = API_VERSION, kind.name
    name = row.summary.decode("utf-8", "replace") if row_name(kind, row) else ""
    told.metadata.id, told.metadata.name, told.metadata.slug = row.id, name, name
    told.metadata.annotations[DAMAGE_ANNOTATION] = RECORD_LOST
    return told
