"""How it ends when something of its own fails: the log has a traceback, the person a sentence, and the terminal is as it was."""

import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import cast

from rich.console import RenderableType
from textual.screen import Screen
from textual.widget import Widget

from stigmer_apis.errors import HomeError
from stigmer_tui.crash import EXIT_CODE, CrashLog
from stigmer_tui.frame.drawing import Drawing
from stigmer_tui.screens.workstation import WorkstationScreen
from stigmer_tui.terminal.stderr_guard import guarded_stderr
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.widgets.broken import Broken

MOST_BROKEN = 8
"""Parts that may fail before the whole is given up: something that fails again and again is no part."""


class FailsQuietly(Drawing):
    """An app whose failures print no traceback: Textual's ways out, with our words."""

    crash: CrashLog
    _broken = 0

    def put_terminal_back(self) -> None:
        """Write what puts the terminal's title and progress back. Called once nothing is drawn any more."""

    def _handle_exception(self, error: Exception) -> None:
        """A part of the screen that failed makes room for a panel that says so; where it was more than a part, Textual's way out, with our words."""
        culprit, screen = culprits_of(error)
        if screen is not None and not isinstance(screen, WorkstationScreen) and screen not in self.screen_stack:
            self.crash.log(
                error
            )  # a list, a palette that was left while it still looked something up: nothing of it is seen
            return
        part = culprit is not None and self._put_panel(culprit)
        if self._broken < MOST_BROKEN and (part or (screen is not None and self.leave_broken(screen))):
            self._broken += 1
            self.crash.log(error)
            return
        self.crash.note(error)
        super()._handle_exception(error)

    def leave_broken(self, screen: Screen[object]) -> bool:
        """Leave a screen that failed as a whole for the one before it; False where there is none."""
        return False

    def _put_panel(self, culprit: Widget) -> bool:
        """A panel in the place of a widget; False where there is none to put it."""
        parent = culprit.parent
        if not isinstance(parent, Widget) or not culprit.is_attached:
            return False
        words = (
            f"✗ This part of the screen failed ({culprit.id or 'it has no name'}). The rest goes on; going away and coming back makes"
            f" it anew. What happened is written in {self.crash.path}"
        )
        if culprit.has_focus:
            culprit.screen.set_focus(None)
        culprit.display = False
        self.call_later(parent.mount, Broken(safe(Untrusted(words))), after=culprit)
        return True

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


def culprits_of(error: BaseException) -> tuple[Widget | None, Screen[object] | None]:
    """The widget in whose code it failed, and the screen, by the frames that it went through; None where it went through none."""
    cause = getattr(error, "error", None)
    place = (cause if isinstance(cause, BaseException) else error).__traceback__
    found: Widget | None = None
    screen: Screen[object] | None = None
    while place is not None:
        owner: object = place.tb_frame.f_locals.get("self")
        if isinstance(owner, Screen):
            screen = cast("Screen[object]", owner)
        elif isinstance(owner, Widget) and not isinstance(owner, Broken):
            found = owner
        place = place.tb_next
    return found, screen


@contextmanager
def guarded(app: FailsQuietly) -> Generator[None]:
    """For the block, native code writes to the log; after it, the terminal's title is as it was. Raises `HomeError` where the log cannot be written."""
    crash = app.crash
    with ExitStack() as guards:
        try:
            guards.enter_context(guarded_stderr(crash.path))
        except OSError as error:
            raise HomeError(
                f"{crash.path} cannot be written: {error.strerror}", remedy="make room, or mend its owner"
            ) from error
        guards.callback(app.put_terminal_back)
        yield


def last_words(app: FailsQuietly) -> int:
    """Say what went wrong, on standard error. Returns the exit code."""
    if app.crash.words:
        with suppress(OSError):  # where the terminal has gone, the log has it
            sys.stderr.write(safe(Untrusted(app.crash.words), lines=True) + "\n")
        return EXIT_CODE
    return app.return_code or 0
