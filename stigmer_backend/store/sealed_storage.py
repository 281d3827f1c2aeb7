"""The storage of `state.fs` and `events.fs`: sealed records, a digest beside the file, a checked index.

What is read is what was written, or `StoreDamaged` is raised. One writer, so there are no conflicts to resolve. Undo, packing and
copying rewrite records below the seals, so they are refused here.
"""

import os
import zlib
from pathlib import Path
from typing import Never

from zc.lockfile import LockFile
from ZODB.FileStorage.format import CorruptedError, DataHeader
from ZODB.fsIndex import fsIndex
from ZODB.POSException import ConflictError, POSKeyError, StorageTransactionError, Unsupported
from ZODB.utils import z64

from stigmer_backend.store.database_format import FINISHED, MAGIC, RECORD, STATUS_OFFSET
from stigmer_backend.store.digest import DigestEntry
from stigmer_backend.store.errors import StoreDamaged
from stigmer_backend.store.files import FileLayer
from stigmer_backend.store.index_file import index_path, save_index
from stigmer_backend.store.inspection import Inspection
from stigmer_backend.store.late_sync import LateSync, LayeredFile
from stigmer_backend.store.seal import SEAL_BYTES, open_seal, seal

FIRST_READ = 4096
"""Bytes that one read takes: most records whole."""

DIGEST_READ = 1 << 20
NEWEST = b"\x7f" + b"\xff" * 7


