"""What leaves a run for elsewhere: to the clipboard, to the pager."""

from stigmer_tui.screens.taking import taken
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.terminal.output_log import OutputLog
from stigmer_tui.terminal.plain import pager_bytes
from stigmer_tui.widgets.log_view import LogView
from stigmer_tui.widgets.transcript_view import TranscriptView


class Copying:
    """Takes text out of the panes."""

    def __init__(self, workstation: Workstation, log: OutputLog) -> None:
        self._workstation = workstation
        self._log = log

    def copy(self, view: LogView, *, whole_block: bool) -> None:
        """Copy the line under the cursor, or its block."""
        text, cut = taken(view, self._log, whole_block=whole_block)
        self._workstation.copy(text, what="the block" if whole_block else "the line", cut=cut)

    def page(self, view: LogView) -> None:
        """Open everything in the pager."""
        self._workstation.run_worker(self._page(view))

    async def _page(self, view: LogView) -> None:
        if isinstance(view, TranscriptView):
            text = "\n".join(view.text_of_row(row) for row in range(view.row_count()))
            await self._workstation.page(lambda: [text.encode()], view.cursor + 1)
        else:
            await self._workstation.page(lambda: pager_bytes(self._log), view.cursor + 1)
