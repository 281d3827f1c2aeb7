"""The programs that a sandbox is made with, found in directories of the system alone.

Not by `PATH`: a directory of the person's project on it could hold a `bwrap` that a command put there before.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from stigmer_runner.sandbox.errors import SpawnFailed
from stigmer_runner.sandbox.shell import Shell

TRUSTED_PATH = os.pathsep.join(
    (
        "/usr/bin",
        "/bin",
        "/usr/sbin",
        "/sbin",
        "/usr/local/bin",
        "/run/current-system/sw/bin",
        "/nix/var/nix/profiles/default/bin",
        "/home/linuxbrew/.linuxbrew/bin",
    )
)


Find = Callable[[str], str | None]
"""Finds a program by its name, None where there is none."""


@dataclass(frozen=True)
class Programs:
    """Where they are."""

    shell: Shell
    """bash where there is one, else sh."""
    sh: str
    setsid: str


def find(name: str) -> str | None:
    """The program `name`, None where the system has none."""
    return shutil.which(name, path=TRUSTED_PATH)


def find_programs(find: Find) -> Programs:
    """What every kind of sandbox needs. Raises `SpawnFailed` for what is missing."""
    bash = find("bash")
    sh, setsid = _needed(find, "sh", "a POSIX shell"), _needed(find, "setsid", "util-linux")
    return Programs(Shell(bash, is_bash=True) if bash else Shell(sh, is_bash=False), sh, setsid)


def _needed(find: Find, name: str, package: str) -> str:
    path = find(name)
    if path is None:
        raise SpawnFailed(f"the program {name!r} is not in {TRUSTED_PATH}: install {package}")
    return path
