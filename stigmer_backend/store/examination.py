"""A look at every byte of a store, changing nothing; also while it is open. What `doctor` tells of it."""

import os
from dataclasses import dataclass
from pathlib import Path

from ZODB.fsIndex import fsIndex

from stigmer_backend.store.database_format import MAGIC, read_transaction
from stigmer_backend.store.digest import DigestEntry, read_digest
from stigmer_backend.store.errors import OpenRefused
from stigmer_backend.store.journal import journal_numbers, journal_path, scan
from stigmer_backend.store.manifest import DATABASES, manifest_path, read_manifest

TRIES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One file: how much of it is whole, and what is wrong, or "" when nothing is.

    Bytes behind `whole` are the end of a write: one under way, or one that the next opening cuts off and keeps.
    """

    path: Path
    size: int
    whole: int
    problem: str = ""


def examine(directory: Path) -> list[Finding]:
    """Read every file of the store below `directory`. It takes about a second for 200 MB, and blocks."""
    findings, store = list[Finding](), ""
    for _ in range(TRIES):
        before, store = _named(directory)
        findings = [_manifest(directory)]
        findings += [_database(directory / name) for name in before]
        if _named(directory) == (before, store) or not any(found.problem for found in findings):
            break  # Else a pack has put another file in the place of one meanwhile.
    findings += [_journal(directory / "journal", number, store) for number in journal_numbers(directory / "journal")]
    return findings


def _named(directory: Path) -> tuple[tuple[str, ...], str]:
    """The databases that the manifest names, and the store; those of a new store, and none, where it cannot be read."""
    try:
        found = read_manifest(directory)
    except OpenRefused:
        return DATABASES, ""
    return (DATABASES, "") if found is None else (found.databases, found.store)


def _manifest(directory: Path) -> Finding:
    path = manifest_path(directory)
    try:
        found = read_manifest(directory)
    except OpenRefused as error:
        return Finding(path, path.stat().st_size, 0, str(error))
    if found is None:
        return Finding(path, 0, 0, f"{path} is missing")
    return Finding(path, path.stat().st_size, path.stat().st_size)


def _journal(directory: Path, number: int, store: str) -> Finding:
    path = journal_path(directory, number)
    try:
        found = scan(path, number, store)
    except FileNotFoundError:  # The open store has moved everything on and removed it.
        return Finding(path, 0, 0)
    except OpenRefused as error:
        return Finding(path, path.stat().st_size, 0, str(error))
    return Finding(path, 0, 0) if found is None else Finding(path, found.size, found.whole)


def _database(path: Path) -> Finding:
    digest = read_digest(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Finding(path, 0, 0, f"{path} is missing")
    try:
        return _walk(path, descriptor, digest)
    finally:
        os.close(descriptor)


def _walk(path: Path, descriptor: int, digest: DigestEntry | None) -> Finding:
    size = os.fstat(descriptor).st_size
    if os.pread(descriptor, len(MAGIC), 0) != MAGIC:
        return Finding(path, size, 0, f"{path} does not begin as a database")
    position, chain, index = len(MAGIC), 0, fsIndex()
    while found := read_transaction(
        lambda length, offset: os.pread(descriptor, length, offset), size, position, lambda oid: index.get(oid, 0)
    ):
        index.update(found.records)
        position, chain = found.end, found.chain(chain)
        if digest is not None and digest.end == position and (digest.chain, digest.tid) != (chain, found.tid):
            return Finding(path, size, 0, f"{path} is not what was written somewhere before offset {position}")
    if digest is not None and position < digest.end:
        return Finding(path, size, position, f"{path} is damaged at offset {position}")
    return Finding(path, size, position)
