"""Which screen is in front: back and forward like a browser."""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import methodcaller

from textual.await_complete import AwaitComplete
from textual.screen import Screen

from stigmer_tui.screens.page import Page
from stigmer_tui.screens.workstation import Workstation

DEEPEST = 8
"""Screens on top of each other; further ones take the place of the last, and are made anew when one comes back to them."""


def _switch(app: Workstation, screen: Screen[None]) -> AwaitComplete:
    """Put a screen in the place of the one in front."""
    switched: AwaitComplete = methodcaller("switch_screen", screen)(app)
    return switched


@dataclass(slots=True)
class Trail:
    """Pages in the order in which they were gone to."""

    pages: list[Page]
    place: int = 0
    """The page in front."""
    shown: list[Page] = field(default_factory=list[Page])
    """Those whose screens lie on top of each other, the front one last."""

    @property
    def page(self) -> Page:
        """The page in front."""
        return self.pages[self.place]


class Navigation:
    """Puts pages in front and goes back. `push`, `switch` and `pop` are the app's own ways, without a memory."""

    def __init__(
        self,
        app: Workstation,
        home: Page,
        *,
        hold_keys: Callable[[], None],
        pop: Callable[[], AwaitComplete],
    ) -> None:
        """`home`: what lies below everything. `hold_keys`: called before a screen comes: what is typed from then on is for it."""
        self._app = app
        self._hold_keys = hold_keys
        self._pop = pop
        self.trail = Trail([home], shown=[home])

    def go(self, page: Page, screen: Screen[None] | None = None) -> None:
        """Put a page in front; `screen` where it was made already."""
        trail = self.trail
        if page.key == trail.page.key:
            return
        del trail.pages[trail.place + 1 :]
        trail.pages.append(page)
        trail.place += 1
        self._put(page, screen or page.make())

    def back(self) -> bool:
        """Go back; False where there is nothing before this."""
        if self.trail.place == 0:
            return False
        self.leave()
        return True

    def forward(self) -> bool:
        """Go to where one came back from; False where there is nothing."""
        trail = self.trail
        if trail.place + 1 >= len(trail.pages):
            return False
        trail.place += 1
        self._put(trail.page, trail.page.make())
        return True

    def leave(self) -> AwaitComplete:
        """Leave the page in front for the one before it."""
        trail = self.trail
        if trail.place == 0:
            return AwaitComplete.nothing()
        trail.place -= 1
        trail.shown.pop()
        if trail.shown and trail.shown[-1] is trail.page:
            return self._pop()
        trail.shown.append(trail.page)
        self._hold_keys()
        return _switch(self._app, trail.page.make())

    def home(self) -> None:
        """Go back to what lies below everything."""
        while len(self.trail.shown) > 1:
            self.trail.shown.pop()
            self._pop()
        self.trail.place = 0

    def _put(self, page: Page, screen: Screen[None]) -> None:
        self._hold_keys()
        if len(self.trail.shown) >= DEEPEST:
            self.trail.shown[-1] = page
            _switch(self._app, screen)
        else:
            self.trail.shown.append(page)
            self._app.push_screen(screen)
