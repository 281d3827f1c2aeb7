"""What to do when the reader of our output has gone, as in `stigmer logs ... | head`."""

import os
import sys

from stigmer_tui.cli.exit_codes import ExitCode


def leave_quietly() -> ExitCode:
    """Point standard output at nothing, so that the interpreter's last flush does not complain, and name the exit code."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)
    return ExitCode.CLOSED_PIPE
