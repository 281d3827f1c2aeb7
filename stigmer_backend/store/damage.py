"""Which executions and records stand on damaged objects, when some were found. It looks at every tree, so it is done then alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from persistent import Persistent

from stigmer_backend.store.database import Database, Session
from stigmer_backend.store.errors import StoreDamaged
from stigmer_backend.store.parts import look
from stigmer_backend.store.persistent_classes import ChunkTree, NameTree
from stigmer_backend.store.report import RecoveryReport


def name_losses(state: Database, events: Database, report: RecoveryReport) -> frozenset[str]:
    """Say in `report` what its damage belongs to; the executions whose events are lost."""
    looks = [
        (database, frozenset(damage.object for damage in report.damage if _base(damage.path) == _base(database.path)))
        for database in (state, events)
    ]
    (state, in_state), (events, in_events) = looks
    records, more_records = look(state, lambda session: damaged_records(session, in_state))
    executions, more_executions = look(events, lambda session: damaged_executions(session, in_events))
    report.damaged_executions = tuple(sorted(executions))
    report.damaged_records = records
    report.losses = [
        f"Events of the run {name} are lost; it is kept as it is, read-only." for name in sorted(executions)
    ]
    report.losses += [f"The {kind} {name} is lost." for kind, name in records]
    if more_records or more_executions:
        report.losses.append("More may be lost: what tells of others is damaged itself.")
    return executions


def _base(path: Path) -> str:
    """Which database a file is of: a pack gives it another number."""
    return path.name.partition(".")[0]


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
