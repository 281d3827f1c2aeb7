"""What a command behind walls sees of the file tree.

Nothing is there but what is put there: the system and the toolchains, read-only, an empty home and /tmp, and the
workspace. Stigmer's own directories are covered whatever contains them.
"""

import functools
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from stigmer_runner.sandbox.environment import CERTIFICATES
from stigmer_runner.sandbox.model import Mount, MountKind, SandboxLayout
from stigmer_runner.sandbox.mountinfo import aliases, mounted
from stigmer_runner.sandbox.toolchains import SETTINGS, Survey, signature

SYSTEM = tuple(
    Path(path)
    for path in (
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/libx32",
        "/etc",
        "/opt",
        "/nix",
        "/gnu",
        "/snap",
        "/home/linuxbrew",
        "/var/lib/ca-certificates",
        "/sys/devices/system",
    )
)
"""Shown read-only where they exist."""

NAMES_AND_CERTIFICATES = tuple(
    Path(path) for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/localtime", "/etc/ssl/certs", "/etc/pki")
)
"""May lead out of /etc, to where a service keeps them; then that one file is shown there."""

KERNEL_SETTINGS = tuple(Path("/proc") / name for name in ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi"))
"""Read-only for root: their files ask who writes, not what they may, and one of them names a program that the kernel
runs as the real root when a process crashes."""

KERNEL_SECRETS = tuple(
    Path("/proc") / name
    for name in (
        "kcore",
        "kmsg",
        "kpagecount",
        "kpageflags",
        "kpagecgroup",
        "keys",
        "timer_list",
        "sched_debug",
        "mtrr",
    )
)
"""Hidden from root."""

NOTHING = Path("/dev/null")
"""Covers a file that is hidden."""

_ETC_ENTRIES = 20_000

REMEMBERED = 16
"""Trees that are kept: of so many sessions and kinds of commands at once."""


class FileTree:
    """The file tree of every command of one layout; follows toolchains as the person installs them."""

    def __init__(self, layout: SandboxLayout) -> None:
        """`layout` with the links of Stigmer's own directories resolved; the person's home is as they name it."""
        self._layout = layout
        self._home = Path(os.path.realpath(layout.person_home))
        self._own = outermost(layout.own)
        self._hidden = [*hidden_in_etc(), *(kernel_mounts() if os.getuid() == 0 else ())]
        self._system = list(system_mounts())
        self._files = [self._home / setting for setting in SETTINGS]
        self._signature: tuple[object, ...] = ()
        self._base: tuple[Mount, ...] = ()
        self._laid = functools.lru_cache(maxsize=REMEMBERED)(self._lay)

    def base(self) -> tuple[Mount, ...]:
        """What every command sees, its workspace not counted."""
        now = signature(self._layout.path, self._files)
        if now != self._signature or not self._base:
            self._base = (*self._system, *self._person(), *self._hidden, *self._covers())
            self._signature = now
        return self._base

    def planned(
        self,
        workspace: Path,
        scratch: Path | None,
        read_only: Sequence[Path] = (),
        shown: Sequence[Path] = (),
        program: Path | None = None,
    ) -> list[Mount]:
        """The whole tree for one command, in the order in which it is made: parents first.

        `workspace`, `scratch` and `shown` have their links resolved; `read_only` lies in the workspace. `program` is shown with what it needs,
        wherever it lies, as those of the person's `PATH` are.
        """
        survey = Survey(self._home, self._always_shown)
        if program is not None:
            survey.program(program)
        base = tuple(mount for mount in (*survey.mounts, *self.base()) if _there(mount))
        table = mounted()
        also = tuple(place for directory in self._own for place in aliases(directory, table))
        return list(self._laid(base, workspace, scratch, tuple(read_only), tuple(shown), also))

    def _lay(
        self,
        base: tuple[Mount, ...],
        workspace: Path,
        scratch: Path | None,
        read_only: tuple[Path, ...],
        shown: tuple[Path, ...],
        also: tuple[Path, ...],
    ) -> tuple[Mount, ...]:
        """The tree by names alone, without a look at the machine: one command after the other has the same."""
        own = self._own
        tree = {mount.target: mount for mount in base if not _inside_any(mount, workspace, own)}
        if scratch is not None:
            tree[Path("/tmp")] = Mount(Path("/tmp"), MountKind.WRITABLE, scratch)
        tree[workspace] = Mount(workspace, MountKind.WRITABLE, workspace)
        for place in read_only:
            for pin in pins(place, workspace):
                tree.setdefault(pin, Mount(pin, MountKind.WRITABLE, pin, within=workspace))
            tree[place] = Mount(place, MountKind.READ_ONLY, place, within=workspace)
        covered = outermost([*own, *(place for place in also if _shows(tree, place))])
        for pin in (pin for place in covered for pin in pins(place, workspace)):
            if not any(pin.is_relative_to(place) for place in covered):
                tree[pin] = Mount(pin, MountKind.WRITABLE, pin)
        tree.update({place: Mount(place, MountKind.HIDDEN) for place in covered})
        tree.update({place: Mount(place, MountKind.READ_ONLY, place) for place in shown})
        return tuple(sorted(tree.values(), key=lambda mount: mount.target.parts))

    def _person(self) -> Iterable[Mount]:
        survey = Survey(self._home, self._always_shown)
        survey.reach(self._layout.person_home)
        survey.search_path(self._layout.path)
        certificates = (self._layout.environment.get(name, "") for name in sorted(CERTIFICATES))
        named = [Path(value) for value in certificates if value.startswith("/")]
        for file in (*self._files, *named, *NAMES_AND_CERTIFICATES):
            survey.file(file)
        if self._home != Path("/") and (self._home.is_dir() or not self._in_system(self._home)):
            yield Mount(self._home, MountKind.EMPTY)
        yield from survey.mounts

    def _covers(self) -> Iterable[Mount]:
        return (Mount(directory, MountKind.HIDDEN) for directory in self._own)

    def _always_shown(self, path: Path) -> bool:
        if self._home != Path("/") and path.is_relative_to(self._home):
            return False
        return self._in_system(path)

    def _in_system(self, path: Path) -> bool:
        return any(path.is_relative_to(system) for system in SYSTEM)


def system_mounts() -> Iterable[Mount]:
    """The system's own directories, as the machine has them: merged or not, links as links."""
    for path in SYSTEM:
        if path.is_symlink():
            yield Mount(path, MountKind.LINK, Path(os.readlink(path)))
        elif path.is_dir():
            yield Mount(path, MountKind.READ_ONLY, path)
    yield Mount(Path("/dev"), MountKind.DEVICES)
    yield Mount(Path("/proc"), MountKind.PROCESSES)
    yield Mount(Path("/tmp"), MountKind.EMPTY)
    yield Mount(Path("/var/tmp"), MountKind.LINK, Path("/tmp"))
    yield Mount(Path("/var/run"), MountKind.LINK, Path("/run"))
    yield Mount(Path("/run/lock"), MountKind.EMPTY)


def kernel_mounts() -> Iterable[Mount]:
    """What keeps root, who owns these files, from them though it has lost its powers."""
    for path in KERNEL_SETTINGS:
        if path.exists():
            yield Mount(path, MountKind.READ_ONLY, path)
    for path in KERNEL_SECRETS:
        if path.exists():
            yield Mount(path, MountKind.HIDDEN, NOTHING)


def hidden_in_etc(etc: Path = Path("/etc")) -> list[Mount]:
    """What this process may read in /etc though not everybody may: for root that is passwords and private keys."""
    found: list[Mount] = []
    waiting, seen = [str(etc)], 0
    while waiting and seen < _ETC_ENTRIES:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if entry.is_symlink():
                continue
            is_directory = entry.is_dir(follow_symlinks=False)
            needed = 0o005 if is_directory else 0o004
            if _mode(entry) & needed == needed:
                if is_directory:
                    waiting.append(entry.path)
            elif os.access(entry.path, os.R_OK):
                found.append(Mount(Path(entry.path), MountKind.HIDDEN, None if is_directory else NOTHING))
    return found


def _mode(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_mode
    except OSError:
        return 0


def _there(mount: Mount) -> bool:
    """Whether what `mount` needs on the machine is still there; it may have been removed since somebody looked."""
    match mount.kind:
        case MountKind.READ_ONLY:
            return os.path.lexists(mount.source or mount.target)
        case MountKind.HIDDEN:
            return os.path.lexists(mount.target)
        case _:
            return True


def outermost(directories: Sequence[Path]) -> list[Path]:
    """Those of `directories` that lie in no other."""
    return [
        place
        for place in dict.fromkeys(directories)
        if not any(place != other and place.is_relative_to(other) for other in directories)
    ]


def pins(covered: Path, workspace: Path) -> list[Path]:
    """The directories on the way from a workspace to a covered one in it, to be mounted on themselves.

    A command may rename what lies in its workspace, but no directory that is mounted on: without this it could move the
    covered directory from under its cover, and the next command would see it.
    """
    if covered == workspace or not covered.is_relative_to(workspace):
        return []
    return [parent for parent in covered.parents if parent != workspace and parent.is_relative_to(workspace)]


def identity(path: Path, *, follow: bool = True) -> tuple[int, ...]:
    """Which file it is, whatever its name; empty where there is none."""
    try:
        found = os.stat(path, follow_symlinks=follow)
    except OSError:
        return ()
    return found.st_dev, found.st_ino, stat.S_IFMT(found.st_mode)


def with_identities(mounts: Iterable[Mount]) -> tuple[object, ...]:
    """`mounts`, and which files they are of."""
    return tuple(
        (mount, identity(mount.source, follow=mount.within is None) if mount.source is not None else ())
        for mount in mounts
    )


def _shows(tree: dict[Path, Mount], place: Path) -> bool:
    """Whether `tree` shows what the machine has at `place`."""
    for parent in (place, *place.parents):
        if parent in tree:
            return tree[parent].kind in (MountKind.READ_ONLY, MountKind.WRITABLE)
    return False


def _inside_any(mount: Mount, workspace: Path, own: Sequence[Path]) -> bool:
    """Whether the workspace shows what `mount` would show anyway, or a directory of Stigmer's holds it."""
    if mount.kind is MountKind.HIDDEN:
        return False
    source = mount.source or mount.target
    return mount.target.is_relative_to(workspace) or any(
        mount.target.is_relative_to(directory)
        or (mount.kind is MountKind.READ_ONLY and source.is_relative_to(directory))
        for directory in own
    )
