"""The manifest: what the directory should hold, in which format, and how it was left.

Two lines of text: a JSON object, and its CRC. It is what keeps an empty database from taking the place of a lost one.
"""

import json
import zlib
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import cast

from stigmer_backend.store.errors import DatabaseMissing, FormatTooNew, ManifestDamaged
from stigmer_backend.store.files import FileLayer

FORMAT = 2
"""Of everything in the directory. A higher one is refused; a lower one is brought to this one at the opening (`structure.py`)."""

NEEDS = "0.1.0"
"""The oldest Stigmer that reads `FORMAT`."""

DATABASES = ("state.fs", "events.fs")
NAME = "manifest"


class Left(Enum):
    """How the store was left."""

    CREATING = "creating"
    """It was being made, and nothing was acknowledged yet."""
    OPEN = "open"
    """It is open, or its process was killed."""
    CLEAN = "clean"
    """It was closed."""
    FAILED = "failed"
    """A sync failed: what was shown last may be gone."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest says."""

    store: str
    """Id of the store, for ever."""
    incarnation: str
    """See `Store.incarnation`."""
    boot: str
    """The machine's start in which it was last opened."""
    left: Left
    """How it was left."""


def manifest_path(directory: Path) -> Path:
    """Where the manifest is."""
    return directory / NAME


def read_manifest(directory: Path) -> Manifest | None:
    """The manifest, or None if there is none. Raises `ManifestDamaged` and `FormatTooNew`."""
    path = manifest_path(directory)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return decode_manifest(data, path)


def store_id(data: bytes) -> str:
    """The id of the store whose manifest this is. Raises as `read_manifest`."""
    return decode_manifest(data, Path(NAME)).store


def decode_manifest(data: bytes, path: Path) -> Manifest:
    """What the bytes of the manifest at `path` say. Raises `ManifestDamaged` and `FormatTooNew`."""
    line, _, rest = data.partition(b"\n")
    if rest != _closing(line):
        raise ManifestDamaged(path, "its text", "it does not fit its CRC")
    fields = cast("dict[str, object]", json.loads(line))
    found = fields.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise FormatTooNew(path.parent, found, FORMAT, str(fields.get("needs")))
    try:
        left = Left(fields["left"])
        return Manifest(str(fields["store"]), str(fields["incarnation"]), str(fields["boot"]), left)
    except (ValueError, KeyError) as error:
        raise ManifestDamaged(path, "its fields", f"{error} is not known") from error


def write_manifest(directory: Path, manifest: Manifest, files: FileLayer) -> None:
    """Put the manifest in place, durably."""
    fields = {**asdict(manifest), "left": manifest.left.value, "format": FORMAT, "needs": NEEDS, "databases": DATABASES}
    line = json.dumps(fields, sort_keys=True).encode()
    files.write_whole(manifest_path(directory), line + b"\n" + _closing(line))


def reopened(manifest: Manifest, boot: str, fresh_incarnation: str) -> Manifest:
    """The manifest of a store that is open again; with another incarnation if something that was shown may be gone."""
    power_cut = manifest.left is Left.OPEN and (not boot or manifest.boot != boot)
    lost = power_cut or manifest.left is Left.FAILED
    incarnation = fresh_incarnation if lost else manifest.incarnation
    return replace(manifest, left=Left.OPEN, boot=boot, incarnation=incarnation)


def mark_restored(directory: Path, fresh_incarnation: str, files: FileLayer) -> None:
    """Give a directory that was put there from a backup another incarnation: what readers saw later is gone.

    The store must not be open. Raises `DatabaseMissing` if there is no manifest, and what `read_manifest` raises.
    """
    found = read_manifest(directory)
    if found is None:
        raise DatabaseMissing(manifest_path(directory), "the backup should hold it")
    write_manifest(directory, replace(found, incarnation=fresh_incarnation), files)


def _closing(line: bytes) -> bytes:
    return b"crc32 %08x\n" % zlib.crc32(line)
