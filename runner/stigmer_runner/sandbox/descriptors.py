"""File descriptors for a child: numbered where no script uses them, closed here once the child has them."""

import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from types import TracebackType

LOWEST = 100
"""Scripts take single digits and 200 for themselves, bash what is above 10 and 255."""


class ChildDescriptors:
    """Descriptors that one child gets; a context, which closes them in this process."""

    def __init__(self) -> None:
        self._open: list[int] = []

    def __enter__(self) -> "ChildDescriptors":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for fd in self._open:
            os.close(fd)
        self._open.clear()

    @property
    def all(self) -> tuple[int, ...]:
        """What the child is to keep."""
        return tuple(self._open)

    def duplicate(self, fd: int) -> int:
        """A descriptor of the child's for what `fd` is; `fd` stays open."""
        number = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LOWEST)
        self._open.append(number)
        return number

    def pipe(self) -> tuple[int, int]:
        """Both ends of a pipe, the reading one first."""
        read, write = os.pipe()
        self._open += [read, write]
        return read, write

    def incoming(self) -> tuple[int, int]:
        """A pipe: the child's reading end, and the writing one, which the caller keeps and closes."""
        read, write = os.pipe()
        try:
            return self.duplicate(read), write
        except OSError:
            os.close(write)
            raise
        finally:
            os.close(read)

    def keep(self, fd: int) -> int:
        """Leave `fd` open in this process: it belongs to the caller from now on."""
        self._open.remove(fd)
        return fd

    def holding(self, content: bytes, name: str) -> int:
        """A file in memory with `content`, read from its start."""
        memory = os.memfd_create(name)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(memory, view) :]
            os.lseek(memory, 0, os.SEEK_SET)
            return self.duplicate(memory)
        finally:
            os.close(memory)

    def shared_file(self, name: str) -> tuple[int, int]:
        """A file in memory for the child to write: the child's descriptor, and one that the caller keeps and closes."""
        memory = os.memfd_create(name)
        return self.duplicate(memory), memory

    def beneath(self, directory: str, parts: Sequence[str]) -> int:
        """What `parts` lead to below `directory`, pinned; no symbolic link is followed. Raises `OSError`."""
        here = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                deeper = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
                os.close(here)
                here = deeper
            if stat.S_ISLNK(os.fstat(here).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            return self.duplicate(here)
        finally:
            os.close(here)

    def directory(self, path: str) -> int:
        """The directory `path`, pinned: what is there now, whatever is put in its place."""
        fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return self.duplicate(fd)
        finally:
            os.close(fd)
