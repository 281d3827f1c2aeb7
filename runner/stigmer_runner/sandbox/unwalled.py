"""No walls: the command may do whatever the person may do. For machines where bubblewrap cannot run."""

import ctypes
import resource
import zlib
from collections.abc import Mapping, Sequence

from stigmer_runner.sandbox.descriptors import ChildDescriptors
from stigmer_runner.sandbox.ending import Ended, Target, end_tree
from stigmer_runner.sandbox.errors import SpawnFailed
from stigmer_runner.sandbox.model import SandboxDescription, SandboxKind
from stigmer_runner.sandbox.orphans import Orphans
from stigmer_runner.sandbox.programs import Programs
from stigmer_runner.sandbox.walls import Place, Wrapped

_PR_SET_CHILD_SUBREAPER = 36

_INK_SPREAD = 1 << 18
"""How many different marks there are; well under the usual limit of 819,200 bytes."""


class NoWalls:
    """See `walls.Walls`."""

    def __init__(self, programs: Programs, reason: str) -> None:
        self._programs = programs
        self.description = SandboxDescription(SandboxKind.NONE, walls=False, reason=reason, network=False)
        self._orphans = Orphans()
        become_subreaper()

    @property
    def own_count(self) -> bool:
        return False

    def prepare(self) -> None:
        return None

    def wrap(
        self, program: Sequence[str], environment: Mapping[str, str], place: Place, descriptors: ChildDescriptors
    ) -> Wrapped:
        if not place.network:
            raise SpawnFailed(
                "without a sandbox the network cannot be taken away from a command: "
                f"allow it the network, or mend this first: {self.description.reason}"
            )
        if not place.terminal:
            return Wrapped(program, environment, new_session=True)
        return Wrapped([self._programs.setsid, "-c", *program], environment, new_session=False)

    def ink(self, marker: str) -> int | None:
        soft, _ = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
        if soft <= 2 * _INK_SPREAD:
            return None
        return soft - 1 - zlib.crc32(marker.encode()) % _INK_SPREAD

    def end(self, target: Target) -> Ended:
        return end_tree(target)

    def ended(self, target: Target) -> None:
        self._orphans.adopt(target)

    def close(self) -> None:
        self._orphans.close()


def become_subreaper() -> None:
    """Make this process the parent of whatever its descendants leave behind, so that it is found and reaped."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
