"""The session's shell in the app: asked for twice where nothing has a keyboard, found or started, and attached to."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from stigmer_apis.errors import FailedPrecondition, StigmerError
from stigmer_tui.screens.attached import AttachedScreen
from stigmer_tui.screens.run_feed import RunFeed
from stigmer_tui.screens.stopping import StopKey
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen
from stigmer_tui.terminal.output_log import OutputLog
from stigmer_tui.terminal.session_shell import STARTING_SECONDS, living_shell, start_session_shell
from stigmer_tui.transcript.reading import Transcript
from stigmer_tui.transcript.run_state import RunState

if TYPE_CHECKING:
    from stigmer_apis.client import Client

TITLE = "the session's shell"


class SessionShell:
    """Between the key and the shell."""

    def __init__(self, workstation: Workstation, screen: WorkstationScreen, state: Callable[[], RunState]) -> None:
        """`screen`: over which it is shown, if that is still in front when the shell is there."""
        self._workstation = workstation
        self._screen = screen
        self._state = state
        self._key = StopKey(workstation.clock)
        self._opening = False

    def press(self) -> None:
        """Ask, and at the second press attach to the shell."""
        session_id = self._state().session_id
        if not session_id:
            self._workstation.say("Nothing runs here that has a keyboard.")
        elif self._opening:
            self._workstation.say("The session's shell is being opened.")
        elif self._key.press(session_id):
            self._opening = True
            self._workstation.say("Opening the session's shell. Ctrl+] then d leaves it.")
            self._workstation.run_worker(partial(self._open, session_id))
        else:
            self._workstation.say("Nothing runs here that has a keyboard. Once more: the session's shell.")

    async def _open(self, session_id: str) -> None:
        try:
            client = await self._workstation.client()
            execution_id = await living_shell(client, session_id)
            if not execution_id:
                size = self._workstation.size
                execution_id = await start_session_shell(client, session_id, (size.width, max(1, size.height - 1)))
            await self._attach(client, execution_id)
        except StigmerError as error:
            self._workstation.say_error(error)
        finally:
            self._opening = False

    async def _attach(self, client: "Client", execution_id: str) -> None:
        """Read its run and show its terminal, until the person leaves it."""
        news, left = asyncio.Event(), asyncio.Event()
        log = OutputLog(self._workstation.home.data)
        feed = RunFeed(log, Transcript(), news.set)
        feed.go_on_with(execution_id)
        reading = asyncio.create_task(feed.run(client))
        reading.add_done_callback(lambda _: news.set())
        try:
            await _terminal(feed, reading, news)
            self._opening = False
            if not self._screen.in_front:
                self._workstation.say("The session's shell is open; enter in its run attaches to it.")
                return
            terminal_id = feed.state.terminal_id
            await self._workstation.push_screen(
                AttachedScreen(execution_id, terminal_id, TITLE, feed.timeline, log, left.set)
            )
            await left.wait()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            log.close()
            feed.timeline.close()


async def _terminal(feed: RunFeed, reading: "asyncio.Task[None]", news: asyncio.Event) -> None:
    """Wait until the run has its terminal. Raises `FailedPrecondition` where it never has one."""
    try:
        async with asyncio.timeout(STARTING_SECONDS):
            while not feed.state.terminal_id:
                await news.wait()
                news.clear()
                if reading.done():
                    reading.result()
    except TimeoutError as error:
        raise FailedPrecondition(
            f"the session's shell cannot be attached to: its terminal did not come within {STARTING_SECONDS:g} seconds",
            remedy=f"look why: stigmer logs {feed.state.execution_id}",
        ) from error
