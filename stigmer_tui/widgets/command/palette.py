"""Textual's palette, held together where keys come before it is laid out, or after it was taken away."""

from operator import attrgetter

from textual.await_complete import AwaitComplete
from textual.command import CommandList, CommandPalette, SearchIcon
from textual.widgets import Input, LoadingIndicator
from textual.worker import Worker, WorkType

_lines = attrgetter("_index_to_line")
"""Which line each option is on: nothing before the list was laid out."""


class Palette(CommandPalette):
    """Finds actions, runs, agents and sessions. One of them a line, so that many are seen."""

    _ended = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(placeholder="an action, a run, an agent, a session", id=id)

    def on_mount(self) -> None:
        """The mark of the other lines that one writes into, in place of a picture that few terminals have; and a cursor that rests as theirs does."""
        for mark in self.query(SearchIcon):
            mark.icon = "›"
        for line in self.query(Input):
            line.cursor_blink = False

    def _action_command_list(self, action: str) -> None:
        found = self.query(CommandList)
        if found and (found.first().highlighted or 0) in _lines(found.first()):
            super()._action_command_list(action)

    async def _watch__show_busy(self) -> None:
        if self.query(LoadingIndicator) and self.query(CommandList):
            await super()._watch__show_busy()

    async def _flush_next_callbacks(self) -> None:
        """What a timer asked for waits for the list; where that is taken away already, it is for nothing."""
        if self.query(CommandList):
            await super()._flush_next_callbacks()

    def run_worker(
        self,
        work: WorkType[object],
        name: str | None = "",
        group: str = "default",
        description: str = "",
        exit_on_error: bool = True,
        start: bool = True,
        exclusive: bool = False,
        thread: bool = False,
    ) -> Worker[object]:
        """What is looked for when the palette is gone already finds no list to put it into: that is no failure of the app."""
        return super().run_worker(work, name, group, description, False, start, exclusive, thread)

    def dismiss(self, result: None = None) -> AwaitComplete:
        """End it once."""
        if self._ended:
            return AwaitComplete.nothing()
        self._ended = True
        return super().dismiss(result)
