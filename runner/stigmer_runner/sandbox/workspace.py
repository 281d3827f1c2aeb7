"""Which directories a command may be given to write."""

import os
from dataclasses import replace
from pathlib import Path

from stigmer_runner.sandbox.errors import LayoutRefused, WorkspaceRefused
from stigmer_runner.sandbox.model import SandboxLayout

SYSTEM = tuple(
    Path(path)
    for path in [
        "/usr",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/libx32",
        "/etc",
        "/boot",
        "/nix",
        "/snap",
        "/var",
        "/opt",
    ]
)
"""Directories of the system: they, and what contains them, are no workspace; a directory inside may be one."""

KERNEL = tuple(Path(path) for path in ("/proc", "/sys", "/dev", "/run"))
"""Directories of the kernel and of the services: nothing in them is a workspace, but for shared memory."""

SHARED_MEMORY = Path("/dev/shm")


def resolved_layout(layout: SandboxLayout) -> SandboxLayout:
    """`layout` with the links of Stigmer's own directories resolved.

    Raises `LayoutRefused` where they are missing, contain the system, or lie in each other the wrong way round.
    """
    names = ("Stigmer's home", "the run directory", "the folder of the databases")
    home, run, *data = [_own_directory(path, what) for path, what in zip(layout.own, names, strict=False)]
    for path, what in zip((home, run, *data), names, strict=False):
        if any(system.is_relative_to(path) for system in (*SYSTEM, *KERNEL)):
            raise LayoutRefused(f"{what}, {path}, contains the system: choose a directory of its own")
    real = replace(layout, home=home, run_directory=run, data_directory=next(iter(data), None))
    if run.is_relative_to(real.session_workspaces):
        raise LayoutRefused(f"the run directory, {run}, lies among the workspaces: choose another")
    if not layout.person_home.is_absolute():
        raise LayoutRefused(f"the home directory {layout.person_home} is not an absolute path: set HOME")
    return replace(real, environment=dict(layout.environment))


def resolved_workspace(workspace: Path, layout: SandboxLayout, *, walls: bool) -> Path:
    """`workspace` with symbolic links resolved, for a `layout` that is.

    Raises `WorkspaceRefused` where it is missing, no directory, the system's or Stigmer's, or where it contains Stigmer's
    own directories and there are no walls to cover them.
    """
    if not workspace.is_absolute() or "\0" in str(workspace):
        raise WorkspaceRefused(f"the workspace {str(workspace)!r} is not an absolute path: name it from the root")
    real = Path(os.path.realpath(workspace))
    if not real.exists():
        raise WorkspaceRefused(f"the workspace {workspace} does not exist: create it, or name another with --workspace")
    if not real.is_dir():
        raise WorkspaceRefused(f"the workspace {workspace} is not a directory: name one with --workspace")
    if real == Path("/"):
        raise WorkspaceRefused("the workspace / is the whole machine: name a directory of yours with --workspace")
    if any(system.is_relative_to(real) for system in SYSTEM) or _in_kernel(real):
        raise WorkspaceRefused(
            f"the workspace {real} belongs to the system: name a directory of yours with --workspace"
        )
    if _in_stigmer(real, layout):
        raise WorkspaceRefused(
            f"the workspace {real} is Stigmer's own directory, which no command may see: name another with --workspace"
        )
    if not walls:
        for own in layout.own:
            if own.is_relative_to(real):
                raise WorkspaceRefused(
                    f"the workspace {real} contains {own}, which holds Stigmer's secrets, and without a sandbox nothing "
                    "hides it: name a directory further down with --workspace, or install bubblewrap"
                )
    return real


def _own_directory(path: Path, what: str) -> Path:
    real = Path(os.path.realpath(path))
    if not path.is_absolute() or not real.is_dir():
        raise LayoutRefused(f"{what}, {path}, is not a directory: it has to be there before a command runs")
    return real


def _in_kernel(real: Path) -> bool:
    inside_shared_memory = real != SHARED_MEMORY and real.is_relative_to(SHARED_MEMORY)
    return not inside_shared_memory and any(real.is_relative_to(kernel) for kernel in KERNEL)


def _in_stigmer(real: Path, layout: SandboxLayout) -> bool:
    if real.is_relative_to(layout.run_directory):
        return True
    sessions = layout.session_workspaces
    inside = any(real.is_relative_to(own) for own in layout.own)
    return inside and (real == sessions or not real.is_relative_to(sessions))
