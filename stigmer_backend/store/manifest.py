"""The manifest: what the directory should hold, in which format, and how it was left.

Two lines of text: a JSON object, and its CRC. It is what keeps an empty database from taking the place of a lost one, and what says, in one
moment, that a packed file takes the place of the one that it was copied from.
"""

import json
import re
import threading
import zlib
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import cast

from stigmer_backend.store.errors import DatabaseMissing, FormatTooNew, ManifestDamaged, SwitchUnknown
from stigmer_backend.store.files import FileLayer, is_full

FORMAT = 3
"""Of everything in the directory. A higher one is refused; a lower one is brought to this one at the opening (`structure.py`).

1 had no ranks; in 2 the databases have their first names; 3 says what they are called.
"""

NEEDS = "0.1.0"
"""The oldest Stigmer that reads `FORMAT`."""

DATABASES = ("state.fs", "events.fs")
"""The first names of the two databases, in the order in which the manifest names them."""

_DATABASE = re.compile(r"(state|events)(?:\.([1-9][0-9]{0,8}))?\.fs")
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
    databases: tuple[str, str] = DATABASES
    """What the files of the state and of the events are called."""


def following_name(name: str) -> str:
    """What the file is called that takes the place of the database `name`: `state.fs`, `state.2.fs`, `state.3.fs`."""
    found = _DATABASE.fullmatch(name)
    if found is None:
        raise ValueError(f"{name} is no database")
    return f"{found[1]}.{int(found[2] or 1) + 1}.fs"


def database_files(directory: Path) -> list[Path]:
    """Every file below `directory` that is called as a database is, in use or not."""
    return sorted(path for path in directory.glob("*.fs") if _DATABASE.fullmatch(path.name))


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
        databases = _names(fields["databases"])
        return Manifest(str(fields["store"]), str(fields["incarnation"]), str(fields["boot"]), left, databases)
    except (ValueError, KeyError) as error:
        raise ManifestDamaged(path, "its fields", f"{error} is not known") from error


def write_manifest(directory: Path, manifest: Manifest, files: FileLayer) -> None:
    """Put the manifest in place, durably."""
    number = 2 if manifest.databases == DATABASES else FORMAT
    fields = {**asdict(manifest), "left": manifest.left.value, "format": number, "needs": NEEDS}
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


class ManifestFile:
    """The manifest of an open store. From any thread."""

    def __init__(self, directory: Path, manifest: Manifest, files: FileLayer) -> None:
        self.lock = threading.RLock()
        """Held while a database changes its name: whoever holds it sees files that belong together."""
        self._directory = directory
        self._manifest = manifest
        self._files = files

    def note(self, left: Left) -> None:
        """Write down how the store is left. On a full disk the old manifest stands, as after a kill."""
        with self.lock:
            noted = replace(self._manifest, left=left)
            try:
                write_manifest(self._directory, noted, self._files)
            except OSError as error:
                if not is_full(error):
                    raise
                return
            self._manifest = noted

    def rename(self, old: str, new: str) -> None:
        """Let the file `new` be the database that `old` was, durably.

        Raises `OSError`, and then it is not; `SwitchUnknown` where nobody can know which of them the disk names.
        """
        with self.lock:
            state, events = self._manifest.databases
            databases = (new if state == old else state, new if events == old else events)
            renamed = replace(self._manifest, databases=databases)
            try:
                write_manifest(self._directory, renamed, self._files)
            except OSError as error:
                if not self.names(old):
                    raise SwitchUnknown(manifest_path(self._directory), str(error)) from error
                raise
            self._manifest = renamed

    def names(self, database: str) -> bool:
        """Whether the manifest names `database`, as far as a reader of its file can tell."""
        try:
            found = read_manifest(self._directory)
        except (OSError, ManifestDamaged):
            return False
        return found is not None and database in found.databases


def _names(found: object) -> tuple[str, str]:
    """The databases that a manifest names. Raises `ValueError` for anything else."""
    match found:
        case [str() as state, str() as events]:
            kinds = [known and known[1] for known in (_DATABASE.fullmatch(state), _DATABASE.fullmatch(events))]
            if kinds == ["state", "events"]:
                return state, events
        case _:
            pass
    raise ValueError(f"databases {found!r}")


def _closing(line: bytes) -> bytes:
    return b"crc32 %08x\n" % zlib.crc32(line)
