"""Whether a directory can hold Stigmer's state, in words that say how to mend it where it cannot."""

import errno
import os
import pwd
import stat
import tempfile
from pathlib import Path

from stigmer_apis.errors import HomeError
from stigmer_apis.protocol import MAX_SOCKET_PATH_BYTES

_ELSEWHERE = "or set STIGMER_HOME to another directory"


def check_socket_path(path: Path, root: Path) -> None:
    """Raise `HomeError` where `path` is too long for a unix socket."""
    length = len(os.fsencode(path))
    if length > MAX_SOCKET_PATH_BYTES:
        raise HomeError(
            f"the path of the socket {path} has {length} bytes; a socket's path may have {MAX_SOCKET_PATH_BYTES}",
            remedy=f"set STIGMER_HOME or XDG_RUNTIME_DIR to a shorter path (STIGMER_HOME is {root})",
        )


def check_directory(path: Path, *, may_be_link: bool) -> None:
    """Make `path`, and make it 0700. Raise `HomeError` where it is no directory, somebody else's, or a link that may not be one."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise HomeError(f"{path} is not a directory", remedy=f"move it away, {_ELSEWHERE}") from error
    except OSError as error:
        raise explain(error, path, "make the directory") from error
    found = path.stat() if may_be_link else path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise HomeError(
            f"{path} is a symbolic link", remedy="remove the link: sockets live in a directory of their own"
        )
    if found.st_uid != os.geteuid():
        raise HomeError(
            f"{path} belongs to {_user(found.st_uid)}, and this process runs as {_user(os.geteuid())}",
            remedy=f"run as {_user(found.st_uid)}, change the owner, {_ELSEWHERE}",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        try:
            path.chmod(0o700)
        except OSError as error:
            raise explain(error, path, "make private") from error


def check_writable(path: Path) -> None:
    """Raise `HomeError` where a small file cannot be written in the directory `path`."""
    try:
        with tempfile.TemporaryFile(dir=path, prefix=".check-") as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        raise explain(error, path, "write in") from error


def explain(error: OSError, path: Path, doing: str) -> HomeError:
    """`error`, met while `doing` something to `path`, as a `HomeError` that says how to mend it."""
    match error.errno:
        case errno.EACCES | errno.EPERM:
            what, remedy = "permission is missing", f"give yourself the right to write there, {_ELSEWHERE}"
        case errno.EROFS:
            what, remedy = "the file system is read-only", f"mount it writable, {_ELSEWHERE}"
        case errno.ENOSPC | errno.EDQUOT:
            what, remedy = "the disk is full", f"free some space, {_ELSEWHERE}"
        case errno.ENOTDIR:
            what, remedy = "a part of the path is not a directory", f"move it away, {_ELSEWHERE}"
        case errno.ELOOP:
            what, remedy = "its symbolic links lead in a circle", f"mend the links, {_ELSEWHERE}"
        case errno.ENAMETOOLONG:
            what, remedy = "the path is too long", "set STIGMER_HOME to a shorter path"
        case _:
            what, remedy = error.strerror or type(error).__name__, f"mend that, {_ELSEWHERE}"
    return HomeError(f"cannot {doing} {path}: {what}", remedy=remedy)


def _user(uid: int) -> str:
    """The name of a user, or the number where there is no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
