"""Finding a text in a run: the line into which one writes it, the pane that is searched, and how often the server finds it in the whole run."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial

from stigmer_apis.errors import StigmerError
from stigmer_apis.matching import LONGEST_PATTERN
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.terminal.search import Needle
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import thousands
from stigmer_tui.widgets.line import Part
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.prompt_line import PromptLine

PAUSE_SECONDS = 0.15
"""Of typing, before the server is asked."""


class Finding:
    """Between the line, the pane and the server."""

    def __init__(
        self, workstation: Workstation, view: LogView, runs: Callable[[], Sequence[str]], said: Callable[[], None]
    ) -> None:
        """`view`: the pane that is searched first. `runs`: ids of all that the panes show. `said`: told when there is something else to say about it."""
        self._workstation = workstation
        self._view = view
        self._runs = runs
        self._said = said
        self.regex = False
        """Whether what is written is an expression."""
        self.match_case = False
        """Whether capitals count in any case."""
        self.total: int | None = None
        """Lines of the whole run that match, as far as the server has counted; None where it was not asked."""
        self.line = PromptLine("search the whole run for a text", self._left, id="search")

    def ask(self, view: LogView) -> None:
        """Have a text written for this pane."""
        self._view = view
        self.line.value = view.needle.text if view.needle else ""
        self._name_line()
        self.line.display = True
        view.screen.set_focus(self.line)
        self.line.select_all()
        self._said()

    def _name_line(self) -> None:
        kind = "a regular expression" if self.regex else "a text"
        self.line.placeholder = f"search the whole run for {kind} (alt+r expression, alt+c capitals)"

    def toggle_regex(self) -> None:
        """An expression, or a text again."""
        self.regex = not self.regex
        self._name_line()
        self._again()

    def toggle_case(self) -> None:
        """Capitals count in any case, or only where some are written."""
        self.match_case = not self.match_case
        self._again()

    def _again(self) -> None:
        text = self.line.value if self.line.display else self._view.needle.text if self._view.needle else ""
        self._search(text)
        self._said()

    def written(self, text: str) -> None:
        """Search while one writes."""
        if self.line.display:
            self._search(text)

    def forget(self) -> None:
        """Nothing is searched for."""
        self.total = None
        self._said()

    def _search(self, text: str) -> None:
        text = text[:LONGEST_PATTERN]
        self.total = None
        self._view.search(Needle.of(text, regex=self.regex, match_case=self.match_case) if text else None)
        self._workstation.run_worker(partial(self._count, self._view.needle), group="find", exclusive=True)

    def _left(self, accepted: bool) -> None:
        """Go to the pane; escape takes the search away."""
        view, text = self._view, self.line.value
        self.line.display = False
        view.screen.set_focus(view)
        if not accepted or not text:
            view.search(None)
            self.forget()
            return
        if view.needle is None or view.needle.text != text:
            self._search(text)
        view.go_to_match(-1 if view.following else 1)
        self._said()

    async def _count(self, needle: Needle | None) -> None:
        """Ask the server how often it is there in all: in each run of the session that is shown."""
        runs = tuple(dict.fromkeys(self._runs()))
        if needle is None or not runs:
            return
        await asyncio.sleep(PAUSE_SECONDS)
        client = await self._workstation.client()
        before = 0
        try:
            for execution_id in runs:
                here = 0
                async with aclosing(client.search_execution(execution_id, needle.pattern)) as steps:
                    async for step in steps:
                        here = step.matching_lines
                        self.total = before + here
                        self._said()
                before += here
        except StigmerError:
            self.total = None

    def problem(self, view: LogView) -> list[Part]:
        """Why this cannot be searched for; empty while it can."""
        if view.needle is None or not view.problem:
            return []
        return [(safe(Untrusted(view.problem)), "error")]

    def words(self, view: LogView) -> list[Part]:
        """Which match the cursor is on, how many there are, here and in the whole run."""
        needle = view.needle
        asked = [word for word, on in ((".*", self.regex), ("Aa", self.match_case)) if on]
        flags = f"{' '.join(asked)}  " if asked else ""
        if needle is None:
            return [(flags, "accent")] if self.line.display and flags else []
        if view.problem:
            return [(flags, "accent")]
        local = view.match_count
        more = "…" if view.searching else ""
        where = "the run" if len(self._runs()) < 2 else "all runs here"
        total = f" · {thousands(self.total)} in {where}" if self.total is not None and self.total != local else ""
        words = f"{flags}{view.match_place or '–'} of {thousands(local)}{more}{total}  "
        return [(words, "accent" if local or view.searching else "warning")]
