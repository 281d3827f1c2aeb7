"""No walls: the command may do whatever the person may do. For machines where nothing else can be had."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stigmer_runner.sandbox.descriptors import ChildDescriptors
from stigmer_runner.sandbox.errors import SpawnFailed
from stigmer_runner.sandbox.marks import Marked
from stigmer_runner.sandbox.model import SandboxDescription, SandboxKind
from stigmer_runner.sandbox.mounts import identity
from stigmer_runner.sandbox.programs import Programs
from stigmer_runner.sandbox.walls import Place, Wrapped


class NoWalls(Marked):
    """See `walls.Walls`."""

    def __init__(self, programs: Programs, reason: str) -> None:
        super().__init__()
        self._programs = programs
        self.description = SandboxDescription(SandboxKind.NONE, walls=False, reason=reason, network=False)

    def prepare(self) -> None:
        return None

    def variables(self, scratch: Path | None) -> Mapping[str, str]:
        return {}

    def made_of(self, place: Place) -> tuple[object, ...]:
        return (identity(place.workspace),)

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
