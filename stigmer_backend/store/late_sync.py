"""A FileStorage whose sync waits outside the locks of its readers.

ZODB's own holds both of its locks while it syncs, so that every read waits for the disk. Here a commit ends without the sync,
and the writer calls `settle` before it tells anybody that the commit is done. The promise is the same; a commit can be read a
moment before it is durable.
"""

import os
from io import BytesIO
from pathlib import Path

from ZODB.FileStorage.FileStorage import FileStorage, TempFormatter

from stigmer_backend.store.files import FileLayer


class LayeredFile:
    """The file object that FileStorage writes through: unbuffered, so that nothing lingers after a failed write."""

    def __init__(self, path: str, files: FileLayer) -> None:
        self.name = path
        self.closed = False
        self._files = files
        self._descriptor = files.open(path, os.O_RDWR)
        self._position = 0

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def tell(self) -> int:
        """Where the next read or write is."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to `offset`."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = offset + (base() if callable(base) else base)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all that there are when it is negative."""
        if size < 0:
            size = max(0, self._size() - self._position)
        pieces: list[bytes] = []
        while size and (piece := os.pread(self._descriptor, size, self._position)):
            pieces.append(piece)
            size -= len(piece)
            self._position += len(piece)
        return b"".join(pieces)

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        self._files.write_at(self._descriptor, data, self._position)
        self._position += len(data)
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        """Cut to `size`, or to here."""
        size = self._position if size is None else size
        self._files.truncate(self._descriptor, size)
        return size

    def flush(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self.closed = True
            self._files.close(self._descriptor)

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size


class LateSync(FileStorage):
    """FileStorage with `settle` in place of the sync in its commit.

    It overrides one private hook, `_finish_finish`: ZODB is pinned, and its own suite of tests runs on this class in ours.
    """

    _layer: FileLayer = FileLayer()
    """What it writes and syncs through; a subclass may set another one before this class is initialized."""

    def __init__(self, file_name: str, create: bool = False, **settings: bool | str) -> None:
        super().__init__(file_name, create=create, **settings)
        if self._is_read_only:
            return
        self._file.close()
        self._file = LayeredFile(self._file_name, self._layer)
        self._tfile.close()
        Path(file_name + ".tmp").unlink(missing_ok=True)
        self._tfile = BytesIO()
        self._tfmt = TempFormatter(self._tfile)

    def settle(self) -> None:
        """Return when every commit is on the disk. An `OSError` means that this is unknown, and stays unknown."""
        self._layer.sync(self._file.fileno())

    def _clear_temp(self) -> None:
        super()._clear_temp()
        self._tfile.truncate()

    def _finish_finish(self, tid: bytes) -> None:
        self._file.flush()
        self._pos = self._nextpos
        self._index.update(self._tindex)
        self._ltid = tid
        self._blob_tpc_finish()
