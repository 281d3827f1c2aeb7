"""Native code writes to file descriptor 2 whenever it likes: from when the app has the terminal on, that goes to a file.

Textual draws on standard error; it is given another descriptor of the same terminal. Threads of native code end with the process and not
with the app: descriptor 2 stays the file's to the end, and what Python says behind the app has a descriptor of its own.
"""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from io import FileIO, TextIOWrapper
from pathlib import Path

from stigmer_tui.terminal.terminal_file import TerminalFile

_LARGEST_LOG = 4 * 1024 * 1024


@contextmanager
def guarded_stderr(log: Path) -> Generator[None]:
    """For the block `sys.stderr` is `log` (0600, appended to; begun anew where it has grown), and `sys.__stderr__` is the terminal. Descriptor 2 is
    the log from here on; behind the block `sys.stderr` writes to where descriptor 2 led before.

    Raises OSError where the log cannot be opened. Standard output must be the terminal.
    """
    mode = "w" if log.exists() and log.stat().st_size > _LARGEST_LOG else "a"
    with log.open(mode, encoding="utf-8", errors="replace", buffering=1) as written:
        log.chmod(0o600)
        before = sys.stderr, sys.__stderr__
        kept, terminal = os.dup(2), TerminalFile(os.dup(1))
        try:
            sys.stderr, sys.__stderr__ = written, terminal
            os.dup2(written.fileno(), 2)
            yield
        finally:
            words = TextIOWrapper(FileIO(kept, "w", closefd=False), errors="backslashreplace", write_through=True)
            sys.stderr = words if before[0] is before[1] else before[0]
            sys.__stderr__ = words
            with suppress(OSError):  # a terminal that has gone takes no last bytes
                terminal.close()
