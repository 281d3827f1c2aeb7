"""The files of the daemon's sockets: made free before, private from the first moment on, gone after."""

import os
import socket
import stat
from pathlib import Path

_CONNECT_SECONDS = 2.0

PRIVATE_SOCKET = 0o600
"""Only its owner may connect."""


class SocketTaken(Exception):
    """Something that is not ours stands at a socket's path, or listens on it. Its text says what, and how to mend it."""


def make_way(path: Path) -> None:
    """Remove a socket at `path` that nobody listens on any more. Call it with the home's lock held: then no other daemon can be its owner.

    Raises `SocketTaken` when somebody answers there, or when something else than a socket stands there.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SocketTaken(f"{path} is in the way: a socket belongs there. Move it away and start again")
    if _somebody_listens(path):
        raise SocketTaken(
            f"another program listens on {path}, and it is no daemon of this home: stop it, or set STIGMER_HOME to another directory"
        )
    path.unlink(missing_ok=True)


def make_private(path: Path) -> tuple[int, int]:
    """Let only the owner connect to the socket at `path`, and return what identifies the file: `still_there` takes it."""
    path.chmod(PRIVATE_SOCKET)
    found = path.lstat()
    return found.st_dev, found.st_ino


def still_there(path: Path, identity: tuple[int, int]) -> bool:
    """Whether the socket at `path` is still the one that `make_private` saw."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == identity


def _somebody_listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_SECONDS)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            # A full queue, another kind of socket, no permission: somebody is there.
            return True
    return True
