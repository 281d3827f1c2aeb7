"""Files of a backup, read with doubt: nothing outside its directory is opened, and nothing is taken that its list does not fit. Blocking."""

import os
import stat
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from stigmer_apis.backups import BackupFile
from stigmer_apis.errors import DataLoss
from stigmer_backend.maintenance.kept_files import hash_of

_PIECE = 1 << 20
_ELSEWHERE = "restore another backup, or take a new one into an empty directory"


def pieces_of(directory: Path, file: BackupFile) -> Iterator[bytes]:
    """The bytes of `file` that count. Raises `DataLoss` at the first that cannot be read or behind the last, if they are not those of the list."""
    left, position, crc, digest = file.size, 0, 0, sha256()
    with _opened(directory, file) as descriptor:
        while left:
            data = os.read(descriptor, min(_PIECE, left))
            if not data:
                raise DataLoss(f"{directory / file.path} is truncated: {left} bytes are missing", remedy=_ELSEWHERE)
            left -= len(data)
            crc = zlib.crc32(memoryview(data)[max(0, file.checked_from - position) :], crc)
            position += len(data)
            digest.update(data)
            yield data
    if crc != file.crc or hash_of(file.path) not in ("", digest.hexdigest()):
        raise DataLoss(
            f"{directory / file.path} is damaged: its bytes are not those that were backed up", remedy=_ELSEWHERE
        )


@contextmanager
def _opened(directory: Path, file: BackupFile) -> Generator[int]:
    path = directory / file.path
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise DataLoss(f"{path} cannot be read: {error.strerror}", remedy=_ELSEWHERE) from error
    try:
        if path.resolve() != directory.resolve() / file.path or not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DataLoss(f"{path} is no file of the backup, but leads elsewhere", remedy=_ELSEWHERE)
        yield descriptor
    finally:
        os.close(descriptor)