class SealedStorage(LateSync):
    """One database file. Made from what `inspect` found."""

    def __init__(self, path: Path, found: Inspection, files: FileLayer, index_bytes: int) -> None:
        self._found: Inspection | None = found
        self._digest = found.digest
        self._chain = self._next_chain = found.end.chain
        self._settled = found.end
        self._index_bytes = index_bytes
        self._is_damaged = found.damaged
        self._path = path
        self._layer = files
        super().__init__(str(path))
        self._saved_at = self._pos
        self._found = None

    @property
    def file_name(self) -> str:
        """What its file is called."""
        return self._path.name

    @property
    def settled(self) -> DigestEntry:
        """How far the last `settle` came. From any thread."""
        return self._settled

    # -- reading ---------------------------------------------------------------------------------------------------------

    def load(self, oid: bytes, version: str = "") -> tuple[bytes, bytes]:
        """State and transaction of an object as it is now."""
        found = self.loadBefore(oid, NEWEST) if oid in self._index else None
        if found is None:
            raise POSKeyError(oid)
        return found[0], found[1]

    def loadBefore(self, oid: bytes, tid: bytes) -> tuple[bytes, bytes, bytes | None] | None:
        """State and transaction of an object as it was before `tid`, and the transaction that changed it next."""
        with self._files.get() as file:
            descriptor = file.fileno()
            position = self._place(oid)
            following: bytes | None = None
            expected: bytes | None = None
            while True:
                header, previous, state = self._read_sealed(descriptor, position, oid)
                if expected is not None and header.tid != expected:
                    raise self._damaged(position, oid, "it is another version than the one that is wanted")
                if header.tid < tid:
                    return state, header.tid, following
                if (header.prev == 0) != (previous == z64) or header.prev >= position:
                    raise self._damaged(position, oid, "it does not say where the version before is")
                if not header.prev:
                    return None
                following, expected, position = header.tid, previous, header.prev

    def loadSerial(self, oid: bytes, serial: bytes) -> bytes:
        """State of an object as transaction `serial` wrote it."""
        found = self.loadBefore(oid, (int.from_bytes(serial) + 1).to_bytes(8))
        if found is None or found[1] != serial:
            raise POSKeyError(oid)
        return found[0]

    def _place(self, oid: bytes) -> int:
        """Where the object's record is. Only the root of an empty database may be asked for and not be there."""
        position = self._index.get(oid, 0)
        if position:
            return position
        if oid == z64 and self._pos == len(MAGIC):
            raise POSKeyError(oid)
        raise StoreDamaged(self._path, f"object {oid.hex()}", "it is referred to and is not there")

    def _read_sealed(self, descriptor: int, position: int, oid: bytes) -> tuple[DataHeader, bytes, bytes]:
        """Header, transaction of the version before, and state of the record at `position`."""
        data = os.pread(descriptor, FIRST_READ, position)
        if len(data) < RECORD.size or position >= self._pos:
            raise self._damaged(position, oid, "the file ends there")
        found_oid, tid, before, transaction, version, size = RECORD.unpack_from(data)
        end = RECORD.size + size
        if found_oid != oid or version or position + end > self._pos:
            raise self._damaged(position, oid, "its header is not what was written")
        if end > len(data):
            data += os.pread(descriptor, end - len(data), position + len(data))
        previous = open_seal(oid, tid, memoryview(data)[RECORD.size : end])
        if previous is None:
            raise self._damaged(position, oid, "its bytes are not what was written")
        return DataHeader(oid, tid, before, transaction, 0, size), previous, data[RECORD.size + SEAL_BYTES : end]

    def _damaged(self, position: int, oid: bytes, what: str) -> StoreDamaged:
        return StoreDamaged(self._path, f"offset {position} (object {oid.hex()})", what)

    # -- writing ---------------------------------------------------------------------------------------------------------

    def store(self, oid: bytes, oldserial: bytes | None, data: bytes, version: str, transaction: object) -> None:
        """Keep the new state of an object for the transaction under way."""
        if transaction is not self._transaction:
            raise StorageTransactionError(self, transaction)
        previous = oldserial or z64
        try:
            super().store(oid, previous, seal(oid, self._tid, previous, data), version, transaction)
        except (CorruptedError, ValueError) as error:
            raise self._damaged(self._index.get(oid, 0), oid, str(error)) from error

    def tryToResolveConflict(self, oid: bytes, committed: bytes, old: bytes, new: bytes, stored: bytes = b"") -> Never:
        """Raise `ConflictError`; or `StoreDamaged`, if the record that does not fit is not what was written."""
        self._read_sealed(self._file.fileno(), self._place(oid), oid)
        raise ConflictError(oid=oid, serials=(committed, old))

    def settle(self) -> None:
        """Return when every commit is on the disk, after noting in the digest how far that is."""
        if self._digest.last is not None and self._digest.last.end == self._pos:
            return
        super().settle()
        self._settled = DigestEntry(self._pos, self._ltid, self._chain)
        self._digest.add(self._settled)
        if self._pos - self._saved_at >= self._index_bytes:
            self._save_index()

    def close(self) -> None:
        """Close the files. What was not settled is not in the saved index."""
        super().close()
        self._digest.close()

    def tpc_vote(self, transaction: object) -> object:
        """Write the transaction, all of it: an error here takes it back, and nothing is left to fail when it is finished.

        Its status says from the start that it is finished, since recovery does not go by that. So a stop between vote and
        finish leaves a commit that nobody was told of, which is there or is torn like any other.
        """
        resolved = super().tpc_vote(transaction)
        self._layer.write_at(self._file.fileno(), FINISHED, self._pos + STATUS_OFFSET)
        self._next_chain = self._chain
        for start in range(self._pos, self._nextpos, DIGEST_READ):
            data = os.pread(self._file.fileno(), min(DIGEST_READ, self._nextpos - start), start)
            self._next_chain = zlib.crc32(data, self._next_chain)
        return resolved

    def _finish(self, tid: bytes, u: bytes, d: bytes, e: bytes) -> None:
        self._finish_finish(tid)
        self._chain = self._next_chain

    # -- a packed file in the place of this one --------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """Its file. From any thread."""
        return self._path

    @property
    def is_damaged(self) -> bool:
        """Whether its file had records, when it was opened, that are not what was written."""
        return self._is_damaged

    def note_damage(self) -> None:
        """Records in its file were found not to be what was written: its index is saved no more, so that each opening looks, and says so."""
        self._is_damaged = True
        index_path(self._path).unlink(missing_ok=True)

    def adopt(self, path: Path, found: Inspection, file: LayeredFile, lock: LockFile) -> None:
        """Go on in the file `path`, which holds the same in less. On the writer's thread, between two transactions.

        `file` is that file, opened for writing, and `lock` the one beside it. Whoever has the old file open may go on reading it.
        """
        with self._files.write_lock(), self._lock:
            self._files.empty()
            old = self._file, self._lock_file, self._digest
            self._file, self._lock_file, self._digest = file, lock, found.digest
            self._path = path
            self._file_name = self._files.name = str(path)
            self._initIndex(found.index, self._tindex)
            self._pos = self._nextpos = found.end.end
            self._chain = self._next_chain = found.end.chain
            self._settled = found.end
            self._is_damaged = found.damaged
            self._saved_at = self._pos
        for each in old:
            each.close()

    # -- the index -------------------------------------------------------------------------------------------------------

    def _restore_index(self) -> tuple[fsIndex, int, bytes] | None:
        if self._found is None:
            return None
        return self._found.index, self._found.end.end, self._found.end.tid

    def _save_index(self) -> None:
        last = self._digest.last
        if self._is_damaged:
            return
        if last is not None and last.end == self._pos and self._pos > self._saved_at:
            save_index(self._path, self._index, last, self._layer)
            self._saved_at = self._pos

    # -- what is refused -------------------------------------------------------------------------------------------------

    def supportsUndo(self) -> bool:
        """No."""
        return False

    def pack(self, *arguments: object, **settings: object) -> Never:
        """Not supported: ZODB's own would rewrite sealed records. `packing.py` has ours."""
        raise Unsupported("packing would rewrite sealed records")

    def undo(self, *arguments: object, **settings: object) -> Never:
        """Not supported."""
        raise Unsupported("sealed records cannot be undone")

    def restore(self, *arguments: object, **settings: object) -> Never:
        """Not supported."""
        raise Unsupported("sealed records cannot be copied from another database")

    def deleteObject(self, *arguments: object, **settings: object) -> Never:
        """Not supported."""
        raise Unsupported("objects go when nothing refers to them")

    def iterator(self, *arguments: object, **settings: object) -> Never:
        """Not supported."""
        raise Unsupported("read the file with `read_transaction`")
