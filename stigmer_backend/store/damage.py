"""Which executions and records stand on damaged objects, when an opening found some. It looks at every tree, so it is done then alone."""

from collections.abc import Iterator
from typing import cast

from persistent import Persistent

from stigmer_backend.store.database import Session
from stigmer_backend.store.errors import StoreDamaged
from stigmer_backend.store.persistent_classes import ChunkTree, NameTree


def damaged_executions(session: Session, objects: frozenset[bytes]) -> tuple[frozenset[str], bool]:
    """Executions of `events.fs` with a chunk, a node or a standing among `objects`, and whether there may be more."""
    found: set[str] = set()
    more = False
    for name, tree in _items(cast(NameTree, session.root["chunks"])):
        if tree is None:
            more = True
        elif not _is_whole(cast(ChunkTree, tree), objects):
            found.add(name.partition("/")[2])
    for name, cell in _items(cast(NameTree, session.root["standings"])):
        if cell is None:
            more = True
        elif _oid(cell) in objects:
            found.add(name)
    return frozenset(found), more


def damaged_records(session: Session, objects: frozenset[bytes]) -> tuple[tuple[tuple[str, str], ...], bool]:
    """Records of `state.fs` among `objects`, and whether there may be more."""
    found: list[tuple[str, str]] = []
    more = False
    for kind, branch in _items(cast(NameTree, session.root["records"])):
        if branch is None:
            more = True
            continue
        for record, cell in _items(cast(NameTree, branch)):
            if cell is None:
                more = True
            elif _oid(cell) in objects:
                found.append((kind, record))
    return tuple(found), more


def _items(tree: NameTree) -> Iterator[tuple[str, object | None]]:
    """What is in a tree, up to a node that is damaged: then None."""
    try:
        yield from tree.items()
    except StoreDamaged:
        yield "", None


def _is_whole(tree: ChunkTree, objects: frozenset[bytes]) -> bool:
    try:
        return all(_oid(chunk) not in objects for chunk in tree.values())
    except StoreDamaged:
        return False


def _oid(value: object) -> bytes | None:
    return value._p_oid if isinstance(value, Persistent) else None
