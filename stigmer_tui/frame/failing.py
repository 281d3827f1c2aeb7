"""How it ends when something of its own fails: the log has a traceback, the person a sentence, and the terminal is as it was."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import RenderableType

from stigmer_apis.errors import HomeError
from stigmer_tui.crash import EXIT_CODE, CrashLog
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.terminal.stderr_guard import guarded_stderr
from stigmer_tui.text import Untrusted, safe


class FailsQuietly(Workstation):
    """An app whose failures print no traceback: Textual's ways out, with our words."""

    crash: CrashLog

    def _handle_exception(self, error: Exception) -> None:
        """Textual's way out, with our words."""
        self.crash.note(error)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Close. The traceback is in the log."""
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Close. What Textual would print is a traceback: it goes to the log."""
        failure = sys.exception()
        if failure is not None:
            self.crash.note(failure)
        elif not self.crash.words:
            self.crash.note(RuntimeError("the terminal cannot be read any more"))
        self._close_messages_no_wait()

    def _print_error_renderables(self) -> None:
        """`last_words` says them."""
        self._exit_renderables.clear()


@contextmanager
def guarded(crash: CrashLog) -> Generator[None]:
    """For the block, native code writes to the log. Raises `HomeError` where that cannot be written."""
    try:
        with guarded_stderr(crash.path):
            yield
    except OSError as error:
        raise HomeError(
            f"{crash.path} cannot be written: {error.strerror}", remedy="make room, or mend its owner"
        ) from error


def last_words(app: FailsQuietly) -> int:
    """Say what went wrong, on standard error. Returns the exit code."""
    if app.crash.words:
        sys.stderr.write(safe(Untrusted(app.crash.words), lines=True) + "\n")
        return EXIT_CODE
    return app.return_code or 0
