"""What is no plain file becomes one, without a name, that grows: a pipe, a compressed file, several files merged by the time of their lines."""

import gzip
import heapq
import os
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from stigmer_tui.logs.times import time_of

PIECE = 1 << 18
LONGEST = 1 << 20
"""Bytes of a line that are merged as one; a longer one goes on as another line."""
POLL_SECONDS = 0.1


class Spooled:
    """A file that a thread of its own writes. `path` can be opened until somebody takes it away; it is written on."""

    def __init__(self, pieces: Callable[["Spooled"], Iterator[bytes]]) -> None:
        """`pieces` is run on the thread; it looks at `stopped` where it waits. Raises OSError where no file can be made."""
        descriptor, name = tempfile.mkstemp(prefix="stigmer-log-")
        self.path = Path(name)
        self.problem = ""
        """Why no more comes, where something went wrong."""
        self.done = False
        """Whether no more comes."""
        self.stopped = threading.Event()
        self._pieces = pieces
        self._thread = threading.Thread(target=self._run, args=[descriptor], name="stigmer-log-spool", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write no more, and take the file away."""
        self.stopped.set()
        self.path.unlink(missing_ok=True)

    def _run(self, descriptor: int) -> None:
        with open(descriptor, "wb", buffering=0) as spool:
            try:
                for piece in self._pieces(self):
                    spool.write(piece)
                    if self.stopped.is_set():
                        break
            except (OSError, EOFError, zlib.error) as error:
                self.problem = str(error)
            finally:
                self.done = True


def is_compressed(path: Path) -> bool:
    """Whether a file is gzip, by its first bytes. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def of_gzip(path: Path) -> Spooled:
    """A compressed file, unpacked as far as it goes."""

    def pieces(spooled: Spooled) -> Iterator[bytes]:
        with gzip.open(path, "rb") as file:
            while piece := file.read(PIECE):
                yield piece

    return Spooled(pieces)


def of_pipe(descriptor: int) -> Spooled:
    """What comes from a pipe."""

    def pieces(spooled: Spooled) -> Iterator[bytes]:
        while piece := os.read(descriptor, PIECE):
            yield piece

    return Spooled(pieces)


def of_many(paths: Sequence[Path], *, follow: bool = True, since: float = 0.0) -> Spooled:
    """Several files, merged by the times of their lines, each line with the name of its file in front; what comes later is merged as it comes.

    A line that does not say its time stays behind the one before it. `since`: seconds since 1970; lines of before are left out.
    """
    names = _names(paths)

    def pieces(spooled: Spooled) -> Iterator[bytes]:
        files = [_open(path) for path in paths]
        try:
            while True:
                batch = [_timed(file, names[number], since) for number, file in enumerate(files)]
                block = bytearray()
                for _, line in heapq.merge(*batch, key=lambda pair: pair[0]):
                    block += line
                    if len(block) >= PIECE:
                        yield bytes(block)
                        block.clear()
                if block:
                    yield bytes(block)
                if not follow or spooled.stopped.wait(POLL_SECONDS):
                    return
                files = [_again(path, file) for path, file in zip(paths, files, strict=True)]
        finally:
            for file in files:
                file.close()

    return Spooled(pieces)


def _names(paths: Sequence[Path]) -> list[bytes]:
    short = [path.stem if path.suffix == ".log" else path.name for path in paths]
    if len(set(short)) < len(short):
        short = [str(path) for path in paths]
    width = min(24, max(map(len, short), default=0))
    return [f"{name[-24:].ljust(width)} │ ".encode("utf-8", "replace") for name in short]


def _open(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if is_compressed(path) else path.open("rb")


def _again(path: Path, file: BinaryIO) -> BinaryIO:
    """The file to read on in: another one where its name went to another, the same from its beginning where it was cut."""
    if isinstance(file, gzip.GzipFile):
        return file
    try:
        found, own = path.stat(), os.fstat(file.fileno())
    except OSError:
        return file
    if (found.st_dev, found.st_ino) != (own.st_dev, own.st_ino) and file.tell() >= own.st_size:
        file.close()
        return path.open("rb")
    if own.st_size < file.tell():
        file.seek(0)
    return file


def _timed(file: BinaryIO, name: bytes, since: float) -> Iterator[tuple[float, bytes]]:
    """Whole lines with their times."""
    seconds = 0.0
    while line := file.readline(LONGEST):
        if not line.endswith(b"\n") and len(line) < LONGEST:
            if time.time() - os.fstat(file.fileno()).st_mtime < 1:
                file.seek(-len(line), os.SEEK_CUR)
                return
            line += b"\n"
        elif len(line) >= LONGEST:
            line += b"\n"
        seconds = time_of(line) or seconds
        if seconds >= since:
            yield seconds, name + line
