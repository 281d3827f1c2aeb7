"""Where one writes which skill to push, and the files that would be."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.widgets import Input

from stigmer_tui.actions.keys import bindings_of
from stigmer_tui.actions.own_keys import run_own_action
from stigmer_tui.actions.registry import Scope
from stigmer_tui.cli.skill_packing import Member
from stigmer_tui.text import Untrusted, safe
from stigmer_tui.text.times import size
from stigmer_tui.text.width import fit, fit_right
from stigmer_tui.widgets.rows_view import RowsView


class PushLine(Input):
    """A line to write into; its keys go to `ask`, by name."""

    BINDINGS = bindings_of(Scope.PUSHING)

    def __init__(self, placeholder: str, ask: Callable[[str, int], None], *, id: str) -> None:
        super().__init__(placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False
        self._ask = ask

    async def on_key(self, event: events.Key) -> None:
        """Keys of our actions are not text."""
        await run_own_action(self, event)

    def action_push(self) -> None:
        """Take an offer, or push."""
        self._ask("push", 0)

    def action_complete(self) -> None:
        """Take an offer, or go to the other line."""
        self._ask("complete", 0)

    def action_move(self, step: int) -> None:
        """Choose another offer, or move in the list."""
        self._ask("move", step)

    def action_leave(self) -> None:
        """Take the offers away, or leave."""
        self._ask("leave", 0)

    def on_paste(self, event: events.Paste) -> None:
        """A path has one line."""
        event.prevent_default()
        self.insert_text_at_cursor(event.text.strip().split("\n")[0])


class MemberList(RowsView, can_focus=False):
    """The files that would be pushed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"members--text", "members--muted"}

    def __init__(self) -> None:
        super().__init__(id="members")
        self._members: Sequence[Member] = ()

    def show(self, members: Sequence[Member]) -> None:
        """Show these."""
        self._members = members
        self.forget_drawn()
        self.move_cursor(0)

    def show_cursor(self) -> bool:
        """There is none."""
        return False

    def row_count(self) -> int:
        """Files."""
        return len(self._members)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """Its size, its path, whether it can be run."""
        each = self._members[row]
        muted = self.get_component_rich_style("members--muted", partial=True)
        text = self.get_component_rich_style("members--text", partial=True)
        name = safe(Untrusted(each.path), lines=False)
        runs = "  can be run" if each.executable else ""
        return [
            Segment(f"{fit_right(size(each.size), 8)}  ", muted),
            Segment(fit(name, max(8, width - 24)).rstrip(), text),
            Segment(runs, muted),
        ]
