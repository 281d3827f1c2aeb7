"""Which screen is in front: tabs, and in each back and forward like a browser."""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import methodcaller

from textual.await_complete import AwaitComplete
from textual.screen import Screen

from stigmer_tui.screens.page import Page
from stigmer_tui.screens.workstation import Workstation

DEEPEST = 8
"""Screens on top of each other in a tab; further ones take the place of the last, and are made anew when one comes back to them."""
MOST_TABS = 9
HOME = "home"
"""The tab that is always there, as Textual's mode."""


def _switch(app: Workstation, screen: Screen[None]) -> AwaitComplete:
    """Put a screen in the place of the one in front."""
    switched: AwaitComplete = methodcaller("switch_screen", screen)(app)
    return switched


def _add(app: Workstation, mode: str, page: Page) -> None:
    """Make a tab of Textual's, with a page at its bottom."""
    methodcaller("add_mode", mode, page.make)(app)


@dataclass(slots=True)
class Trail:
    """Pages in the order in which they were gone to."""

    mode: str
    """Textual's name for its screens."""
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
    """Puts pages in front and goes back."""

    def __init__(
        self,
        app: Workstation,
        home: Page,
        *,
        hold_keys: Callable[[], None],
        pop: Callable[[], AwaitComplete],
        changed: Callable[[], None],
    ) -> None:
        """`home`: what lies below everything. `hold_keys`: called before a screen comes: what is typed from then on is for it. `pop`: the app's own
        way to close the screen in front. `changed`: told when other pages or tabs are there."""
        self._app = app
        self._hold_keys = hold_keys
        self._pop = pop
        self._changed = changed
        self._opened = 0
        self.tabs = [Trail(HOME, [home], shown=[home])]
        self.tab = self.tabs[0]
        """The tab in front."""
        _add(app, HOME, home)

    def commands(self) -> tuple[list[str], int]:
        """The command that leads to each tab's page in front, and the number of the tab in front."""
        return [tab.page.command for tab in self.tabs], self.tabs.index(self.tab)

    # In a tab.

    def go(self, page: Page, screen: Screen[None] | None = None) -> None:
        """Put a page in front; `screen` where it was made already."""
        tab = self.tab
        if page.key == tab.page.key:
            return
        del tab.pages[tab.place + 1 :]
        tab.pages.append(page)
        tab.place += 1
        self._put(page, screen or page.make())

    def back(self) -> bool:
        """Go back; False where there is nothing before this."""
        if self.tab.place == 0:
            return False
        self.leave()
        return True

    def forward(self) -> bool:
        """Go to where one came back from; False where there is nothing."""
        tab = self.tab
        if tab.place + 1 >= len(tab.pages):
            return False
        tab.place += 1
        self._put(tab.page, tab.page.make())
        return True

    def leave(self) -> AwaitComplete:
        """Leave the page in front for the one before it; the first page of a tab closes the tab."""
        tab = self.tab
        if tab.place == 0:
            return self.close_tab() or AwaitComplete.nothing()
        tab.place -= 1
        tab.shown.pop()
        self._changed()
        if tab.shown and tab.shown[-1] is tab.page:
            return self._pop()
        tab.shown.append(tab.page)
        self._hold_keys()
        return _switch(self._app, tab.page.make())

    def home(self) -> None:
        """Go to what lies below everything."""
        self.go_to_tab(0)
        while len(self.tab.shown) > 1:
            self.tab.shown.pop()
            self._pop()
        self.tab.place = 0
        self._changed()

    def _put(self, page: Page, screen: Screen[None]) -> None:
        self._hold_keys()
        if len(self.tab.shown) >= DEEPEST:
            self.tab.shown[-1] = page
            _switch(self._app, screen)
        else:
            self.tab.shown.append(page)
            self._app.push_screen(screen)
        self._changed()

    # Tabs.

    def open_tab(self, page: Page) -> bool:
        """Put a page in front in a tab of its own; False where there are as many as can be."""
        if len(self.tabs) >= MOST_TABS or not self._app.is_running:
            return False
        self._opened += 1
        tab = Trail(f"tab-{self._opened}", [page], shown=[page])
        _add(self._app, tab.mode, page)
        self.tabs.insert(self.tabs.index(self.tab) + 1, tab)
        self._turn_to(tab)
        return True

    def go_to_tab(self, number: int) -> bool:
        """Put a tab in front, from 0; False where there is no such tab."""
        if not 0 <= number < len(self.tabs):
            return False
        if self.tabs[number] is not self.tab:
            self._turn_to(self.tabs[number])
        return True

    def next_tab(self, step: int) -> None:
        """Put the next tab in front, or the one before; it goes round."""
        self.go_to_tab((self.tabs.index(self.tab) + step) % len(self.tabs))

    def close_tab(self) -> AwaitComplete | None:
        """Close the tab in front; None where it is the one that is always there."""
        closed = self.tab
        if closed.mode == HOME or not self._app.is_running:
            return None
        number = self.tabs.index(closed)
        self.tabs.remove(closed)
        self._turn_to(self.tabs[max(0, number - 1)])
        return self._app.remove_mode(closed.mode)

    def _turn_to(self, tab: Trail) -> None:
        if not self._app.is_running:  # it closes its tabs one by one, and takes no other on the way
            return
        self._hold_keys()
        self.tab = tab
        self._app.switch_mode(tab.mode)
        self._changed()
