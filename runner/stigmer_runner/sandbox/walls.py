"""What a kind of sandbox has to bring: how a program is wrapped, and how all of it is ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stigmer_runner.sandbox.anchor import Anchor
from stigmer_runner.sandbox.confinement import Confinement
from stigmer_runner.sandbox.descriptors import ChildDescriptors
from stigmer_runner.sandbox.ending import Ended, Target
from stigmer_runner.sandbox.model import SandboxDescription


@dataclass(frozen=True)
class Place:
    """Where one command runs."""

    workspace: Path
    """With symbolic links resolved, and allowed."""
    scratch: Path | None
    network: bool
    terminal: bool
    """Whether it has a terminal to take control of."""
    read_only: tuple[Path, ...] = ()
    """What of the workspace cannot be changed."""
    shown: tuple[Path, ...] = ()
    """What is readable beside it."""
    program: Path | None = None
    """The program that runs, where it is named by its place: shown with what it needs."""
    memory_files: int = 0
    """Bytes of each directory in memory; 0: no limit."""
    gated: bool = False
    """Whether it waits, once its namespaces are made, until it is let go."""


@dataclass(frozen=True)
class Wrapped:
    """A program as it is really started."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    new_session: bool
    """Whether it is started as the leader of a session: not where a `setsid` does that further down."""
    anchor: Anchor | None = None
    """What everything that it starts lives and dies with, where there is such a thing."""
    gate: int = -1
    """With `Place.gated`: a descriptor of this process; a byte written to it lets the command go. Whoever writes closes it."""
    confinement: Confinement | None = None
    """What the thread that starts it puts on itself before."""


class Walls(Protocol):
    """One kind of sandbox."""

    @property
    def description(self) -> SandboxDescription:
        """See `interface.Sandbox.description`."""
        ...

    @property
    def own_count(self) -> bool:
        """Whether the kernel counts a command's processes apart from the person's others, so that it can limit them."""
        ...

    def prepare(self) -> None:
        """Called once, in the thread that starts every command."""
        ...

    def variables(self, scratch: Path | None) -> Mapping[str, str]:
        """What a command is told about its place, with `scratch` for temporary files."""
        ...

    def made_of(self, place: Place) -> tuple[object, ...]:
        """What of the machine a command in `place` would see, and which files and directories those are now. Where it is equal
        to what it was, a sandbox that was made then is the one that would be made now. Blocks for a moment."""
        ...

    def wrap(
        self, program: Sequence[str], environment: Mapping[str, str], place: Place, descriptors: ChildDescriptors
    ) -> Wrapped:
        """How `program` is started with `environment` in `place`; what it needs open is added to `descriptors`.

        Raises `SpawnFailed` where this kind cannot do it.
        """
        ...

    def ink(self, marker: str) -> int | None:
        """A limit for the shell to set on itself, by which its processes are known; None where walls know them anyway."""
        ...

    def end(self, target: Target) -> Ended:
        """End a command and everything that it started. Blocks."""
        ...

    def strays(self, target: Target) -> list[int]:
        """Processes of a command that are not below its own any more. Blocks for a moment."""
        ...

    def ended(self, target: Target) -> None:
        """Called on the event loop once a command is over, for what it may have left."""
        ...

    def close(self) -> None:
        """Called on the event loop once the last command is over."""
        ...
