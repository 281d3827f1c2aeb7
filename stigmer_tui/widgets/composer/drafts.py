"""What was written and not sent, by the place where it was written: found again there, over the end of the app too."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TypeGuard

from stigmer_tui.widgets.composer.private_file import replace_private

KEPT = 32
"""Places."""
LONGEST = 64 * 1024
"""Characters of a draft that is kept."""


def _texts_only(stored: dict[str, object]) -> dict[str, str]:
    return {place: text for place, text in stored.items() if isinstance(text, str)}


def _is_texts(stored: object) -> TypeGuard[dict[str, str]]:
    """Every object in the file went through `_texts_only`."""
    return isinstance(stored, dict)


class Drafts:
    """Texts by place: `board`, or an execution's session. Only what changed since the last `save` is written."""

    def __init__(self, path: Path) -> None:
        """Read `path`; what is not there or torn counts as empty."""
        self._path = path
        self._texts: dict[str, str] = {}
        self._changed = False
        with suppress(OSError, ValueError):
            stored: object = json.loads(path.read_bytes(), object_hook=_texts_only)
            self._texts = stored if _is_texts(stored) else {}

    def get(self, place: str) -> str:
        """The draft of a place."""
        return self._texts.get(place, "")

    def put(self, place: str, text: str) -> None:
        """Keep a draft, or forget it where it is empty."""
        if text == self.get(place):
            return
        self._texts.pop(place, None)
        if text and len(text) <= LONGEST:
            self._texts[place] = text
        for oldest in list(self._texts)[:-KEPT]:
            del self._texts[oldest]
        self._changed = True

    def save(self) -> None:
        """Write them, 0600. A disk that refuses is no reason to stop: drafts are a comfort."""
        if self._changed:
            self._changed = False
            with suppress(OSError):
                replace_private(self._path, json.dumps(self._texts).encode())
