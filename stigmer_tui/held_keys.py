"""Keys typed while another screen comes to the front: they wait until something there takes them, so that fast typing loses nothing."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from textual import events
from textual.app import App, ScreenStackError

LONGEST_SECONDS = 1.0
"""A screen without anything to write into gets its keys after so long."""


class HeldKeys:
    """Holds the app's keys and pastes between `hold` and the moment when the new screen has the focus."""

    def __init__(
        self, app: App[int], give: Callable[[events.Event], Awaitable[None]], ready: Callable[[], None]
    ) -> None:
        """`give` has the app take a key as if it came now; `ready` is told before the first one is given."""
        self._app = app
        self._give = give
        self._ready = ready
        self._held: deque[events.Event] = deque()
        self._holding = False
        self._focused = asyncio.Event()

    def focus_came(self) -> None:
        """A widget got the focus."""
        self._focused.set()

    def hold(self) -> None:
        """From now on keys wait. Called just before a screen is put in front."""
        if not self._holding:
            self._holding = True
            self._app.run_worker(self._wait(self._app.screen))

    def keeps(self, event: events.Event) -> bool:
        """Whether the event waits."""
        if self._holding and isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._held.append(event)
            return True
        return False

    async def _wait(self, before: object) -> None:
        with suppress(TimeoutError, ScreenStackError):  # no screen is there any more once the app is left
            async with asyncio.timeout(LONGEST_SECONDS):
                while self._app.screen is before or self._app.screen.focused is None:
                    self._focused.clear()
                    await self._focused.wait()
        self._app.call_later(self._release)

    async def _release(self) -> None:
        """In the app's own turn: no other key comes in between."""
        self._ready()
        while self._held:
            await self._give(self._held.popleft())
        self._holding = False
