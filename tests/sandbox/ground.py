"""A person's machine in small: their home with secrets in it, Stigmer's own directories, and sockets that listen."""

import contextlib
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_runner.sandbox import SandboxKind, SandboxLayout, landlock
from tests.support.require import missing

CANARY = "canary-7f3a9c-must-not-be-seen"
"""Stands in every file and variable that no command may see."""

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"

ABSTRACT = "stigmer-test-abstract"
"""The name, with the process id after it, of an abstract socket that listens."""

KINDS = (SandboxKind.BUBBLEWRAP, SandboxKind.LANDLOCK, SandboxKind.NONE)
"""Those that this machine makes by itself."""


@dataclass
class Ground:
    """Where a test's commands run."""

    base: Path
    path: str = SYSTEM_PATH
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        for directory in (
            self.run,
            self.sessions,
            self.scratch,
            self.outside,
            self.person / ".ssh",
            self.person / "bin",
        ):
            directory.mkdir(parents=True, exist_ok=True)
        for secret in (
            self.token,
            self.home / "config.yaml",
            self.home / "data" / "state.fs",
            self.person / ".ssh" / "id_ed25519",
            self.person / ".netrc",
            self.person / ".bash_history",
        ):
            secret.write_text(CANARY)
        (self.person / ".gitconfig").write_text("[user]\n\tname = A Person\n")

    @property
    def person(self) -> Path:
        """The person's home."""
        return self.base / "person"

    @property
    def home(self) -> Path:
        """`STIGMER_HOME`."""
        return self.person / ".stigmer"

    @property
    def run(self) -> Path:
        """The run directory."""
        return self.base / "run"

    @property
    def token(self) -> Path:
        """What gives authority."""
        return self.run / "operator.token"

    @property
    def socket(self) -> Path:
        """Where the daemon would listen; see `Listeners`."""
        return self.run / "operator.sock"

    @property
    def sessions(self) -> Path:
        """Where sessions' own workspaces lie."""
        return self.home / "data" / "workspace"

    @property
    def scratch(self) -> Path:
        """A session's own /tmp."""
        return self.home / "data" / "tmp"

    @property
    def outside(self) -> Path:
        """A directory of the person's that is no workspace."""
        return self.person / "documents"

    def workspace(self, name: str = "session") -> Path:
        """A session's own workspace."""
        path = self.sessions / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def layout(self) -> SandboxLayout:
        """What a sandbox is made for."""
        return SandboxLayout(self.home, self.run, self.person, self.path, self.environment)


class Listeners:
    """Sockets that answer whoever connects; a context."""

    def __init__(self, paths: list[str | Path], tcp: bool = False) -> None:
        """Each of `paths` is a file or, with a leading NUL, an abstract name."""
        self._sockets: list[socket.socket] = []
        for path in paths:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(path))
            self._sockets.append(listener)
        self.port = 0
        if tcp:
            listener = socket.create_server(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
            self._sockets.append(listener)
        for listener in self._sockets:
            listener.listen(64)
            threading.Thread(target=_answer, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        for listener in self._sockets:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def require_landlock() -> None:
    """Skip, or fail where everything has to be tried, without a kernel that has it."""
    if landlock.version() < landlock.FILES_ABI:
        missing("this kernel has no Landlock of Linux 6.2 or later")


def kinds() -> list[SandboxKind]:
    """Those that this machine can have."""
    there = landlock.version() >= landlock.FILES_ABI
    return [kind for kind in KINDS if there or kind is not SandboxKind.LANDLOCK]


def _answer(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(CANARY.encode())


def somewhere_in_run() -> Path | None:
    """A directory of /run, or below it, that this user may write; None where there is none."""
    for place in (Path("/run"), Path(f"/run/user/{os.getuid()}"), Path("/run/lock")):
        if place.is_dir() and os.access(place, os.W_OK):
            return place
    return None
