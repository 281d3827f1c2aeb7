"""Where Stigmer keeps its state: one directory, and the sockets beside it or in the session's runtime directory."""

import hashlib
import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stigmer_apis.errors import HomeError
from stigmer_apis.home_checks import check_directory, check_socket_path, check_writable, explain
from stigmer_apis.home_disks import Disks

HOME_VARIABLE = "STIGMER_HOME"
RUNTIME_VARIABLE = "XDG_RUNTIME_DIR"


@dataclass(frozen=True, slots=True)
class Home:
    """The places of one Stigmer. Two processes with equal homes share their state."""

    root: Path
    """`STIGMER_HOME`, or `~/.stigmer`; absolute, links resolved."""
    run: Path
    """Sockets, tokens, locks: in `XDG_RUNTIME_DIR` where there is one of ours, else below the root."""
    data_elsewhere: Path | None = None
    """The folder of the databases, where a setting names another than the home's own; absolute."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Home":
        """The home that `environ` names. Raises `HomeError` where it names none that can be meant."""
        named = environ.get(HOME_VARIABLE, "")
        if "\0" in named:
            raise HomeError(f"{HOME_VARIABLE} contains a NUL byte", remedy=f"set {HOME_VARIABLE} to an ordinary path")
        person = _person_directory(environ)
        if named == "~" or named.startswith("~/"):
            root = person / named[2:]
        else:
            root = Path(named) if named else person / ".stigmer"
        return cls.at(root, environ)

    @classmethod
    def at(cls, root: Path, environ: Mapping[str, str] = os.environ) -> "Home":
        """The home whose root is `root`."""
        try:
            resolved = Path(os.path.realpath(root))
        except OSError as error:
            raise explain(error, root, "find") from error
        return cls(root=resolved, run=_run_directory(resolved, environ))

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.root / "config.yaml"

    @property
    def data(self) -> Path:
        """The databases."""
        return self.data_elsewhere or self.root / "data"

    @property
    def logs(self) -> Path:
        """What each process has to say."""
        return self.root / "logs"

    @property
    def server_log(self) -> Path:
        """What the daemon has to say."""
        return self.logs / "server.log"

    @property
    def workspaces(self) -> Path:
        """One directory a session, for sessions without a directory of the person's."""
        return self.data / "workspace"

    @property
    def operator_socket(self) -> Path:
        """Where the daemon answers people and their programs."""
        return self.run / "operator.sock"

    @property
    def runner_socket(self) -> Path:
        """Where the daemon answers runners."""
        return self.run / "runner.sock"

    @property
    def peer_socket(self) -> Path:
        """Where the daemon that leads a database answers the others of this machine."""
        return self.run / "peers.sock"

    @property
    def operator_token(self) -> Path:
        """The file with the token of the operator's role."""
        return self.run / "operator.token"

    @property
    def viewer_token(self) -> Path:
        """The file with the token of the viewer's role."""
        return self.run / "viewer.token"

    @property
    def shell_state(self) -> Path:
        """What carries over between command lines of a session."""
        return self.run / "shell"

    @property
    def start_lock(self) -> Path:
        """Held by whoever starts the daemon, while it starts."""
        return self.run / "start.lock"

    @property
    def stopped_note(self) -> Path:
        """There from a stop that somebody asked for until the next start: clients that were connected do not start the daemon by themselves."""
        return self.run / "stopped"

    @property
    def last_words(self) -> Path:
        """When and why the last daemon ended that nobody had asked to, in a line; gone once one ended that was asked to."""
        return self.run / "last-words"

    def with_data(self, folder: Path | None) -> "Home":
        """This home with its databases in `folder`; None: in the home. Raises `HomeError` where that is no folder of their own."""
        if folder is None:
            return self
        try:
            resolved = Path(os.path.realpath(folder))
        except OSError as error:
            raise explain(error, folder, "find") from error
        if resolved == self.root / "data":
            return self
        if resolved in (self.root, self.run, self.logs, *self.root.parents):
            raise HomeError(
                f"{resolved} cannot be the folder of the databases", remedy="name a folder that holds nothing else"
            )
        return replace(self, data_elsewhere=resolved)

    def require_disk(self, place: Path) -> None:
        """Raise `HomeError` where `place`, of this home, was on a disk that is not mounted now; else note which disk it is on, for the next time."""
        disks = _disks()
        disks.require(place)
        disks.remember(place)

    def prepare_root(self) -> None:
        """Make the home itself, 0700, for those who need nothing else of it. Raises `HomeError` as `prepare` does."""
        self.require_disk(self.root)
        check_directory(self.root, may_be_link=True)

    def prepare(self) -> None:
        """Make the directories, 0700, and check that they can be used.

        Raises `HomeError` that names the path, what is wrong with it, and how to mend it: not a directory, somebody else's, a link where none may
        be, not writable, a full disk, a path too long for a socket, a disk that is not mounted any more. Blocking: a few file operations.
        """
        for path in (self.root, self.data):
            self.require_disk(path)
        for socket in (self.operator_socket, self.runner_socket):
            check_socket_path(socket, self.root)
        for path, may_be_link in ((self.root, True), (self.data, True), (self.logs, True), (self.run, False)):
            check_directory(path, may_be_link=may_be_link)
        for path in (self.data, self.run):
            check_writable(path)


def _disks(environ: Mapping[str, str] = os.environ) -> Disks:
    """The disks of the person whose process this is. One without a directory of their own has the root's."""
    try:
        return Disks.of(_person_directory(environ), environ)
    except HomeError:
        return Disks.of(Path("/"), environ)


def _person_directory(environ: Mapping[str, str]) -> Path:
    """The person's own directory: `HOME`, else what the system knows."""
    named = environ.get("HOME", "")
    if named:
        return Path(named)
    try:
        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except KeyError as error:
        raise HomeError(
            "this user has no home directory, and HOME is not set",
            remedy=f"set {HOME_VARIABLE} to a directory where Stigmer may keep its state",
        ) from error


def _run_directory(root: Path, environ: Mapping[str, str]) -> Path:
    """The runtime directory's `stigmer-<hash of the root>` where there is a runtime directory of ours, else `root/run`."""
    named = environ.get(RUNTIME_VARIABLE, "")
    if named and os.path.isabs(named):
        try:
            found = os.stat(named)
        except (OSError, ValueError):
            return root / "run"
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
            digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
            return Path(named) / f"stigmer-{digest}"
    return root / "run"
