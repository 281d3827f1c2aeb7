"""Sealed records: every version of an object is the right one, or is refused."""

import os
from pathlib import Path

import transaction
from ZODB.DB import DB

from stigmer_backend.store import FileLayer, RecoveryReport, StoreDamaged
from stigmer_backend.store.database_format import MAGIC
from stigmer_backend.store.inspection import inspect
from stigmer_backend.store.persistent_classes import Cell
from stigmer_backend.store.seal import SEAL_BYTES, open_seal, seal
from stigmer_backend.store.sealed_storage import SealedStorage

OID, TID, PREVIOUS = b"object 1", b"transact", b"before  "


def test_a_seal_covers_everything_that_it_names() -> None:
    sealed = seal(OID, TID, PREVIOUS, b"state")
    assert sealed[SEAL_BYTES:] == b"state"
    assert open_seal(OID, TID, sealed) == PREVIOUS
    assert open_seal(TID, TID, sealed) is None
    assert open_seal(OID, OID, sealed) is None
    assert open_seal(OID, TID, sealed[: SEAL_BYTES - 1]) is None
    for offset in range(len(sealed)):
        for mask in (1, 16, 255):
            flipped = bytearray(sealed)
            flipped[offset] ^= mask
            assert open_seal(OID, TID, bytes(flipped)) is None


def open_storage(path: Path) -> SealedStorage:
    found = inspect(path, FileLayer(), os.urandom, RecoveryReport(), each_synced=True)
    return SealedStorage(path, found, FileLayer(), 1 << 30)


def test_older_versions_are_right_or_refused_with_any_byte_flipped(tmp_path: Path) -> None:
    path = tmp_path / "data.fs"
    path.write_bytes(MAGIC)
    storage = open_storage(path)
    db = DB(storage)
    transactions = transaction.TransactionManager(explicit=True)
    connection = db.open(transactions)
    for version in range(4):
        transactions.begin()
        if version == 0:
            connection.root()["cell"] = Cell()
        cell = connection.root()["cell"]
        assert isinstance(cell, Cell)
        cell.data = b"version %d" % version
        connection.root()["turn"] = version
        transactions.commit()
        storage.settle()
    oids = [bytes(8), bytes(7) + b"\x01"]
    after_last = (int.from_bytes(storage.lastTransaction()) + 1).to_bytes(8)
    right: dict[tuple[bytes, bytes], object] = {}
    for oid in oids:
        before = after_last
        while found := storage.loadBefore(oid, before):
            right[oid, before] = found
            before = found[1]
        assert storage.loadBefore(oid, before) is None
        right[oid, before] = None
    assert len(right) >= 8
    whole = path.read_bytes()
    refused = 0
    with path.open("r+b", buffering=0) as file:
        for offset in range(len(whole)):
            os.pwrite(file.fileno(), bytes((whole[offset] ^ (1 << offset % 8),)), offset)
            for (oid, before), answer in right.items():
                try:
                    assert storage.loadBefore(oid, before) == answer, f"byte {offset}"
                except StoreDamaged:
                    refused += 1
            os.pwrite(file.fileno(), whole[offset : offset + 1], offset)
    assert refused > len(whole)
    connection.close()
    db.close()
