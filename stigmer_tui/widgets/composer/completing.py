"""Completes what is written: files after `@`, commands after `/`, lines of the history while one searches it."""

import asyncio
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from textual.widgets import TextArea

from stigmer_tui.completion.fuzzy import best, pattern_of
from stigmer_tui.completion.wanted import Kind, Wanted, mention_of, wanted_at
from stigmer_tui.widgets.composer.history import History
from stigmer_tui.widgets.composer.offers import Offer, OfferList

if TYPE_CHECKING:
    from stigmer_tui.completion.files import WorkspaceFiles

OFFERED = 24
"""Rows that one can move through."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a composer can complete, asked when it is wanted."""

    workspace: Callable[[], Path | None] = lambda: None
    """The directory whose files are offered."""
    for_shell: Callable[[], bool] = lambda: False
    """Whether what is written is a command line: then a path is put in as a shell takes it, and no message names it."""
    commands: Callable[[], Mapping[str, str]] = dict
    """Commands, with their slash, and what they do."""


class Completing:
    """Follows what is written in one composer and fills its list of offers."""

    def __init__(self, area: TextArea, offers: OfferList, sources: Sources, history: History) -> None:
        self._area = area
        self._offers = offers
        self._sources = sources
        self._history = history
        self._files: WorkspaceFiles | None = None
        self._wanted: Wanted | None = None
        self._refused: Wanted | None = None
        """What the person closed the list on: it stays closed until something else is wanted."""
        self._before_search: str | None = None
        """What was written when the search in the history began."""

    @property
    def open(self) -> bool:
        """Whether something is offered."""
        return self._offers.display

    @property
    def searching(self) -> bool:
        """Whether the history is searched."""
        return self._before_search is not None

    def look(self) -> None:
        """Offer what fits what is written now."""
        if self.searching:
            pattern = pattern_of(self._area.text)
            lines = dict.fromkeys(line for line in reversed(self._history.lines) if pattern.search(line))
            self._offers.show([Offer(line, line) for line in islice(lines, OFFERED)])
            return
        row, column = self._area.cursor_location
        before = self._area.document.get_line(row)[:column]
        self._wanted = wanted_at(before, first_row=row == 0 and self._area.document.line_count == 1)
        if self._wanted is None or self._wanted == self._refused:
            self._offers.show(())
        elif self._wanted.kind is Kind.COMMAND:
            self._offer_commands(self._wanted)
        else:
            self._area.run_worker(partial(self._offer_files, self._wanted), group="offers", exclusive=True)

    def _offer_commands(self, wanted: Wanted) -> None:
        commands = self._sources.commands()
        names = [name for name in best(f"/{wanted.query}", commands, OFFERED, str) if name != f"/{wanted.query}"]
        self._offers.show([Offer(name, f"{name} ", commands[name]) for name in names])

    async def _offer_files(self, wanted: Wanted) -> None:
        from stigmer_tui.completion.files import WorkspaceFiles

        root = self._sources.workspace()
        if root is None:
            return
        if self._files is None or self._files.root != root:
            self._files = WorkspaceFiles(root)
        paths = await asyncio.to_thread(self._files.offer, wanted.query, OFFERED)
        if wanted == self._wanted:
            name = shlex.quote if self._sources.for_shell() else mention_of
            self._offers.show([Offer(path, name(path) + ("" if path.endswith("/") else " ")) for path in paths])

    def move(self, step: int) -> None:
        """Choose another offer."""
        self._offers.move(step)

    def accept(self) -> None:
        """Put in what is chosen."""
        offer = self._offers.current
        if offer is None:
            return
        if self.searching:
            self._before_search = None
            self._area.text = offer.insert
            self._area.move_cursor(self._area.document.end)
        elif self._wanted is not None:
            row, column = self._area.cursor_location
            self._area.replace(offer.insert, (row, self._wanted.start), (row, column))
        self._offers.show(())

    def close(self) -> None:
        """Offer nothing; a search leaves what was written before it."""
        if self._before_search is not None:
            text, self._before_search = self._before_search, None
            self._area.text = text
            self._area.move_cursor(self._area.document.end)
        self._refused = self._wanted
        self._offers.show(())

    def search(self) -> None:
        """Search the history for what is written, or go on to the next line found."""
        if self.searching:
            self.move(1)
            return
        self._before_search = self._area.text
        self.look()
