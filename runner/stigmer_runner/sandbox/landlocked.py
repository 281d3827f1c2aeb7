"""Walls by Landlock and a filter of system calls, for machines where bubblewrap cannot run: inside Docker, and where namespaces are
forbidden.

The file tree is the machine's own: what may not be read is refused, not hidden. Rules can only add, so no part of the workspace
can be kept from change, and no directory of Stigmer's can be covered in it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from stigmer_runner.sandbox import landlock, seccomp
from stigmer_runner.sandbox.confinement import Confinement
from stigmer_runner.sandbox.descriptors import ChildDescriptors
from stigmer_runner.sandbox.errors import SpawnFailed
from stigmer_runner.sandbox.landlock import READ, WRITE, Access, Ruleset, Scope
from stigmer_runner.sandbox.marks import Marked
from stigmer_runner.sandbox.model import Mount, MountKind, SandboxDescription, SandboxKind, SandboxLayout
from stigmer_runner.sandbox.mounts import FileTree, identity, with_identities
from stigmer_runner.sandbox.programs import Programs
from stigmer_runner.sandbox.walls import Place, Wrapped

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
"""Not the terminals of others, of which a command would read what the person types; so it can make none either."""

GAPS = (
    "Commands see the names and arguments of all processes, and the names of sockets.",
    "Commands see which files there are, how large they are and when they changed, and can change permissions and times of yours.",
    "Nothing in the workspace can be kept from change: git hooks and other files that run by themselves are a command's to write.",
    "There is no network of a command's own: with the network closed it can make no sockets, with it open it reaches this machine's "
    "loopback addresses, and single hosts cannot be opened.",
    "Sockets of the file system, shared memory and new terminals are refused altogether.",
)
_NO_SCOPES = "Commands can send signals to your other programs: a kernel from 6.12 on keeps them from it."
_OF_ROOT = (
    "Run as root: files of the system that root owns can be given other permissions, and /proc shows root's settings."
)


class LandlockWalls(Marked):
    """See `walls.Walls`."""

    def __init__(self, programs: Programs, layout: SandboxLayout, reason: str) -> None:
        """`reason`: why there are no better walls; empty where these were asked for. Raises `SpawnFailed` where the kernel cannot make these."""
        abi = landlock.version()
        if abi < landlock.FILES_ABI:
            raise SpawnFailed("the kernel has no Landlock that is good enough: Linux from 6.2 on has it")
        opened, closed = seccomp.refusing_filter(families=seccomp.INTERNET), seccomp.refusing_filter(families=())
        if opened is None or closed is None:
            raise SpawnFailed("system calls of this kind of machine are not known, and so cannot be filtered")
        super().__init__()
        self._programs = programs
        self._layout = layout
        self._tree = FileTree(layout)
        self._filters = {True: opened, False: closed}
        scopes = abi >= landlock.SCOPES_ABI
        self._scope = Scope.ABSTRACT_SOCKETS | Scope.SIGNALS if scopes else Scope(0)
        self._reason = reason
        self._gaps = (*GAPS, *(() if scopes else (_NO_SCOPES,)), *((_OF_ROOT,) if os.getuid() == 0 else ()))
        self._own_tmp: Path | None = None

    @property
    def description(self) -> SandboxDescription:
        return SandboxDescription(
            SandboxKind.LANDLOCK,
            walls=True,
            reason=self._reason,
            mounts=tuple(
                sorted(
                    (mount for mount in self._tree.base() if mount.kind is MountKind.READ_ONLY),
                    key=lambda mount: mount.target.parts,
                )
            ),
            network=True,
            gaps=self._gaps,
            whole=False,
        )

    def prepare(self) -> None:
        return None

    def variables(self, scratch: Path | None) -> Mapping[str, str]:
        place = str(self._tmp() if scratch is None else scratch.resolve())
        return {"TMPDIR": place, "XDG_CACHE_HOME": f"{place}/.cache"}

    def made_of(self, place: Place) -> tuple[object, ...]:
        mounts = self._tree.planned(place.workspace, None, (), place.shown, place.program)
        return (*with_identities(mounts), identity(place.scratch or self._tmp()))

    def wrap(
        self, program: Sequence[str], environment: Mapping[str, str], place: Place, descriptors: ChildDescriptors
    ) -> Wrapped:
        if place.gated:
            raise SpawnFailed(
                "single hosts cannot be opened behind walls of Landlock alone: open the network in the policy, or close it, "
                + (f"or mend this first: {self._reason}" if self._reason else "or let bubblewrap make the walls")
            )
        arguments = [self._programs.setsid, "-c", *program] if place.terminal else list(program)
        confinement = Confinement(self._rules(place), self._filters[place.network])
        return Wrapped(arguments, environment, new_session=not place.terminal, confinement=confinement)

    def close(self) -> None:
        super().close()
        self.discard()

    def discard(self) -> None:
        """Give up what was made for commands; it is made again where one wants it."""
        if self._own_tmp is not None:
            shutil.rmtree(self._own_tmp, ignore_errors=True)
            self._own_tmp = None

    def _tmp(self) -> Path:
        """For the temporary files of commands without a directory of their session's; first asked for before a command starts."""
        if self._own_tmp is None:
            self._own_tmp = Path(tempfile.mkdtemp(prefix="stigmer-tmp-")).resolve()
        return self._own_tmp

    def _rules(self, place: Place) -> Ruleset:
        mounts = self._tree.planned(place.workspace, None, (), place.shown, place.program)
        hidden = frozenset(mount.target for mount in mounts if mount.kind is MountKind.HIDDEN)
        rules = Ruleset(landlock.ALL, self._scope)
        try:
            for path, access in _allowed(mounts, hidden, self._layout.own):
                rules.allow(path, access)
            for name in DEVICES:
                rules.allow(f"/dev/{name}", Access.READ_FILE | Access.WRITE_FILE)
            rules.allow("/proc", Access.READ_FILE | Access.READ_DIR)
            for writable in (place.workspace, place.scratch or self._tmp()):
                rules.allow(str(writable), WRITE)
        except BaseException:
            rules.close()
            raise
        return rules


def _allowed(mounts: Iterable[Mount], hidden: frozenset[Path], own: tuple[Path, ...]) -> Iterable[tuple[str, Access]]:
    for mount in mounts:
        if mount.kind is not MountKind.READ_ONLY or mount.target.is_relative_to("/proc"):
            continue
        place = Path(os.path.realpath(mount.source or mount.target))
        below = frozenset(each for each in (*hidden, *own) if each.is_relative_to(place))
        if any(place.is_relative_to(each) for each in own) and mount.target not in hidden:
            yield str(place), READ  # a directory of Stigmer's own that is meant to be shown: a skill
            continue
        yield from _but(place, below, frozenset(own))


@lru_cache(maxsize=64)
def _but(place: Path, hidden: frozenset[Path], own: frozenset[Path]) -> tuple[tuple[str, Access], ...]:
    """What has to be allowed so that all of `place` can be read but for `hidden`: rules can only add."""
    if place in hidden:
        return ()
    if not any(each.is_relative_to(place) for each in hidden):
        return ((str(place), READ),)
    try:
        names = sorted(os.listdir(place))
    except OSError:
        return ()
    # The names in it can be listed all the same, but where Stigmer's own are among them.
    listed = () if any(each.is_relative_to(place) for each in own) else ((str(place), Access.READ_DIR),)
    parts = (part for name in names if not (place / name).is_symlink() for part in _but(place / name, hidden, own))
    return (*listed, *parts)
