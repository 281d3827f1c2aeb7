"""Walls by bubblewrap: namespaces of the command's own, and a file tree that holds what it may see."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_runner.sandbox import landlock, seccomp
from stigmer_runner.sandbox.anchor import Anchor
from stigmer_runner.sandbox.descriptors import ChildDescriptors
from stigmer_runner.sandbox.ending import Ended, Target, end_namespace
from stigmer_runner.sandbox.errors import SpawnFailed
from stigmer_runner.sandbox.model import MARKER_VARIABLE, Mount, MountKind, SandboxDescription, SandboxKind
from stigmer_runner.sandbox.mounts import FileTree, with_identities
from stigmer_runner.sandbox.programs import TRUSTED_PATH, Programs
from stigmer_runner.sandbox.walls import Place, Wrapped

NAMESPACES = (
    "--unshare-pid",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--die-with-parent",
    "--cap-drop",
    "ALL",
)

USER_NAMESPACES: tuple[tuple[str, ...], ...] = (("--unshare-user", "--disable-userns"), ("--unshare-user",), ())
"""Best first: the second for a bubblewrap before 0.8, the third for one that is setuid root."""

COUNTS_APART = (5, 14)
"""The kernel from which on a namespace of users counts its processes by itself (RLIMIT_NPROC)."""

MAX_VARIABLES = 2500
"""bubblewrap takes 9,000 arguments, three for a variable."""


@dataclass(frozen=True)
class Features:
    """What the bubblewrap of this machine can do."""

    program: str
    user_namespace: tuple[str, ...]
    bind_fd: bool
    """Whether a directory can be handed over as a descriptor, which nobody can swap meanwhile."""
    scopes: bool
    """Whether the kernel can keep abstract sockets apart."""

    @property
    def setuid(self) -> bool:
        """Whether it gets its powers from its owner: then nothing may be taken from the thread that starts it."""
        return not self.user_namespace


class Bubblewrap:
    """See `walls.Walls`."""

    def __init__(self, programs: Programs, features: Features, tree: FileTree) -> None:
        self._programs = programs
        self._features = features
        self._tree = tree
        self._filter = seccomp.refusing_filter()
        self._told: tuple[Sequence[Mount], SandboxDescription] | None = None
        """What was said last, and of which mounts."""

    @property
    def description(self) -> SandboxDescription:
        base = self._tree.base()
        if self._told is None or self._told[0] is not base:
            self._told = base, self._describe(base)
        return self._told[1]

    def _describe(self, base: Sequence[Mount]) -> SandboxDescription:
        return SandboxDescription(
            SandboxKind.BUBBLEWRAP,
            walls=True,
            reason="",
            mounts=tuple(sorted(base, key=lambda mount: mount.target.parts)),
            network=True,
            gaps=self._gaps(),
            whole=True,
        )

    @property
    def own_count(self) -> bool:
        return not self._features.setuid and _kernel() >= COUNTS_APART

    def prepare(self) -> None:
        if self._features.scopes and not self._features.setuid:
            landlock.scope_this_thread()

    def variables(self, scratch: Path | None) -> Mapping[str, str]:
        return {}

    def made_of(self, place: Place) -> tuple[object, ...]:
        return with_identities(self._planned(place))

    def wrap(
        self, program: Sequence[str], environment: Mapping[str, str], place: Place, descriptors: ChildDescriptors
    ) -> Wrapped:
        if len(environment) > MAX_VARIABLES:
            raise SpawnFailed(f"a command cannot have {len(environment)} variables: give it at most {MAX_VARIABLES}")
        options = [*self._features.user_namespace, *NAMESPACES]
        if not place.network:
            options.append("--unshare-net")
        if not place.terminal:
            options.append("--new-session")
        for mount in self._planned(place):
            if place.memory_files and mount.kind is MountKind.EMPTY:
                options += ["--size", str(place.memory_files)]
            options += self._arguments(mount, descriptors)
        options += ["--remount-ro", "/", "--chdir", str(place.workspace), "--clearenv"]
        for name, value in environment.items():
            options += ["--setenv", name, value]
        if self._filter is not None:
            options += ["--seccomp", str(descriptors.holding(self._filter, "stigmer-filter"))]
        written, information = descriptors.shared_file("stigmer-information")
        options += ["--info-fd", str(written)]
        gate = -1
        if place.gated:
            waits, gate = descriptors.pipe()
            gate = descriptors.keep(gate)
            options += ["--block-fd", str(waits)]
        # Not in the arguments, which every user of the machine may read: values of the environment are among them.
        content = b"".join(os.fsencode(option) + b"\0" for option in options)
        arguments = [self._features.program, "--args", str(descriptors.holding(content, "stigmer-sandbox")), "--"]
        inner = [self._programs.setsid, "-c", *program] if place.terminal else list(program)
        # Nothing that a command exported may reach bubblewrap itself, which runs outside: no LD_PRELOAD, no PATH.
        outer = {"PATH": TRUSTED_PATH, MARKER_VARIABLE: environment.get(MARKER_VARIABLE, "")}
        return Wrapped([*arguments, *inner], outer, new_session=True, anchor=Anchor(information), gate=gate)

    def ink(self, marker: str) -> int | None:
        return None

    def end(self, target: Target) -> Ended:
        return end_namespace(target)

    def strays(self, target: Target) -> list[int]:
        return []

    def ended(self, target: Target) -> None:
        return None

    def close(self) -> None:
        return None

    def _planned(self, place: Place) -> Sequence[Mount]:
        return self._tree.planned(place.workspace, place.scratch, place.read_only, place.shown, place.program)

    def _arguments(self, mount: Mount, descriptors: ChildDescriptors) -> list[str]:
        target = str(mount.target)
        if mount.within is not None and self._features.bind_fd and mount.source is not None:
            return self._pinned(mount.source, mount.within, target, mount.kind, descriptors)
        match mount.kind:
            case MountKind.READ_ONLY:
                return ["--ro-bind", str(mount.source), target]
            case MountKind.WRITABLE if self._features.bind_fd:
                return ["--bind-fd", str(descriptors.directory(str(mount.source))), target]
            case MountKind.WRITABLE:
                return ["--bind", str(mount.source), target]
            case MountKind.EMPTY:
                return ["--perms", "0700", "--tmpfs", target]
            case MountKind.HIDDEN if mount.source is not None:
                return ["--ro-bind", str(mount.source), target]
            case MountKind.HIDDEN:
                return ["--perms", "0555", "--tmpfs", target]
            case MountKind.LINK:
                return ["--symlink", str(mount.source), target]
            case MountKind.DEVICES:
                return ["--dev", target]
            case MountKind.PROCESSES:
                return ["--proc", target]

    def _pinned(
        self, source: Path, within: Path, target: str, kind: MountKind, descriptors: ChildDescriptors
    ) -> list[str]:
        """A part of the workspace as it is now; nothing where it is a link, or not there any more."""
        try:
            number = descriptors.beneath(str(within), source.relative_to(within).parts)
        except OSError:
            return []
        return ["--bind-fd" if kind is MountKind.WRITABLE else "--ro-bind-fd", str(number), target]

    def _gaps(self) -> tuple[str, ...]:
        gaps: list[str] = []
        if self._features.setuid or not self._features.scopes:
            gaps.append(
                "While a command has the network it can reach abstract sockets of this machine: "
                "a kernel from 6.12 on keeps them apart."
            )
        if self._filter is None:
            gaps.append(
                f"Key rings of the kernel can be reached: system calls of {platform.machine()} are not filtered."
            )
        if "--disable-userns" not in self._features.user_namespace:
            gaps.append("A command can make user namespaces of its own: bubblewrap from 0.8 on forbids it.")
        return tuple(gaps)


def _kernel() -> tuple[int, ...]:
    numbers = platform.release().split("-")[0].split(".")
    return tuple(int(number) for number in numbers[:2] if number.isdigit())
