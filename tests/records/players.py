"""What people play recordings with."""

import os
import subprocess
from pathlib import Path

from tests.support.require import require_tool

PATIENCE = 60.0


def asciinema_cat(path: Path) -> bytes:
    """What `asciinema cat` prints. It opens its controlling terminal, so it gets one."""
    require_tool("asciinema")
    master, slave = os.openpty()
    try:
        done = subprocess.run(
            ["setsid", "--ctty", "--wait", "asciinema", "cat", str(path)],
            stdin=slave,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    finally:
        os.close(slave)
        os.close(master)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
