"""Two places side by side: two tabs, each drawn in its half of the screen; one of them has the keys."""

from operator import methodcaller

from stigmer_tui.frame.navigation import Navigation, Trail
from stigmer_tui.screens.workstation import Workstation, WorkstationScreen

LEAST = 80
"""Columns from which two places have room."""


class Splitting:
    """Which two tabs stand beside each other, and their screens as they are now."""

    def __init__(self, app: Workstation, navigation: Navigation) -> None:
        self._app = app
        self._navigation = navigation
        self._pair: tuple[Trail, Trail] | None = None
        """The left one first."""
        self._arranged: tuple[WorkstationScreen, WorkstationScreen, int, bool] | None = None
        self.zoomed = False
        """Whether the one that has the keys has the whole screen for a while."""

    @property
    def other(self) -> Trail | None:
        """The tab beside the one in front; None where it stands alone."""
        if self._pair is None or self._navigation.tab not in self._pair:
            return None
        left, right = self._pair
        return right if self._navigation.tab is left else left

    @property
    def beside(self) -> WorkstationScreen | None:
        """The screen that is seen and has not the keys."""
        return self._arranged[1] if self._arranged is not None else None

    def begin(self, left: Trail, right: Trail) -> None:
        """Put these two beside each other."""
        self._pair, self.zoomed = (left, right), False
        self.arrange()

    def end(self) -> None:
        """One place alone; the other stays a tab."""
        self._pair = None
        self.arrange()

    def zoom(self) -> None:
        """The whole screen for the one that has the keys, or for both again."""
        self.zoomed = not self.zoomed
        self.arrange()

    def go_there(self) -> bool:
        """Go to the other one; False where there is none."""
        other = self.other
        if other is None:
            return False
        return self._navigation.go_to_tab(self._navigation.tabs.index(other))

    def arrange(self) -> None:
        """Have the screens stand as they should: after other places, other tabs, another size."""
        if self._pair is not None and not all(tab in self._navigation.tabs for tab in self._pair):
            self._pair = None
        wanted = self._wanted()
        if wanted == self._arranged:
            return
        if self._arranged is not None:
            before, beside, _, _ = self._arranged
            for screen in {before, beside} - ({wanted[0], wanted[1]} if wanted else set[WorkstationScreen]()):
                screen.stand_alone()
        self._arranged = wanted
        if wanted is not None:
            front, beside, width, left = wanted
            front.stand_beside(beside, width, left=left)
            beside.stand_aside(width - 1)

    def _wanted(self) -> tuple[WorkstationScreen, WorkstationScreen, int, bool] | None:
        """The screen with the keys, the one beside it, how wide that is, and whether it stands on the left."""
        other, width = self.other, self._app.size.width
        if other is None or self._pair is None or self.zoomed or width < LEAST:
            return None
        front, beside = self._top(self._navigation.tab), self._top(other)
        if front is None or beside is None:
            return None
        left = self._pair[0] is other
        return front, beside, (width // 2 if left else width - width // 2), left

    def _top(self, tab: Trail) -> WorkstationScreen | None:
        """The place in front of a tab; None while it comes."""
        try:
            stack: list[object] = methodcaller("get_screen_stack", tab.mode)(self._app)
        except KeyError:
            return None
        places = [screen for screen in stack if isinstance(screen, WorkstationScreen) and screen.is_mounted]
        return places[-1] if places else None
