"""Which start of the machine this is: a store that was open when it went down may have lost what was not synced."""

import subprocess
import sys
from pathlib import Path

LINUX_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """A name of the machine's present start, or "" where the system does not tell, which counts as another one each time."""
    if sys.platform == "darwin":
        answer = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, timeout=10, check=False
        )
        return answer.stdout.strip()
    try:
        return LINUX_BOOT_ID.read_text().strip()
    except OSError:
        return ""
