"""What a person names, as one file to read: a log of the daemon or of the runner, any file, several of them, a pipe."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_apis.errors import InvalidArgument, NotFound
from stigmer_apis.home import Home
from stigmer_tui.logs.spooling import Spooled, is_compressed, of_gzip, of_many, of_pipe
from stigmer_tui.logs.store import LogStore
from stigmer_tui.logs.times import offset_of_time

OWN = {"server": "server.log", "runner": "runner.log"}
"""Logs of our own, by what they are called, below the home's `logs`."""


@dataclass(frozen=True, slots=True)
class Source:
    """A log that is open."""

    name: str
    """For the screen; foreign text."""
    store: LogStore
    spooled: Spooled | None = None
    """Where it is no plain file: who writes it."""

    def close(self) -> None:
        """Give everything back."""
        self.store.close()
        if self.spooled is not None:
            self.spooled.close()

    @property
    def problem(self) -> str:
        """Why no more comes, where something went wrong."""
        return self.spooled.problem if self.spooled is not None else ""


def open_sources(names: Sequence[str], home: Home, *, since: float = 0.0, follow: bool = True) -> Source:
    """Open what is named; nothing is the server's and the runner's log. `since`: seconds since 1970; lines of before are left out.

    Raises `NotFound` where there is no such file, `InvalidArgument` where it is none that can be read.
    """
    paths = [path_of(name, home) for name in names or own_names(home)]
    for name, path in zip(names or list(OWN), paths, strict=False):
        _check(name, path)
    title = " + ".join(names) if names else " + ".join(own_names(home))
    try:
        if len(paths) > 1:
            return _of_spool(title, of_many(paths, follow=follow, since=since))
        if is_compressed(paths[0]):
            return _of_spool(title, of_gzip(paths[0]))
        begin = 0
        if since:
            store = LogStore(paths[0])
            begin = offset_of_time(store, since)
            store.close()
        return Source(title, LogStore(paths[0], begin=begin))
    except OSError as error:
        raise InvalidArgument(f"{title} cannot be read: {error.strerror or error}") from error


def open_pipe(descriptor: int, name: str = "standard input") -> Source:
    """What comes from a pipe. Raises `InvalidArgument` where it has no room on the disk."""
    try:
        return _of_spool(name, of_pipe(descriptor))
    except OSError as error:
        raise InvalidArgument(f"{name} cannot be kept: {error.strerror or error}") from error


def own_names(home: Home) -> list[str]:
    """Which of our own logs there are."""
    return [name for name, file in OWN.items() if (home.logs / file).exists()] or ["server"]


def path_of(name: str, home: Home) -> Path:
    """The file that a name means."""
    return home.logs / OWN[name] if name in OWN else Path(name).expanduser().absolute()


def _check(name: str, path: Path) -> None:
    if name in OWN and not path.exists():
        raise NotFound(f"the {name} has written no log yet", remedy=f"it appears as {path} once the {name} was started")
    if not path.exists():
        raise NotFound(f"there is no file {name}")
    if path.is_dir():
        raise InvalidArgument(f"{name} is a directory", remedy=f"name a file in it, such as {name.rstrip('/')}/*.log")
    if not os.access(path, os.R_OK):
        raise InvalidArgument(f"{name} may not be read by you")


def _of_spool(name: str, spooled: Spooled) -> Source:
    store = LogStore(spooled.path)
    spooled.path.unlink(missing_ok=True)
    return Source(name, store, spooled)
