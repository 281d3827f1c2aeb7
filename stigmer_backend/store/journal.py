"""The journal: one append-only file at a time, written in frames and synced once for each.

`JournalWriter` writes; `scan` reads a file back after a stop and says where it is whole up to.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from stigmer_backend.store import frames
from stigmer_backend.store.errors import JournalDamaged, StoreFull
from stigmer_backend.store.files import FileLayer, is_full
from stigmer_backend.store.frames import JournalRecord

SUFFIX = ".wal"


def journal_path(directory: Path, number: int) -> Path:
    """Where journal file `number` is."""
    return directory / f"{number:010d}{SUFFIX}"


def journal_numbers(directory: Path) -> list[int]:
    """Numbers of the journal files in `directory`, rising."""
    return sorted(int(path.stem) for path in directory.glob(f"*{SUFFIX}") if path.stem.isdecimal())


@dataclass(frozen=True, slots=True)
class JournalScan:
    """What a journal file holds: its records, the length that is whole, the whole size, and how its chain goes on."""

    records: list[JournalRecord]
    whole: int
    size: int
    salt: bytes
    last_crc: int


def require_own(path: Path, store: str) -> None:
    """Raises `JournalDamaged` if the journal file at `path` says that it is of another store."""
    with path.open("rb") as file:
        header = frames.decode_file_header(file.read(frames.FILE_HEADER_BYTES))
    if header is not None:
        _require_own(path, header[1], store)


def _require_own(path: Path, salt: bytes, store: str) -> None:
    if frames.is_foreign(salt, store):
        raise JournalDamaged(
            path, "offset 0", "it is a journal of another store, so files of two stores are mixed here"
        )


def scan(path: Path, number: int, store: str) -> JournalScan | None:
    """Read journal file `number` of `store` ("": of whichever it is); None if its header is torn, so that nothing was ever written to it.

    Raises `JournalDamaged` if it is of another store, or a frame is bad and a later one says that it was on the disk.
    """
    data = path.read_bytes()
    header = frames.decode_file_header(data)
    if header is None:
        if len(data) > frames.FILE_HEADER_BYTES:
            raise JournalDamaged(path, "offset 0", "its header is not what was written, and there is data behind it")
        return None
    found, salt = header
    if found != number:
        raise JournalDamaged(path, "offset 0", f"it says that it is journal {found}: the file was renamed or exchanged")
    _require_own(path, salt, store)
    seed = frames.seed_of(salt)
    records: list[JournalRecord] = []
    position, last_crc = frames.FILE_HEADER_BYTES, seed
    while (frame := frames.read_frame(data, position, seed)) is not None and frame.previous_crc == last_crc:
        try:
            records += frames.decode_records(data, frame)
        except ValueError as error:
            raise JournalDamaged(path, f"offset {position}", str(error)) from error
        position += frames.FRAME_HEADER_BYTES + frame.payload_bytes
        last_crc = frame.crc
    later = frames.find_later_frame(data, position + 1, seed)
    while later is not None:
        if later.synced > position:
            raise JournalDamaged(
                path, f"offset {position}", f"what stands there was on the disk, as the group at {later.offset} says"
            )
        later = frames.find_later_frame(data, later.offset + 1, seed)
    return JournalScan(records, position, len(data), salt, last_crc)


class JournalWriter:
    """Appends groups to one journal file. Not for more than one thread."""

    def __init__(self, directory: Path, number: int, store: str, files: FileLayer) -> None:
        """`store`: the id of the store that it is of. Nothing is touched until `create` or `resume`."""
        self.number = number
        self.path = journal_path(directory, number)
        self.size = 0
        self.synced = 0
        self._directory = directory
        self._store = store
        self._files = files
        self._descriptor = -1
        self._seed = 0
        self._last_crc = 0

    def following(self) -> "JournalWriter":
        """The writer of the next file, which does not exist yet."""
        return JournalWriter(self._directory, self.number + 1, self._store, self._files)

    def create(self, random_bytes: Callable[[int], bytes]) -> None:
        """Make the file, durably. Raises `StoreFull` and leaves nothing behind if there is no space."""
        salt = frames.bound_salt(self._store, random_bytes)
        header = frames.encode_file_header(self.number, salt)
        try:
            self._descriptor = self._files.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            self._files.write_at(self._descriptor, header, 0)
        except OSError as error:
            self.close()
            if is_full(error):
                self.path.unlink(missing_ok=True)
                raise StoreFull(self.path, str(error)) from error
            raise
        self._files.sync(self._descriptor)
        self._files.sync_directory(self._directory)
        self.size = self.synced = len(header)
        self._seed = self._last_crc = frames.seed_of(salt)

    def resume(self, found: JournalScan) -> None:
        """Go on behind what a scan found; what is beyond is cut off."""
        self._descriptor = self._files.open(self.path, os.O_RDWR)
        if found.size > found.whole:
            self._files.truncate(self._descriptor, found.whole)
        self._files.sync(self._descriptor)
        self.size = self.synced = found.whole
        self._seed = frames.seed_of(found.salt)
        self._last_crc = found.last_crc

    def write(self, records: Iterable[JournalRecord]) -> None:
        """Write one group, which is not yet on the disk. Raises `StoreFull`, and the file is as before, if it has no room.

        Any other `OSError` leaves the file in an unknown state.
        """
        frame, crc = frames.encode_frame(records, self.size, self.synced, self._last_crc, self._seed)
        try:
            self._files.write_at(self._descriptor, frame, self.size)
        except OSError as error:
            if not is_full(error):
                raise
            self._files.truncate(self._descriptor, self.size)
            raise StoreFull(self.path, str(error)) from error
        self.size += len(frame)
        self._last_crc = crc

    def sync(self) -> None:
        """Return when everything written is on the disk. An `OSError` means that this is unknown, and stays unknown."""
        self._files.sync(self._descriptor)
        self.synced = self.size

    def remove(self) -> None:
        """Close and remove the file, whose content is elsewhere by now."""
        self.close()
        self._files.remove(self.path)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._files.close(descriptor)
