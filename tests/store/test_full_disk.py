"""A disk that is really full, and then is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.require import missing, require_tool


def run(command: list[str]) -> str:
    """Run a process to its end, and return what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("way", ["limit", "mount"])
def test_a_full_disk_refuses_and_goes_on_without_a_restart(tmp_path: Path, way: str) -> None:
    apart = own_mounts() if way == "mount" else []
    printed = run([*apart, sys.executable, "-m", "tests.store.space_user", str(tmp_path), way])
    assert printed.startswith("stored ")


def own_mounts() -> list[str]:
    """The command that runs another with mounts of its own, that nobody else sees and that go with it."""
    unshare = require_tool("unshare")
    mounting = ["mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    ways = [[unshare, "-m"], [unshare, "-Urm"]]
    able = [way for way in ways if subprocess.run([*way, *mounting], capture_output=True, check=False).returncode == 0]
    return able[0] if able else missing("this system lets nobody mount here, not even in a namespace of one's own")
