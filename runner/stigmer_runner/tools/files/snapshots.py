"""What files were before tools changed them, kept by content outside the workspace, and put back on request."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from stigmer_runner.errors import RunnerError


class SnapshotsBroken(RunnerError):
    """What files were before cannot be kept or read."""


@dataclass(frozen=True)
class Change:
    """One change of one file. Hashes are SHA-256, empty where there was, or is, no file."""

    path: str
    before: str
    after: str
    mode: int
    """Permission bits before, 0 where there was no file."""


class Snapshots:
    """Contents below `root/objects`, and for each turn the list of its changes below `root/turns`. Files are 0600.

    Messages are numbered anew in each execution of a session: a turn is known by both, and the turns of an execution stand in order in
    `root/executions`.
    """

    def __init__(self, root: Path, execution_id: str = "") -> None:
        self._root = root
        self._execution_id = execution_id

    def keep(self, content: bytes) -> str:
        """Keep `content`; its hash. On disk before it returns. Raises `SnapshotsBroken`."""
        name = hashlib.sha256(content).hexdigest()
        path = self._object(name)
        if not path.exists():
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                fresh = path.with_name(f"{name}.{os.getpid()}.new")
                with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                fresh.replace(path)
            except OSError as error:
                raise SnapshotsBroken(
                    f"what the file was before cannot be kept in {self._root} ({error.strerror}), so it was not changed: "
                    "make room there"
                ) from error
        return name

    def content(self, name: str) -> bytes:
        """What was kept by that hash. Raises `SnapshotsBroken` where it is gone or is not what it was."""
        try:
            content = self._object(name).read_bytes()
        except OSError as error:
            raise SnapshotsBroken(f"an earlier content is not there any more ({error.strerror})") from error
        if hashlib.sha256(content).hexdigest() != name:
            raise SnapshotsBroken("an earlier content was damaged on disk")
        return content

    def note(self, message_id: str, change: Change) -> None:
        """`change` belongs to the turn that `message_id` began; written before the file itself is. Raises `SnapshotsBroken`."""
        path = self._turn(message_id)
        try:
            if not path.exists():
                _append(self._turns(), message_id.encode("unicode_escape"))
            _append(path, json.dumps(asdict(change)).encode())
        except OSError as error:
            raise SnapshotsBroken(
                f"the change cannot be noted in {self._root} ({error.strerror}): make room there"
            ) from error

    def changes(self, message_id: str) -> Sequence[Change]:
        """The changes of a turn, oldest first; a line that a crash cut is passed over. Raises `SnapshotsBroken`."""
        try:
            lines = self._turn(message_id).read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise SnapshotsBroken(f"the changes of the turn cannot be read ({error.strerror})") from error
        return [change for line in lines if (change := _parsed(line)) is not None]

    def turns(self) -> Sequence[str]:
        """The messages that began turns of this execution in which files were changed, the oldest first. Raises `SnapshotsBroken`."""
        try:
            lines = self._turns().read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise SnapshotsBroken(f"the turns of the run cannot be read ({error.strerror})") from error
        return [line.decode("unicode_escape") for line in dict.fromkeys(lines)]

    def _turns(self) -> Path:
        return self._root / "executions" / hashlib.sha256(self._execution_id.encode()).hexdigest()

    def _object(self, name: str) -> Path:
        return self._root / "objects" / name[:2] / name

    def _turn(self, message_id: str) -> Path:
        known_by = f"{self._execution_id}\0{message_id}" if self._execution_id else message_id
        return self._root / "turns" / hashlib.sha256(known_by.encode()).hexdigest()


def _append(path: Path, line: bytes) -> None:
    """On disk before it returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _parsed(line: bytes) -> Change | None:
    try:
        fields = cast("dict[str, object]", json.loads(line))
        path, before, after, mode = (fields[name] for name in ("path", "before", "after", "mode"))
    except (ValueError, KeyError, TypeError):
        return None
    if isinstance(path, str) and isinstance(before, str) and isinstance(after, str) and isinstance(mode, int):
        return Change(path, before, after, mode)
    return None
