"""Finds out, by doing it once, whether bubblewrap works here, or Landlock, and whether the walls stand."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from stigmer_runner.sandbox import landlock
from stigmer_runner.sandbox.bubblewrap import USER_NAMESPACES, Bubblewrap, Features
from stigmer_runner.sandbox.descriptors import ChildDescriptors
from stigmer_runner.sandbox.errors import SpawnFailed
from stigmer_runner.sandbox.landlocked import LandlockWalls
from stigmer_runner.sandbox.model import SandboxLayout
from stigmer_runner.sandbox.mounts import FileTree
from stigmer_runner.sandbox.programs import TRUSTED_PATH, Find, Programs
from stigmer_runner.sandbox.walls import Place, Walls

_PATIENCE = 20.0

_QUESTION = """
for directory; do [ -z "$(ls -A "$directory" 2>/dev/null)" ] || { echo "$directory shows"; exit 3; }; done
(: >/usr/stigmer-probe) 2>/dev/null && { echo "/usr can be written"; exit 3; }
echo stands
"""

_HINTS = (
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor forbids user namespaces: install the profile for bwrap of the package apparmor-profiles, "
        "or set kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "the kernel forbids user namespaces: set kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "the kernel allows no user namespaces: set user.max_user_namespaces to some thousands",
    ),
)


class Unusable(SpawnFailed):
    """These walls cannot be had here; the text says why and what a person can do about it."""


def probe(programs: Programs, layout: SandboxLayout, find: Find) -> Bubblewrap:
    """Walls that stand. Raises `Unusable`."""
    program = find("bwrap")
    if program is None:
        raise Unusable("bubblewrap is not installed: install the package bubblewrap")
    usage = _run([program, "--help"]).stdout
    tree = FileTree(layout)
    said: list[str] = []
    scopes = _tried(landlock.scope_this_thread)
    for user_namespace in USER_NAMESPACES:
        features = Features(program, user_namespace, b"--bind-fd" in usage, scopes)
        walls = Bubblewrap(programs, features, tree)
        answer = _ask(walls, programs, layout)
        if answer.stdout == b"stands\n":
            return walls
        said.append((answer.stderr or answer.stdout).decode("utf-8", "replace").strip())
    raise Unusable(f"bubblewrap does not work here ({said[0]}): {_hint()}")


def probe_landlock(programs: Programs, layout: SandboxLayout, reason: str) -> LandlockWalls:
    """Walls of Landlock that stand. `reason`: why there are no better ones. Raises `Unusable`."""
    try:
        walls = LandlockWalls(programs, layout, reason)
    except SpawnFailed as error:
        raise Unusable(str(error)) from error
    try:
        answer = _ask(walls, programs, layout)
    except OSError as error:
        answer = subprocess.CompletedProcess([], 1, b"", str(error).encode())
    walls.discard()
    if answer.stdout == b"stands\n":
        return walls
    raise Unusable(
        f"Landlock does not work here ({(answer.stderr or answer.stdout).decode('utf-8', 'replace').strip()})"
    )


def _ask(walls: Walls, programs: Programs, layout: SandboxLayout) -> subprocess.CompletedProcess[bytes]:
    own = [str(path) for path in layout.own]
    with tempfile.TemporaryDirectory(prefix="stigmer-probe-") as workspace, ChildDescriptors() as descriptors:
        place = Place(Path(os.path.realpath(workspace)), None, network=False, terminal=False)
        environment = {"PATH": TRUSTED_PATH}
        wrapped = walls.wrap([programs.sh, "-c", _QUESTION, "sh", *own], environment, place, descriptors)
        run = partial(_run, wrapped.arguments, descriptors.all)
        answer = run() if wrapped.confinement is None else wrapped.confinement.start(run)
        if wrapped.anchor is not None:
            wrapped.anchor.wait()
        return answer


def _tried(restrict: Callable[[], None]) -> bool:
    """Whether a thread can restrict itself; the one that tries it ends with that."""
    with ThreadPoolExecutor(1) as one:
        try:
            one.submit(restrict).result()
        except OSError:
            return False
    return True


def _run(arguments: Sequence[str], pass_fds: tuple[int, ...] = ()) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            list(arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
            pass_fds=pass_fds,
            env={"PATH": TRUSTED_PATH, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(list(arguments), 1, b"", str(error).encode())


def _hint() -> str:
    for name, value, advice in _HINTS:
        try:
            found = Path(name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if found == value:
            return advice
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return "this is a container whose rules forbid namespaces: start it with --security-opt seccomp=unconfined"
    return "allow this user to make user namespaces"
