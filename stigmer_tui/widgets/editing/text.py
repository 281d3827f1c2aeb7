"""Where one writes YAML: names of fields stand out, lines that are wrong are marked and say so, what can be written is offered."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.strip import Strip
from textual.widgets import TextArea

from stigmer_apis.documents.problems import Problem
from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.own_keys import run_own_action
from stigmer_tui.actions.registry import Scope
from stigmer_tui.completion.document_place import parts_of
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.width import fit
from stigmer_tui.widgets.composer.offers import OfferList
from stigmer_tui.widgets.editing.completing import Completing, Offers

_NAME = re.compile(r"\s*(?:- +)*([A-Za-z_][\w.-]*:)(?=\s|$)")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_WORD = re.compile(r"[^\s,\[\]{}]+")
_GAP = 3
_LEAST = 12
"""Cells behind a line from which what is wrong is said there."""


def _margin_below(line: str) -> str:
    """The spaces that a line after this one begins with: a step more where it opens something."""
    spaces, dashes, content = parts_of(line)
    keyed = content.endswith(":") or ": " in content
    opened = content.rstrip().endswith((":", "|", "|-", ">", ">-"))
    return " " * (spaces + (dashes if keyed else 0) + (2 if opened else 0))


class EditorText(TextArea):
    """A text with the numbers of its lines. What it cannot do itself it asks of the screen."""

    BINDINGS = bindings_of(Scope.EDITING)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"editor--name", "editor--comment", "editor--wrong", "editor--said"}

    def __init__(self, text: str, ask: Callable[[str], None], offers: Offers) -> None:
        """`offers`: what can be written at a place."""
        super().__init__(
            text, id="editor", soft_wrap=False, show_line_numbers=True, tab_behavior="indent", compact=True
        )
        self.cursor_blink = False
        self.indent_width = 2
        self._ask = ask
        self._wrong: Mapping[int, Problem] = {}
        self.offers = OfferList(self.action_take)
        self.completing = Completing(self, self.offers, offers)

    def mark(self, problems: Sequence[Problem]) -> None:
        """Mark the lines of these, the first of each."""
        self._wrong = {each.line - 1: each for each in reversed(problems) if each.line}
        self.notify_style_update()

    # Drawing.

    def get_line(self, line_index: int) -> Text:
        """The line: name of a field, comment and what is wrong in their styles."""
        line = super().get_line(line_index)
        plain = line.plain
        if comment := _COMMENT.search(plain):
            line.stylize(self._style("comment"), comment.start(), len(plain))
        elif name := _NAME.match(plain):
            line.stylize(self._style("name"), *name.span(1))
        problem = self._wrong.get(line_index)
        if problem is not None:
            word = _WORD.search(plain, max(0, problem.column - 1)) or _WORD.search(plain)
            if word is not None:
                line.stylize(self._style("wrong"), *word.span())
        return line

    def render_line(self, y: int) -> Strip:
        """A row; where its line is wrong, a mark in the margin, and behind the line what is wrong."""
        strip = super().render_line(y)
        row = y + self.scroll_offset.y
        problem = self._wrong.get(row) if row < self.document.line_count else None
        if problem is None:
            return strip
        margin = self.gutter_width
        said = self._style("said")
        margin_style = next((each.style for each in strip if each.style), Style.null())
        marked = [*strip.crop(0, margin - 2), Segment("✗ ", margin_style + said), *strip.crop(margin)]
        end = margin + cell_len(self.document.get_line(row).expandtabs(self.indent_width)) - self.scroll_offset.x
        room = self.scrollable_content_region.width - max(margin, end) - _GAP
        if room < _LEAST:
            return Strip(marked, strip.cell_length)
        kept = Strip(marked, strip.cell_length).crop(0, max(margin, end) + _GAP)
        background = Style(bgcolor=next((s.style.bgcolor for s in reversed(list(strip)) if s.style), None))
        words = fit(safe(Untrusted(problem.what), lines=False), room)
        return Strip([*kept, Segment(words, background + said)]).adjust_cell_length(strip.cell_length, background)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"editor--{name}", partial=True)

    # Completing.

    def on_text_area_changed(self) -> None:
        """Something is written: offer what fits."""
        self.completing.look(self.has_focus)

    def on_text_area_selection_changed(self) -> None:
        """The cursor went elsewhere: what was offered does not fit any more."""
        self.completing.moved()

    def on_blur(self) -> None:
        """Somebody goes elsewhere."""
        self.completing.close()

    async def on_key(self, event: events.Key) -> None:
        """Keys of our actions are not text; a new line begins under the one above."""
        if not await run_own_action(self, event) and event.key == "enter":
            event.prevent_default()
            event.stop()
            self.insert("\n" + _margin_below(self._before_cursor()))

    def _before_cursor(self) -> str:
        row, column = self.cursor_location
        return self.document.get_line(row)[:column]

    def action_delete_left(self) -> None:
        """Take away what stands before the cursor; in the margin a whole step of it."""
        before = self._before_cursor()
        step = (len(before) - 1) % self.indent_width + 1
        if before and not before.strip(" ") and self.selection.is_empty:
            row, column = self.cursor_location
            self.delete((row, column - step), (row, column))
        else:
            super().action_delete_left()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is for the offers works while there are some: else those keys write."""
        if action in ("take", "choose"):
            return self.completing.open
        return super().check_action(action, parameters)

    def action_take(self) -> None:
        """Write what is chosen."""
        self.completing.accept()

    def action_choose(self, step: int) -> None:
        """Choose another offer."""
        self.completing.move(step)

    def action_leave(self) -> None:
        """Take away what is offered; else leave the text."""
        if self.completing.open:
            self.completing.close()
        else:
            self._ask("leave")

    def action_offer(self) -> None:
        """Offer what fits here, written or not."""
        self.completing.look(True, asked=True)

    def action_edge(self, direction: int) -> None:
        """Go to the beginning or the end."""
        self.move_cursor((0, 0) if direction < 0 else self.document.end)

    def action_do(self, what: str) -> None:
        """Have the screen do something."""
        self._ask(what)
