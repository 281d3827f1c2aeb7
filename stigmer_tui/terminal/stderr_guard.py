"""Native code writes to file descriptor 2 whenever it likes: while the app has the terminal, that goes to a file.

Textual draws on standard error; it is given another descriptor of the same terminal.
"""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from stigmer_tui.terminal.terminal_file import TerminalFile

_LARGEST_LOG = 4 * 1024 * 1024


@contextmanager
def guarded_stderr(log: Path) -> Generator[None]:
    """For the block, descriptor 2 and `sys.stderr` are `log` (0600, appended to; begun anew where it has grown), and `sys.__stderr__` is the terminal.

    Raises OSError where the log cannot be opened. Standard output must be the terminal.
    """
    mode = "w" if log.exists() and log.stat().st_size > _LARGEST_LOG else "a"
    with (
        log.open(mode, encoding="utf-8", errors="replace", buffering=1) as written,
        TerminalFile(os.dup(1)) as terminal,
    ):
        log.chmod(0o600)
        kept = os.dup(2)
        before = sys.stderr, sys.__stderr__
        try:
            sys.stderr, sys.__stderr__ = written, terminal
            os.dup2(written.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            sys.stderr, sys.__stderr__ = before
