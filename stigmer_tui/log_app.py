"""`stigmer tail` at a terminal: the logs screen alone. It asks no server, and leaving it leaves."""

from collections.abc import Callable, Sequence

from textual import events

from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from stigmer_tui.frame.failing import guarded, last_words
from stigmer_tui.logs.patterns import Filter
from stigmer_tui.logs.sources import Source
from stigmer_tui.screens.logs import LogsScreen
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.workstation import Workstation


class LogScreenAlone(LogsScreen):
    """Leads nowhere but out."""

    CSS_PATH = "screens/logs.tcss"

    def show_connection(self, app: Workstation) -> None:
        """There is no server."""

    def leave_place(self) -> None:
        """To the shell."""
        self.app.exit(0)


class LogApp(StigmerApp):
    """Opened with a log, and nothing else."""

    def __init__(
        self, home: Home, name: str, opened: Callable[[], Source], filters: Sequence[Filter], columns: Sequence[str]
    ) -> None:
        super().__init__(home, start_daemon=False)
        self._first = Page(
            f"log {name}", name, lambda: LogScreenAlone(self, [name], opened=opened, filters=filters, columns=columns)
        )

    def on_mount(self) -> None:
        """The log is in front at once."""
        self.call_later(self.open_page, self._first)

    def on_unmount(self, event: events.Unmount) -> None:
        """It was no place of the workstation: nothing is remembered."""
        event.prevent_default()

    def connect(self) -> None:
        """Nobody is asked."""


def run_log(
    home: Home, name: str, opened: Callable[[], Source], filters: Sequence[Filter], columns: Sequence[str] = ()
) -> int:
    """Show a log in this terminal until the person leaves; `columns`: fields that stand side by side. Returns the exit code. Raises `HomeError` where the home cannot be used."""
    home.prepare()
    app = LogApp(home, name, opened, filters, columns)
    with guarded(app):
        app.run(mouse=app.settings.are_defaults or app.settings.tui.mouse)
    return last_words(app)
