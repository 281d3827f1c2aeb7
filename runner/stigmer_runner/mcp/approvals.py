"""Which definitions of servers the person approved: for the session, or always. Files of Stigmer's own, which no command sees."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from stigmer_runner.errors import RunnerError

_WRITING = threading.Lock()
"""Servers of one run are approved side by side, and share a file."""


@dataclass(frozen=True)
class Approved:
    """One definition that a person approved, and what it listed then."""

    server: str
    tools: Mapping[str, str]
    """By name of a tool: the hash of its description and schema."""
    at: str = ""
    """When, as ISO 8601 in UTC."""


class ApprovalsBroken(RunnerError):
    """What was approved cannot be kept."""


class Approvals:
    """What was approved: `always` for every session of the home, `session` for one. Each a JSON file, by hash of the definition.

    Blocking. A file that cannot be read approves nothing.
    """

    def __init__(self, always: Path, session: Path) -> None:
        self._always = always
        self._session = session

    def find(self, definition_hash: str) -> Approved | None:
        """What was approved under that hash."""
        return _read(self._session).get(definition_hash) or _read(self._always).get(definition_hash)

    def knows(self, server: str) -> bool:
        """Whether a server of that name was approved, as it was then."""
        return any(each.server == server for path in (self._session, self._always) for each in _read(path).values())

    def keep(self, definition_hash: str, server: str, tools: Mapping[str, str], *, always: bool) -> None:
        """Note an approval. Raises `ApprovalsBroken`."""
        path = self._always if always else self._session
        with _WRITING:
            self._keep(path, definition_hash, server, tools)

    def _keep(self, path: Path, definition_hash: str, server: str, tools: Mapping[str, str]) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        _write(path, {**_read(path), definition_hash: Approved(server, dict(tools), at)})

    def is_always(self, definition_hash: str) -> bool:
        """Whether it was approved for every session."""
        return definition_hash in _read(self._always)


def _read(path: Path) -> dict[str, Approved]:
    try:
        given: object = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(given, dict):
        return {}
    found: dict[str, Approved] = {}
    for key, value in cast(Mapping[str, object], given).items():
        if isinstance(value, dict):
            entry = cast(Mapping[str, object], value)
            tools = entry.get("tools")
            known: Mapping[str, object] = cast(Mapping[str, object], tools) if isinstance(tools, dict) else {}
            hashes = {name: str(each) for name, each in known.items()}
            found[key] = Approved(str(entry.get("server", "")), hashes, str(entry.get("at", "")))
    return found


def _write(path: Path, approved: Mapping[str, Approved]) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps({key: asdict(each) for key, each in approved.items()}, indent=1, sort_keys=True))
        os.replace(fresh, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise ApprovalsBroken(f"what you approved cannot be kept in {path}: {error.strerror}") from error
