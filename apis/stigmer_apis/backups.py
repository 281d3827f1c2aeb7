"""What a backup is on disk: a directory with files and `backup.json`, which says which bytes of them count. Pure, but for reading that one file.

Files of a store only grow, so a later backup adds to those that are there and then replaces the list: whatever is behind a size that the list
says belongs to a backup that was not finished, and is nothing.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from stigmer_apis.errors import DataLoss, FailedPrecondition, NotFound

FORMAT = 2
"""Of `backup.json`. A higher one is refused. In 1 the databases have their first names; 2 is said where one was packed and has another."""

NEEDS = "0.1.0"
"""The oldest Stigmer that reads `FORMAT`."""

LIST_NAME = "backup.json"
LIST_LIMIT = 256 << 20
"""Bytes of a list that are read at most: about a million files."""

_DATABASE = re.compile(r"(state|events)(\.[1-9][0-9]{0,8})?\.fs")
_PATH = re.compile(
    r"(?:state|events)(?:\.[1-9][0-9]{0,8})?\.fs|journal/[0-9]{10}\.wal|"
    r"(?:artifacts|skills)/[0-9a-f]{16}/[0-9a-f]{2}/[0-9a-f]{64}(?:\.zip)?"
)
_ELSEWHERE = "take a new backup into an empty directory, or name another backup"


@dataclass(frozen=True, slots=True)
class BackupFile:
    """One file, and how much of it counts."""

    path: str
    """Relative, with slashes; one that `is_path` knows."""
    size: int
    """In bytes; what is behind is no part of the backup."""
    checked_from: int
    """The CRC covers the file from here on."""
    crc: int
    """CRC-32."""
    transaction: bytes = b""
    """The last transaction of a database."""


@dataclass(frozen=True, slots=True)
class BackupList:
    """What `backup.json` says."""

    store: str
    """Id of the store."""
    taken_unix: int
    """When it was finished, in seconds since 1970."""
    version: str
    """The Stigmer that took it."""
    manifest: bytes
    """The store's manifest."""
    files: tuple[BackupFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def is_path(path: str) -> bool:
    """Whether a backup may have a file there. Nothing else is: no place outside the directory can be said."""
    return _PATH.fullmatch(path) is not None


def encode_list(found: BackupList) -> bytes:
    """The content of `backup.json`."""
    packed = any((named := _DATABASE.fullmatch(file.path)) and named[2] for file in found.files)
    fields: dict[str, object] = {
        "format": FORMAT if packed else 1,
        "needs": NEEDS,
        "store": found.store,
        "taken_unix": found.taken_unix,
        "version": found.version,
        "manifest": base64.b64encode(found.manifest).decode(),
        "files": [
            [file.path, file.size, file.checked_from, file.crc, file.transaction.hex()]
            for file in sorted(found.files, key=lambda each: each.path)
        ],
    }
    return json.dumps({**fields, "crc": _crc(fields)}, indent=1).encode() + b"\n"


def read_list(directory: Path) -> BackupList | None:
    """The list of the backup in `directory`; None if there is none. Blocking.

    Raises `DataLoss` for one that is not as it was written, and `FailedPrecondition` for one of a newer format.
    """
    path = directory / LIST_NAME
    try:
        with path.open("rb") as file:
            data = file.read(LIST_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FailedPrecondition(f"{path} cannot be read: {error.strerror}", remedy="check its permissions") from error
    try:
        fields = json.loads(data) if len(data) <= LIST_LIMIT else None
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise DataLoss(f"{path} is truncated or damaged", remedy=_ELSEWHERE)
    return _decode(path, cast("dict[str, object]", fields))


def require_list(directory: Path) -> BackupList:
    """The list of the backup in `directory`. Raises `NotFound` if there is none, and what `read_list` raises."""
    found = read_list(directory)
    if found is None:
        raise NotFound(
            f"{directory} holds no backup: there is no {LIST_NAME}", remedy="name the directory of `stigmer backup`"
        )
    return found


def _decode(path: Path, fields: dict[str, object]) -> BackupList:
    number = fields.get("format")
    if isinstance(number, int) and number > FORMAT:
        raise FailedPrecondition(
            f"{path} has format {number}, this version reads up to {FORMAT}",
            remedy=f"use Stigmer {fields.get('needs')} or newer",
        )
    crc = fields.pop("crc", None)
    if crc != _crc(fields):
        raise DataLoss(f"{path} is damaged: it does not fit its CRC", remedy=_ELSEWHERE)
    try:
        files = tuple(_file(entry) for entry in cast("list[list[object]]", fields["files"]))
        manifest = base64.b64decode(str(fields["manifest"]), validate=True)
        taken = int(str(fields["taken_unix"]))
    except (KeyError, ValueError, TypeError, binascii.Error) as error:
        raise DataLoss(f"{path} is damaged: {error}", remedy=_ELSEWHERE) from error
    for file in files:
        if not is_path(file.path):
            raise DataLoss(
                f"{path} names {file.path[:200]!r}, and no backup has a file there",
                remedy=f"somebody changed it; {_ELSEWHERE}",
            )
    names = [file.path for file in files]
    databases = sorted(named[1] for name in names if (named := _DATABASE.fullmatch(name)))
    if len(set(names)) != len(names) or databases != ["events", "state"]:
        raise DataLoss(f"{path} does not name each file of a store once", remedy=_ELSEWHERE)
    return BackupList(str(fields["store"]), taken, str(fields["version"]), manifest, files)


def _file(entry: list[object]) -> BackupFile:
    path, size, checked_from, crc, transaction = entry
    numbers = (size, checked_from, crc)
    if not all(isinstance(number, int) and 0 <= number < 1 << 63 for number in numbers):
        raise ValueError("a size is no number")
    return BackupFile(str(path), *cast("tuple[int, int, int]", numbers), bytes.fromhex(str(transaction)))


def _crc(fields: Mapping[str, object]) -> str:
    return f"{zlib.crc32(json.dumps(fields, sort_keys=True).encode()):08x}"
