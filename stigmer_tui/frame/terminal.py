"""The terminal around the app: its title, its progress, and what it tells while the person looks elsewhere."""

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial

from stigmer_tui.frame.notifying import News
from stigmer_tui.frame.settings import LiveSettings
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.terminal import telling


def mouse_is_safe(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the mouse can be asked for. Not within GNU screen, tmux or not in between: while it is, screen keeps an escape to itself until the next
    key (measured with 4.9.0), so that escape alone does nothing."""
    return not environ.get("STY")


class Surroundings:
    """Writes only what changed; `put_back` is written whatever happens."""

    def __init__(self, app: Workstation, settings: LiveSettings, write: Callable[[str], None]) -> None:
        """`write` writes to the terminal."""
        self._app = app
        self._settings = settings
        self._write = write
        self._title = ""
        self._progress: bool | None = None

    @property
    def put_back(self) -> str:
        """What puts back what was changed."""
        return (telling.RESTORE if self._title else "") + (telling.NO_PROGRESS if self._progress is not None else "")

    def counts(self, running: int, waiting: int) -> None:
        """Other numbers of runs."""
        tui = self._settings.tui
        words = "stigmer" + (f" · {running} running" if running else "") + (f" · {waiting} waiting" if waiting else "")
        if tui.title and words != self._title:
            self._write(("" if self._title else telling.SAVE_TITLE) + telling.title(words))
            self._title = words
        mode = tui.progress.value
        shown = mode == "on" or (mode == "auto" and telling.shows_progress())
        if shown and bool(running) != self._progress and (running or self._progress is not None):
            self._progress = bool(running)
            self._write(telling.progress(bool(running)))

    def tell(self, news: News) -> None:
        """Tell the person, where the terminal is away and they want to know."""
        if self._app.looked_at:
            return
        wanted = self._settings.tui.notifications
        if not getattr(wanted, news.kind.value):
            return
        self._write(telling.notification(news.head, news.text, bell=wanted.bell))
        if wanted.desktop:
            self._app.run_worker(
                partial(asyncio.to_thread, partial(telling.tell_desktop, news.head, news.text, dict(os.environ)))
            )
