"""Keys, pastes and the terminal's coming and going are taken one at a time: the next one waits until what had the one before is done with it, and until the screen
that it opened is there, with the list that its keys are for.

Typed fast they do what they do when typed slowly: what opens a place has the keys behind it go to that place, and none is lost on the way.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial

from textual import events
from textual.app import App, ScreenStackError
from textual.dom import DOMNode

from stigmer_tui.screens.workstation import WorkstationScreen

LONGEST_SECONDS = 1.0
"""A screen without anything to write into gets its keys after so long."""
HANDLED_SECONDS = 5.0
"""Whoever has not done with a key after so long hangs: the others are given all the same. So with a list that does not come."""
_ROUNDS = 2
"""A key is handled, bubbles up, and has what it asked for carried out; what that sends goes the same way once more."""


class HeldKeys:
    """Holds them while one of them is handled, and from `hold` to the moment when the new screen has the focus and its list."""

    def __init__(
        self, app: App[int], give: Callable[[events.Event], Awaitable[None]], ready: Callable[[], None]
    ) -> None:
        """`give` has the app take a key as if it came now; `ready` is told before the first one for a new screen is given."""
        self._app = app
        self._give = give
        self._ready = ready
        self._held: deque[events.Event] = deque()
        self._holding = False
        self._came = asyncio.Event()
        self._forgets = False
        self.typed = False
        """Whether anybody typed anything yet."""
        self._given = 0
        """Number of the key that was given last."""
        self._deadline: asyncio.TimerHandle | None = None
        """Set while that one is handled."""

    def came(self) -> None:
        """A widget got the focus, or a place its list."""
        self._came.set()

    def hold(self) -> None:
        """From now on keys wait. Called just before a screen is put in front."""
        self._begin(self._app.screen)

    def hold_for_list(self) -> None:
        """From now on keys wait for the list of the screen in front."""
        self._begin(None)

    def _begin(self, before: object) -> None:
        if not self._holding:
            self._holding = True
            self._app.run_worker(partial(self._wait, before))

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
            await self._until(
                lambda: self._app.screen is not before and self._app.screen.focused is not None, LONGEST_SECONDS
            )
            await self._until(lambda: not self._list_comes, HANDLED_SECONDS)
        self._app.call_later(self._release)

    @property
    def _list_comes(self) -> bool:
        return isinstance(self._app.screen, WorkstationScreen) and self._app.screen.coming

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self._came.clear()
                await self._came.wait()

    async def _release(self) -> None:
        """In the app's own turn: no other key comes in between."""
        self._ready()
        self._holding = False
        if self._forgets:
            self._forgets = False
            self._held = deque(each for each in self._held if not isinstance(each, events.Key | events.Paste))
        await self._next()
