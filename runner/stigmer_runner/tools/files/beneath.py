"""The one way into a workspace: paths are opened below its root and nowhere else, whatever links and races say.

Linux resolves them in one call, `openat2` with RESOLVE_BENEATH, which no exchange of names in between can deceive. Where it
is not there the path is walked a directory at a time, and no symbolic link is followed.
"""

import ctypes
import errno
import os
import platform
import secrets
import stat
import struct
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stigmer_runner.errors import RunnerError

LONGEST_PATH = 4095
TEMPORARY = ".stigmer-new-"
"""Begins the names of files that are being written."""

_OPENAT2 = 437
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08
_AGAIN = 64
"""Tries where the kernel saw a rename above the path at the same time (EAGAIN)."""


class PathRefused(RunnerError):
    """A path cannot be used: it leads out of the workspace, or is not there. The text is fit for a model."""


class Beneath:
    """A workspace's files. `hidden` are directories that are covered for commands and refused here. Any thread may use it."""

    def __init__(self, root: Path, hidden: Sequence[Path] = (), *, walk: bool = False) -> None:
        """`root` has its links resolved. `walk` takes the second way even where the first is there."""
        self.root = root
        self._walk = walk or not has_openat2()
        self._hidden = tuple(
            real for place in hidden if (real := Path(os.path.realpath(place))).is_relative_to(root) and real != root
        )
        self.hidden = frozenset(str(place.relative_to(root)) for place in self._hidden)
        """Paths below the root that are not there for tools."""

    def relative(self, path: str) -> str:
        """`path` below the root, without `.` and `..`; `.` for the root. Raises `PathRefused`. Touches no file."""
        shown = visible(path)
        if "\0" in path:
            raise PathRefused(f"{shown} holds a NUL character, which no file name can")
        try:
            length = len(os.fsencode(path))
        except UnicodeEncodeError as error:
            raise PathRefused(f"{shown} holds half a surrogate pair, which no file name can") from error
        if length > LONGEST_PATH:
            raise PathRefused(f"{shown} is longer than {LONGEST_PATH} bytes")
        if path.startswith("~"):
            raise PathRefused(f"{shown} is outside the workspace {self.root}: name a file in it")
        parts: list[str] = []
        for part in Path(os.path.join(self.root, path)).parts[1:]:
            if part == "..":
                if not parts:
                    raise self.outside(path)
                parts.pop()
            else:
                parts.append(part)
        inside = Path("/", *parts)
        if not inside.is_relative_to(self.root):
            raise self.outside(path)
        return str(inside.relative_to(self.root))

    def outside(self, path: str) -> PathRefused:
        """The error of a path that leads out."""
        return PathRefused(f"{visible(path)} is outside the workspace {self.root}: name a file in it")

    @contextmanager
    def opened(self, path: str, flags: int = os.O_RDONLY, *, links: bool = True) -> Generator[int]:
        """A descriptor of `path`, which is closed afterwards. `links`: whether symbolic links in the workspace are followed.

        Raises `PathRefused`, also where it is no regular file or directory.
        """
        descriptor = self._open(self.relative(path), flags | os.O_NONBLOCK, links)
        try:
            mode = os.fstat(descriptor).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise PathRefused(f"{visible(path)} is {kind_of(mode)}, not a file")
            self._not_hidden(descriptor, path)
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def directory(self, path: str, *, make: bool = False, links: bool = False) -> Generator[int]:
        """A descriptor of the directory `path`, for names in it. `make`: what is missing of it is made.

        Raises `PathRefused`.
        """
        relative = self.relative(path)
        if make:
            self._make(relative)
        descriptor = self._open(relative, os.O_RDONLY | os.O_DIRECTORY, links)
        try:
            self._not_hidden(descriptor, path)
            yield descriptor
        finally:
            os.close(descriptor)

    def real(self, path: str) -> str:
        """Where `path` leads: below the root, links in the workspace followed as far as they are there.

        Raises `PathRefused` where it leads out. For questions before a call; the call itself opens by descriptor.
        """
        relative = self.relative(path)
        real = Path(os.path.realpath(self.root / relative))
        if not real.is_relative_to(self.root):
            raise self.outside(path)
        return str(real.relative_to(self.root))

    def real_of(self, descriptor: int) -> str:
        """Where an open file is now, below the root; `` where it cannot be told."""
        try:
            place = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError:
            return ""
        return str(place.relative_to(self.root)) if place.is_relative_to(self.root) else ""

    def _not_hidden(self, descriptor: int, path: str) -> None:
        if not self._hidden:
            return
        place = self.root / self.real_of(descriptor)
        if any(place.is_relative_to(hidden) for hidden in self._hidden):
            raise PathRefused(f"{visible(path)} is Stigmer's own, which no agent may see: name another file")

    def _root(self) -> int:
        try:
            return os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise PathRefused(
                f"the workspace {self.root} cannot be opened ({error.strerror}): it was moved or removed; put it back"
            ) from error

    def _open(self, relative: str, flags: int, links: bool, mode: int = 0) -> int:
        root = self._root()
        try:
            flags |= os.O_CLOEXEC | os.O_NOCTTY
            if self._walk:
                return walk_beneath(root, relative, flags, mode)
            return open_beneath(root, relative, flags, mode, links=links)
        except OSError as error:
            raise self._refusal(relative, error) from error
        finally:
            os.close(root)

    def _refusal(self, relative: str, error: OSError) -> PathRefused:
        shown = visible(relative)
        match error.errno:
            case errno.EXDEV:
                return PathRefused(f"{shown} leads out of the workspace {self.root}: name a file in it")
            case errno.ELOOP:
                return PathRefused(f"{shown} is, or goes through, a symbolic link{self._link(relative)}")
            case errno.ENOENT:
                return PathRefused(f"{shown} is not there")
            case errno.ENOTDIR:
                return PathRefused(f"{shown}: a part of it is not a directory")
            case errno.EISDIR:
                return PathRefused(f"{shown} is a directory")
            case errno.ENXIO:
                return PathRefused(f"{shown} is a socket or a pipe, not a file")
            case _:
                return PathRefused(f"{shown} cannot be opened: {error.strerror}")

    def _link(self, relative: str) -> str:
        try:
            return f": name what it leads to, {visible(self.real(relative))}"
        except (PathRefused, OSError):
            return ", which is not followed here"

    def _make(self, relative: str) -> None:
        if relative == ".":
            return
        parts = Path(relative).parts
        for depth in range(1, len(parts) + 1):
            parent = str(Path(*parts[: depth - 1])) if depth > 1 else "."
            descriptor = self._open(parent, os.O_RDONLY | os.O_DIRECTORY, links=False)
            try:
                os.mkdir(parts[depth - 1], 0o755, dir_fd=descriptor)
            except FileExistsError:
                continue
            except OSError as error:
                raise self._refusal(str(Path(*parts[:depth])), error) from error
            finally:
                os.close(descriptor)


