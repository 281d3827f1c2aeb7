"""What leaves a run for elsewhere: to the clipboard, to the pager."""

from collections.abc import Iterator
from functools import partial

from stigmer_tui.screens.taking import selected, taken
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.terminal.output_log import OutputLog
from stigmer_tui.terminal.plain import pager_bytes
from stigmer_tui.text import safe
from stigmer_tui.transcript.blocks import Block, untrusted_text
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.transcript_view import TranscriptView


class Copying:
    """Takes text out of the panes."""

    def __init__(self, workstation: Workstation, log: OutputLog) -> None:
        self._workstation = workstation
        self._log = log

    def copy_line(self, view: LogView) -> None:
        """Copy what is selected, else the line under the cursor."""
        chosen = selected(view)
        if chosen is None:
            text, cut = taken(view, self._log, whole_block=False)
            self._workstation.copy(text, what="the line", cut=cut)
            return
        text, cut = chosen
        count = text.count("\n") + 1
        self._workstation.copy(text, what="what is selected" if count == 1 else f"{count:,} lines", cut=cut)
        if view.selection is not None and view.selection.by_rows:
            view.unselect()

    def copy_block(self, view: LogView) -> None:
        """Copy the block of the line under the cursor."""
        text, cut = taken(view, self._log, whole_block=True)
        self._workstation.copy(text, what="the block", cut=cut)

    def page(self, view: LogView) -> None:
        """Open everything in the pager."""
        self._workstation.run_worker(partial(self._page, view))

    async def _page(self, view: LogView) -> None:
        if isinstance(view, TranscriptView):
            blocks = list(view.transcript.blocks)
            here = view.current
            line = 1
            for block in blocks:
                if block is here:
                    break
                line += safe(untrusted_text(block), lines=True).count("\n") + 2
            await self._workstation.page(lambda: _texts(blocks), line)
        else:
            await self._workstation.page(lambda: pager_bytes(self._log), view.cursor + 1)


def _texts(blocks: list[Block]) -> Iterator[bytes]:
    """Blocks whole, what is folded too, with an empty line between them."""
    for block in blocks:
        yield safe(untrusted_text(block), lines=True).encode("utf-8", "replace") + b"\n\n"
