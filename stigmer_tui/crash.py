"""When the app itself fails: the log gets a traceback without the values of variables, the person a sentence."""

import traceback
from contextlib import suppress
from datetime import datetime
from pathlib import Path

EXIT_CODE = 70
"""As `stigmer_tui.cli.exit_codes.ExitCode.INTERNAL`."""


class CrashLog:
    """What went wrong, first thing first; later failures follow from the first and are only logged."""

    def __init__(self, path: Path) -> None:
        """`path`: where descriptor 2 goes while the app runs."""
        self.path = path
        self.words = ""
        """For the person; empty while nothing failed."""

    def log(self, error: BaseException) -> None:
        """Write the traceback, never the values of variables: secrets are among them."""
        cause = getattr(error, "error", None)
        error = cause if isinstance(cause, BaseException) else error
        lines = traceback.TracebackException.from_exception(error, capture_locals=False).format()
        self.write("".join(lines))

    def note(self, error: BaseException) -> None:
        """Write the traceback; the app closes because of it."""
        self.log(error)
        if not self.words:
            self.words = (
                "The workstation failed and had to close. What runs in the background goes on; open it again to go on watching.\n"
                f"What happened is written in {self.path}"
            )

    def write(self, text: str) -> None:
        """Add to the log, with the time. Not through `sys.stderr`: Textual takes that for itself. A full disk is no reason to fail once more."""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        with suppress(OSError), self.path.open("a", encoding="utf-8", errors="replace") as log:
            log.write(f"{now} {text.rstrip()}\n")