def open_beneath(root: int, relative: str, flags: int, mode: int = 0, *, links: bool = True) -> int:
    """`openat2` below the descriptor `root`. Raises `OSError`."""
    resolve = _BENEATH | _NO_MAGICLINKS | (0 if links else _NO_SYMLINKS)
    how = struct.pack("QQQ", flags, mode, resolve)
    for _ in range(_AGAIN):
        descriptor: int = _libc.syscall(_OPENAT2, root, os.fsencode(relative), how, len(how))
        if descriptor >= 0:
            return descriptor
        if ctypes.get_errno() != errno.EAGAIN:
            break
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), relative)


def walk_beneath(root: int, relative: str, flags: int, mode: int = 0) -> int:
    """The same a directory at a time, without following links. Raises `OSError`; ELOOP for a link."""
    parts = Path(relative).parts
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=root)
    try:
        for part in parts[:-1]:
            deeper = _step(here, part, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            os.close(here)
            here = deeper
        return _step(here, parts[-1] if parts else ".", flags, mode)
    finally:
        os.close(here)


def _step(here: int, part: str, flags: int, mode: int = 0) -> int:
    if part == "..":
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    try:
        return os.open(part, flags | os.O_NOFOLLOW, mode, dir_fd=here)
    except OSError as error:
        if error.errno == errno.ENOTDIR and stat.S_ISLNK(os.stat(part, dir_fd=here, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), part) from error
        raise


def temporary_name() -> str:
    """A name for a file that is being written."""
    return f"{TEMPORARY}{secrets.token_hex(8)}"


def visible(path: str) -> str:
    """`path` with every character that would not show itself as an escape, cut at 200."""
    shown = "".join(character if character.isprintable() else repr(character)[1:-1] for character in path[:200])
    return f"{shown}..." if len(path) > 200 else shown


def kind_of(mode: int) -> str:
    """What a mode stands for, in words."""
    kinds = (
        (stat.S_ISREG, "a file"),
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for test, name in kinds if test(mode)), "a device")


def has_openat2() -> bool:
    """Whether this system has `openat2`; asked once."""
    global _has_openat2
    if _has_openat2 is None:
        _has_openat2 = _try_openat2()
    return _has_openat2


def _try_openat2() -> bool:
    if not sys.platform.startswith("linux") or platform.machine() not in ("x86_64", "aarch64", "riscv64"):
        return False
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(open_beneath(root, ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError:
        return False
    finally:
        os.close(root)
    return True


_libc = ctypes.CDLL(None, use_errno=True)
_has_openat2: bool | None = None
