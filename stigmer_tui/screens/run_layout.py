"""How the panes of a run stand, remembered from one time to the next."""

import json
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import cast

from stigmer_tui.widgets.composer.private_file import replace_private


class Arrangement(Enum):
    """Where the output stands."""

    BESIDE = "beside"
    """Beside the transcript where there is room for both, else one at a time."""
    UNDER = "under"
    ALONE = "alone"

    @property
    def following(self) -> "Arrangement":
        """The next one."""
        order = list(Arrangement)
        return order[(order.index(self) + 1) % len(order)]


WORDS = {
    Arrangement.BESIDE: "The output stands beside the transcript, from 140 columns on.",
    Arrangement.UNDER: "The output stands under the transcript.",
    Arrangement.ALONE: "One pane at a time; o changes between them.",
}


class Layout:
    """The arrangement, kept in a file of the person's own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.arrangement = Arrangement.BESIDE
        with suppress(OSError, ValueError, AttributeError):
            kept = cast("dict[str, str]", json.loads(path.read_bytes()))
            self.arrangement = Arrangement(kept.get("panes"))

    def choose(self, arrangement: Arrangement) -> None:
        """Another one from here on; where it cannot be kept, for this time."""
        self.arrangement = arrangement
        with suppress(OSError):
            replace_private(self._path, json.dumps({"panes": arrangement.value}).encode())
