"""What `:logs` opens."""

import time
from collections.abc import Sequence

from textual.screen import Screen

from stigmer_tui.actions.places import CommandRefused
from stigmer_tui.logs.times import moment_of
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.text import Untrusted, safe


def logs(app: Workstation, words: Sequence[str]) -> None:
    """Logs by name; none: the server's and the runner's, merged by time."""
    names = list(words)
    since = 0.0
    if "--since" in names:
        place = names.index("--since")
        moment = moment_of(" ".join(names[place + 1 : place + 2]), time.time())
        if moment is None:
            raise CommandRefused("Write a time behind --since: 1h, 14:03, 2026-11-21T14:03:20.")
        since = moment
        del names[place : place + 2]

    def make() -> Screen[None]:
        from stigmer_tui.screens.logs import LogsScreen

        return LogsScreen(app, names, since=since)

    address = " ".join(["logs", *words])
    app.open_page(Page(address, safe(Untrusted("logs " + " ".join(names))).strip(), make, address))
