"""Keys, pastes and the terminal's coming and going are taken one at a time: the next one waits until what had the one before is done with it, and until the screen that it opened is there.

Typed fast they do what they do when typed slowly: what opens a place has the keys behind it go to that place, and none is lost on the way.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from textual import events
from textual.app import App, ScreenStackError
from textual.dom import DOMNode

LONGEST_SECONDS = 1.0
"""A screen without anything to write into gets its keys after so long."""
HANDLED_SECONDS = 5.0
"""Whoever has not done with a key after so long hangs: the others are given all the same."""
_ROUNDS = 2
"""A key is handled, bubbles up, and has what it asked for carried out; what that sends goes the same way once more."""


class HeldKeys:
    """Holds them while one of them is handled, and from `hold` to the moment when the new screen has the focus."""

    def __init__(
        self, app: App[int], give: Callable[[events.Event], Awaitable[None]], ready: Callable[[], None]
    ) -> None:
        """`give` has the app take a key as if it came now; `ready` is told before the first one for a new screen is given."""
        self._app = app
        self._give = give
        self._ready = ready
        self._held: deque[events.Event] = deque()
        self._holding = False
        self._focused = asyncio.Event()
        self._forgets = False
        self.typed = False
        """Whether anybody typed anything yet."""
        self._given = 0
        """Number of the key that was given last."""
        self._deadline: asyncio.TimerHandle | None = None
        """Set while that one is handled."""

    def focus_came(self) -> None:
        """A widget got the focus."""
        self._focused.set()

    def hold(self) -> None:
        """From now on keys wait. Called just before a screen is put in front."""
        if not self._holding:
            self._holding = True
            self._app.run_worker(self._wait(self._app.screen))

    def forget(self) -> None:
        """A screen comes that nobody asked for by a key: what is typed until it is there was meant for another, and is dropped."""
        self._forgets = self._holding

    async def take(self, event: events.Event) -> None:
        """Give it now or in its turn. Called in the app's own turn, as are all below."""
        self.typed = self.typed or isinstance(event, events.Key | events.Paste)
        self._held.append(event)
        await self._next()

    async def _next(self) -> None:
        if not self._held or self._holding or self._deadline is not None:
            return
        event = self._held.popleft()
        self._given += 1
        self._deadline = asyncio.get_running_loop().call_later(
            HANDLED_SECONDS, self._app.call_later, self._handled, self._given
        )
        await self._give(event)
        self._pass_on(iter(()), _ROUNDS, self._given)

    def _pass_on(self, nodes: Iterator[DOMNode], rounds: int, number: int) -> None:
        """Go the way of the key, from what has the focus up to the app, behind everything that is in the queue of each."""
        for node in nodes:
            if node.call_later(self._pass_on, nodes, rounds, number):
                return
        if rounds and self._app.screen_stack:
            front = self._app.focused or self._app.screen
            self._pass_on(iter(front.ancestors_with_self), rounds - 1, number)
        else:
            self._app.call_later(self._handled, number)

    async def _handled(self, number: int) -> None:
        if number == self._given and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            await self._next()

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
        self._holding = False
        if self._forgets:
            self._forgets = False
            self._held = deque(each for each in self._held if not isinstance(each, events.Key | events.Paste))
        await self._next()
