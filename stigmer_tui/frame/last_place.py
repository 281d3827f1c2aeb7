"""Where one was when the workstation was left: it opens there again."""

from collections.abc import Callable

from stigmer_tui.frame.memory import Memory

PLACES = "places"
FRONT = "front"
_RUN = "run "


class LastPlace:
    """Keeps the page in front of each tab, as the `:` command that leads there."""

    def __init__(
        self,
        memory: Memory,
        tabs: Callable[[], tuple[list[str], int]],
        open_first: Callable[[str], None],
        open_tab: Callable[[str], None],
        go_to_tab: Callable[[int], bool],
    ) -> None:
        """`tabs` gives an address for each tab, and which is in front. `open_first` goes to an address in the first tab, `open_tab` in another."""
        self._memory = memory
        self._tabs = tabs
        self._open_first = open_first
        self._open_tab = open_tab
        self._go_to_tab = go_to_tab
        self._gone = False

    def keep(self) -> None:
        """Keep where one is."""
        places, front = self._tabs()
        if places == ["runs"]:
            places = []
        self._memory.put(PLACES, places)
        self._memory.put(FRONT, [str(front)] if places else [])

    def go(self) -> None:
        """Go there, once."""
        if self._gone:
            return
        self._gone = True
        places = self._memory.get(PLACES)
        if not places:
            return
        if places[0] != "runs":
            self._open_first(places[0])
        for address in places[1:]:
            if address.startswith(_RUN):
                self._open_tab(address.removeprefix(_RUN))
        front = self._memory.get(FRONT)
        self._go_to_tab(int(front[0]) if front and front[0].isdigit() else 0)
