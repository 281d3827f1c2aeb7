"""What carries over between the command lines of a session: kept in memory, and in files of the run directory."""

import asyncio
import json
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from stigmer_runner.errors import ShellStateBroken
from stigmer_runner.sandbox import ShellState

FILE_NAME = "state.json"
_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


class ShellStates:
    """The states of all sessions. Files are 0600, replaced whole, and written by one thread of their own."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._states: dict[str, ShellState] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shell-state")

    async def load(self, session_id: str, workspace: Path) -> ShellState:
        """The state that the session's next line starts from: `workspace` where it has none yet.

        Raises `ShellStateBroken` where its file cannot be read.
        """
        known = self._states.get(session_id)
        if known is None:
            path = self._path(session_id)
            known = await asyncio.get_running_loop().run_in_executor(self._thread, _read, path)
            known = self._states.setdefault(session_id, known or ShellState(str(workspace)))
        return known

    def current(self, session_id: str) -> ShellState:
        """The state of a session that was loaded."""
        return self._states[session_id]

    async def save(self, session_id: str, state: ShellState) -> None:
        """Keep the state that a line left. Raises `ShellStateBroken` where the file cannot be written."""
        if self._states.get(session_id) == state:
            return
        self._states[session_id] = state
        path = self._path(session_id)
        await asyncio.get_running_loop().run_in_executor(self._thread, _write, path, state)

    def close(self) -> None:
        """End the thread, once what it was given is written."""
        self._thread.shutdown()

    def _path(self, session_id: str) -> Path:
        if not _SESSION.match(session_id):
            raise ShellStateBroken(f"{session_id!r} is no name of a session")
        return self._root / session_id / FILE_NAME


def _write(path: Path, state: ShellState) -> None:
    text = json.dumps(
        {"directory": state.directory, "variables": dict(state.variables), "removed": list(state.removed)}
    )
    fresh = path.with_name(f"{FILE_NAME}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        raise ShellStateBroken(
            f"cannot keep the shell's directory and variables in {path}: {error.strerror}"
        ) from error


def _read(path: Path) -> ShellState | None:
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ShellStateBroken(f"cannot read {path}: {error}") from error
    try:
        return _parsed(text)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ShellStateBroken(f"{path} is damaged ({error}); remove it to start from a fresh shell") from error


def _parsed(text: str) -> ShellState:
    fields = cast("Mapping[str, object]", json.loads(text))
    variables = cast("Mapping[object, object]", fields["variables"])
    removed = cast("Sequence[object]", fields["removed"])
    return ShellState(
        directory=_text(fields["directory"]),
        variables={_text(name): _text(value) for name, value in variables.items()},
        removed=tuple(_text(name) for name in removed),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value
