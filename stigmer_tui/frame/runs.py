"""What is started and written from here: it is sent whether its screen is still there or not."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen

from stigmer_apis.errors import StigmerError
from stigmer_apis.ids import Prefix, is_id
from stigmer_tui.screens.board import BoardScreen
from stigmer_tui.screens.page import Page
from stigmer_tui.screens.sending import LineSender, Start
from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.text import Untrusted, safe

if TYPE_CHECKING:
    from stigmer_tui.screens.run import RunScreen

SENT_SECONDS = 0.05
"""Between two looks at what is still to be sent."""
LEAVE_SECONDS = 3.0
"""So long is waited for what is on its way when the app is left."""
_SHORT_ID = 12


class Runs:
    """Opens runs, starts them, and keeps sending to them."""

    def __init__(self, app: Workstation, board: BoardScreen, show: Callable[[Page, "RunScreen"], None]) -> None:
        """`show` puts a page in front."""
        self._app = app
        self._board = board
        self._show = show
        self._senders: list[LineSender] = []
        self._first: Callable[[], None] | None = None
        self._coming: RunScreen | None = None
        """A run that was started from the board and has not the focus yet: what is typed meanwhile is for it."""
        self._titles: dict[str, str] = {}

    def page(self, execution_id: str) -> Page:
        """The page of a run."""
        return Page(
            f"run:{execution_id}",
            safe(Untrusted(execution_id[:_SHORT_ID])),
            lambda: self._screen_of(execution_id),
            f"run {execution_id}",
        )

    def title_of(self, execution_id: str) -> str:
        """What a run is called in the strip of tabs, safe to draw: also when it has ended, and is in the list no more. Empty where nothing was heard of it."""
        row = self._board.feed.row_of(execution_id)
        if row is not None:
            name = row.workflow_name or row.agent_name
            says_more = row.subject not in ("", name)
            self._titles[execution_id] = safe(Untrusted(f"{name}: {row.subject}" if says_more else name))
        return self._titles.get(execution_id, "")

    def start(self, agent: str, line: str, workspace: Path | None = None) -> None:
        """Run something, and show it; `workspace`: somewhere else than where new sessions work."""
        if self._coming is not None:
            self._coming.send_line(line)
            return
        coming = self._coming = self._screen(Start(agent, line, workspace or self._app.workspace))

        def again() -> "RunScreen":
            return self._screen(coming.feed.state.execution_id)

        self._show(
            Page(
                f"start:{id(coming)}",
                safe(Untrusted(agent)),
                again,
                moved=lambda: f"run {coming.feed.state.execution_id}" if coming.feed.state.execution_id else "",
            ),
            coming,
        )

    def start_first(self, agent: str, line: str) -> None:
        """Run something as soon as the server answers."""
        self._first = lambda: self.start(agent, line)

    def open_first(self, execution_id: str) -> None:
        """Show a run as soon as the server answers."""
        self._first = lambda: self._app.open_run(execution_id)

    def begin(self) -> bool:
        """The server answers. Whether something was to be shown then."""
        first, self._first = self._first, None
        if first is not None:
            self._app.call_later(first)
        return first is not None

    def hand_over(self) -> None:
        """What the board's composer still got after a line was sent from it belongs to the run."""
        coming, self._coming = self._coming, None
        if coming is not None and coming.is_mounted:
            coming.composer.insert(self._board.composer.text)
            self._board.composer.write("")

    def keep_sending(self, sender: LineSender) -> None:
        """Have a sender send its lines until it is closed."""
        self._senders.append(sender)
        self._app.run_worker(partial(self._send_lines, sender))

    async def _send_lines(self, sender: LineSender) -> None:
        await sender.run(await self._app.client())
        self._senders.remove(sender)

    async def send_the_rest(self) -> None:
        """Wait for what was written and is on its way; what does not arrive becomes a draft."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                while any(sender.unsent for sender in self._senders):
                    self._app.say("Sending what was written …")
                    await asyncio.sleep(SENT_SECONDS)
        unsent = [line for sender in self._senders for line in sender.unsent]
        if unsent:
            self._board.take_back("\n".join(unsent))

    def not_started(self, line: str, error: StigmerError) -> None:
        """A run could not be started: the board has what was written."""
        self._board.take_back(line)
        self._app.say_error(error)

    def _screen_of(self, execution_id: str) -> Screen[None]:
        """A workflow is looked at by its tasks, an agent by what it says."""
        if is_id(execution_id, Prefix.WORKFLOW_EXECUTION):
            from stigmer_tui.screens.workflow import WorkflowScreen

            return WorkflowScreen(self._app, execution_id)
        return self._screen(execution_id)

    def _screen(self, start: Start | str) -> "RunScreen":
        from stigmer_tui.screens.run import RunScreen

        return RunScreen(self._app, start)
