"""Files that remember what of them is on the disk, so that a test can cut the power at any moment.

Between two syncs anything may be on the disk or not: each 512-byte sector of what was written, a new length, a renamed file. What
was synced stays. `image` writes out one of the many states that a cut could leave.
"""

import os
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stigmer_backend.store import FileLayer

SECTOR = 512


@dataclass
class Content:
    """One file: its bytes as programs see them, and as they were at its last sync."""

    now: bytearray
    synced: bytes | None
    """None for a file that was never synced."""

    def after_cut(self, chance: random.Random) -> bytes:
        """One of the contents that the disk may have."""
        before = self.synced or b""
        longest, shortest = max(len(self.now), len(before)), min(len(self.now), len(before))
        size = chance.choice((len(self.now), len(before), chance.randint(shortest, longest)))
        found = bytearray(size)
        keep = chance.random()
        for start in range(0, size, SECTOR):
            source = self.now if chance.random() < keep else before
            piece = source[start : min(start + SECTOR, size)]
            found[start : start + len(piece)] = piece
        return bytes(found)


class PowerFiles(FileLayer):
    """Files of one directory. `at_each` is called, with everything held still, after each operation."""

    def __init__(self, root: Path, at_each: Callable[["PowerFiles"], None]) -> None:
        self.root = root
        self._at_each = at_each
        self._lock = threading.RLock()
        self._open: dict[int, Path] = {}
        self._files: dict[Path, Content] = {}
        self._on_disk: dict[Path, Content] = {}
        """The names as they were at the last sync of their directory."""

    def open(self, path: Path | str, flags: int) -> int:
        with self._lock:
            path = Path(path)
            descriptor = super().open(path, flags)
            self._open[descriptor] = path
            size = os.fstat(descriptor).st_size
            if path not in self._files or flags & os.O_TRUNC:
                self._files[path] = Content(bytearray(path.read_bytes()), None)
            elif size != len(
                self._files[path].now
            ):  # ZODB wrote to it by itself: the index, before it gets its trailer.
                self._files[path].now[:] = path.read_bytes()
            return descriptor

    def close(self, descriptor: int) -> None:
        with self._lock:
            del self._open[descriptor]
            super().close(descriptor)

    def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
        with self._lock:
            super().write_at(descriptor, data, offset)
            now = self._of(descriptor).now
            now.extend(bytes(max(0, offset - len(now))))
            now[offset : offset + len(data)] = data
            self._at_each(self)

    def truncate(self, descriptor: int, size: int) -> None:
        with self._lock:
            super().truncate(descriptor, size)
            del self._of(descriptor).now[size:]

    def sync(self, descriptor: int) -> None:
        with self._lock:
            self._at_each(self)
            content = self._of(descriptor)
            content.synced = bytes(content.now)
            self._at_each(self)

    def sync_directory(self, path: Path) -> None:
        with self._lock:
            self._at_each(self)
            for name in {*self._files, *self._on_disk}:
                if name.parent == path:
                    self._note(name)
            self._at_each(self)

    def rename(self, source: Path, target: Path) -> None:
        with self._lock:
            super().rename(source, target)
            self._files[target] = self._files.pop(source)
            self._at_each(self)

    def remove(self, path: Path) -> None:
        with self._lock:
            super().remove(path)
            self._files.pop(path, None)
            self._at_each(self)

    def image(self, target: Path, chance: random.Random) -> None:
        """Write to `target` what may be on the disk now."""
        target.mkdir(mode=0o700)
        for path in sorted({*self._files, *self._on_disk}):
            names = self._files if chance.random() < 0.5 else self._on_disk
            content = names.get(path)
            if content is None:
                continue
            copy = target / path.relative_to(self.root)
            copy.parent.mkdir(mode=0o700, exist_ok=True)
            copy.write_bytes(content.after_cut(chance))

    def killed(self, target: Path, at_each: Callable[["PowerFiles"], None]) -> "PowerFiles":
        """Write to `target` what the next process finds after a kill, with what of it is on the disk as it is here."""
        heir = PowerFiles(target, at_each)
        for names, inherited in ((self._files, heir._files), (self._on_disk, heir._on_disk)):
            for path, content in names.items():
                inherited[target / path.relative_to(self.root)] = Content(bytearray(content.now), content.synced)
        for path, content in heir._files.items():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(content.now)
            if path in heir._on_disk and heir._on_disk[path].now == content.now:
                heir._on_disk[path] = content
        return heir

    def _of(self, descriptor: int) -> Content:
        return self._files[self._open[descriptor]]

    def _note(self, name: Path) -> None:
        if name in self._files:
            self._on_disk[name] = self._files[name]
        else:
            del self._on_disk[name]
