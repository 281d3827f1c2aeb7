"""How a command is known again, and ended, where it has no namespace of processes of its own."""

import ctypes
import resource
import zlib

from stigmer_runner.sandbox.ending import Ended, Target, end_tree
from stigmer_runner.sandbox.orphans import Orphans

_PR_SET_CHILD_SUBREAPER = 36

_INK_SPREAD = 1 << 18
"""How many different marks there are; well under the usual limit of 819,200 bytes."""


class Marked:
    """That half of `walls.Walls`: by the terminal's session, a variable, and a limit that no program touches."""

    def __init__(self) -> None:
        self._orphans = Orphans()
        become_subreaper()

    @property
    def own_count(self) -> bool:
        """See `walls.Walls`."""
        return False

    def ink(self, marker: str) -> int | None:
        """See `walls.Walls`."""
        soft, _ = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
        if soft <= 2 * _INK_SPREAD:
            return None
        return soft - 1 - zlib.crc32(marker.encode()) % _INK_SPREAD

    def end(self, target: Target) -> Ended:
        """See `walls.Walls`."""
        return end_tree(target)

    def ended(self, target: Target) -> None:
        """See `walls.Walls`."""
        self._orphans.adopt(target)

    def strays(self, target: Target) -> list[int]:
        """See `walls.Walls`."""
        return self._orphans.left_by(target)

    def close(self) -> None:
        """See `walls.Walls`."""
        self._orphans.close()


def become_subreaper() -> None:
    """Make this process the parent of whatever its descendants leave behind, so that it is found and reaped."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
