"""A backup of a server's store, written to a directory here."""

import asyncio
import os
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    BackupEnd,
    BackupFile,
    BackupPiece,
    BackupRequest,
    BackupResponse,
)
from stigmer_apis.backups import LIST_NAME, BackupList, encode_list, is_path, read_list
from stigmer_apis.backups import BackupFile as Held
from stigmer_apis.client.client import Client
from stigmer_apis.client.wire import Wire
from stigmer_apis.errors import AlreadyExists, DataLoss, FailedPrecondition, ResourceExhausted, Unavailable
from stigmer_apis.transport import aio

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700

Progress = Callable[[int, int], None]
"""Told of bytes written so far, and of all."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was taken."""

    found: BackupList
    written: int
    """Bytes that were not there before."""


async def back_up(
    client: Client, directory: Path, *, incremental: bool = False, progress: Progress | None = None
) -> Taken:
    """Copy everything that the server's store holds, as of one moment, to `directory`, and return when it is on the disk here.

    Without `incremental` the directory has to be empty, or not to be there. With it, what an earlier backup there lacks is added to it; one that breaks off leaves the
    earlier one as good as it was. Raises `AlreadyExists` for a directory with something in it, `FailedPrecondition` for a backup of another store, `DataLoss` where
    what came is not what the store wrote, `ResourceExhausted` on a full disk.
    """
    earlier = await asyncio.to_thread(_earlier, directory, incremental)
    writing = _Writing(directory, {} if earlier is None else {file.path: file for file in earlier.files})
    request = BackupRequest(
        store=earlier.store if earlier else "", have=[_told(file) for file in writing.have.values()]
    )
    store, total = "", 0
    try:
        async with client.connection.wire() as wire:
            stream = wire.maintenance.Backup(request, metadata=wire.metadata())
            try:
                while (part := await _next(client, wire, stream)) is not None:
                    if part.HasField("start"):
                        store, total = part.start.store, part.start.bytes
                    elif part.HasField("piece"):
                        await asyncio.to_thread(writing.write, part.piece)
                        if progress is not None:
                            progress(writing.written, total)
                    else:
                        found = await asyncio.to_thread(writing.finish, store, client.server_info.version, part.end)
                        return Taken(found, writing.written)
            finally:
                stream.cancel()
        raise Unavailable("the server ended before the backup was whole", remedy="take it again")
    except OSError as error:
        raise ResourceExhausted(
            f"{error.filename or directory} cannot be written: {error.strerror}",
            remedy="free some space or name another directory; an earlier backup there is as good as it was",
        ) from error
    finally:
        await asyncio.to_thread(writing.close)


async def _next(
    client: Client, wire: Wire, stream: "aio.UnaryStreamCall[BackupRequest, BackupResponse]"
) -> BackupResponse | None:
    try:
        async with asyncio.timeout(client.connection.options.watchdog):
            part = await stream.read()
    except TimeoutError as error:
        client.connection.drop(wire, "the server is silent")
        raise Unavailable("the server is silent", remedy="`stigmer server status` tells more") from error
    except aio.AioRpcError as error:
        raise client.connection.broken(wire, error) from error
    return part if isinstance(part, BackupResponse) else None


def _earlier(directory: Path, incremental: bool) -> BackupList | None:
    """The backup to add to; None to begin one."""
    earlier = read_list(directory)
    if incremental and earlier is not None:
        return earlier
    try:
        directory.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        taken = any(directory.iterdir())
    except OSError as error:
        raise FailedPrecondition(
            f"{directory}: {error.strerror}", remedy="name a directory that you can write"
        ) from error
    if earlier is not None:
        raise AlreadyExists(
            f"{directory} holds a backup already", remedy="add to it with --incremental, or name an empty directory"
        )
    if taken:
        raise AlreadyExists(f"{directory} is not empty, and holds no backup", remedy="name an empty directory")
    return None


class _Writing:
    """The files of a backup while they grow. Blocking."""

    def __init__(self, directory: Path, have: dict[str, Held]) -> None:
        self.have = have
        self.written = 0
        self._directory = directory
        self._found = dict[str, tuple[int, int]]()
        """Size and CRC from byte 0 (of databases: from where the list says) of what was written to."""
        self._path = ""
        self._descriptor = -1
        self._folders: set[Path] = {directory}

    def write(self, piece: BackupPiece) -> None:
        """Add the next bytes of a file. What stands behind those that an earlier backup counts is cut off first."""
        if not is_path(piece.path):
            raise DataLoss("the server named a file that no backup has", remedy="do not trust this server")
        if piece.path != self._path:
            self._open(piece.path)
        size, crc = self._found[piece.path]
        if piece.offset != size:
            raise DataLoss(f"bytes of {piece.path} are missing", remedy="take the backup again")
        view = memoryview(piece.data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        begin = max(0, _checked_from(piece.path) - size)
        self._found[piece.path] = size + len(piece.data), zlib.crc32(memoryview(piece.data)[begin:], crc)
        self.written += len(piece.data)

    def finish(self, store: str, version: str, end: BackupEnd) -> BackupList:
        """Sync everything, compare it with what the store says that it wrote, and put the list in place."""
        self._sync()
        files = tuple(Held(file.path, file.size, file.checked_from, file.crc, file.transaction) for file in end.files)
        for file in files:
            held = self.have.get(file.path)
            size, crc = self._found.get(file.path) or ((held.size, held.crc) if held is not None else (0, 0))
            if not is_path(file.path) or (size, crc, _checked_from(file.path)) != (
                file.size,
                file.crc,
                file.checked_from,
            ):
                raise DataLoss(
                    f"{file.path} is not what the store wrote: a disk changed it, or the backup there is of another past",
                    remedy="`stigmer verify` looks at the store; take a new backup into an empty directory",
                )
        found = BackupList(store, int(time.time()), version, end.manifest, files)
        for folder in sorted(self._folders, reverse=True):
            _sync_folder(folder)
        fresh = self._directory / f"{LIST_NAME}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(encode_list(found))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._directory / LIST_NAME)
        _sync_folder(self._directory)
        for path in self.have.keys() - {file.path for file in files}:
            (self._directory / path).unlink(missing_ok=True)
        return found

    def close(self) -> None:
        """Close what is open."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def _open(self, path: str) -> None:
        self._sync()
        place = self._directory / path
        folder = place.parent
        while folder != self._directory:
            self._folders.add(folder)
            folder = folder.parent
        place.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        held = self.have.get(path)
        with ExitStack() as undo:
            descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)
            undo.callback(os.close, descriptor)
            size = held.size if held is not None else 0
            if os.fstat(descriptor).st_size < size:
                raise DataLoss(f"{place} is truncated", remedy="take a new backup into an empty directory")
            os.ftruncate(descriptor, size)
            os.lseek(descriptor, size, os.SEEK_SET)
            undo.pop_all()
        self._path, self._descriptor = path, descriptor
        self._found[path] = size, held.crc if held is not None else 0

    def _sync(self) -> None:
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
        self.close()
        self._path = ""


def _checked_from(path: str) -> int:
    """Where the CRC of a file begins: behind a database's magic."""
    return 4 if path.endswith(".fs") else 0


def _told(file: Held) -> BackupFile:
    return BackupFile(
        path=file.path,
        size=file.size,
        checked_from=file.checked_from,
        crc=file.crc,
        transaction=file.transaction,
    )


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
