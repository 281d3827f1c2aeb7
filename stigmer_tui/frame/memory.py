"""What the workstation remembers from one time to the next: where one was, and how things were arranged."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

from stigmer_tui.widgets.composer.private_file import replace_private

LARGEST = 64 * 1024


class Memory:
    """Texts by name, in a file of the person's own (0600). What cannot be read or written is done without: it is a comfort."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: dict[str, list[str]] = {}
        self._changed = False
        try:
            with path.open("rb") as file:
                stored: object = json.loads(file.read(LARGEST))
        except (OSError, ValueError, RecursionError):
            return
        if isinstance(stored, dict):
            for name, value in cast("dict[object, object]", stored).items():
                if isinstance(name, str) and isinstance(value, list):
                    self._kept[name] = [each for each in cast("list[object]", value) if isinstance(each, str)]

    def get(self, name: str) -> list[str]:
        """What was kept; nothing where there is none."""
        return list(self._kept.get(name, ()))

    def put(self, name: str, value: list[str]) -> None:
        """Keep something; nothing takes it away."""
        if value == self._kept.get(name, []):
            return
        self._changed = True
        if value:
            self._kept[name] = value
        else:
            self._kept.pop(name, None)

    def save(self) -> None:
        """Write it, where something changed."""
        if self._changed:
            data = json.dumps(self._kept, indent=1).encode() + b"\n"
            self._try_to(lambda: replace_private(self._path, data))
            self._changed = False

    def _try_to(self, write: Callable[[], None]) -> None:
        with suppress(OSError):
            write()
