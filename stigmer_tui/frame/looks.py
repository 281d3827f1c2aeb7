"""How it looks: the themes that there are, the one that is shown, and the person's own as files."""

from collections.abc import Mapping
from pathlib import Path

from stigmer_tui.screens.workstation import Workstation
from stigmer_tui.theme.files import read_looks, stamp_of
from stigmer_tui.theme.looks import ANSI_DARK, ANSI_LIGHT
from stigmer_tui.theme.palettes import AUTO, LOOKS, Look

_MANY, _FEW = ("dark", "light"), ("sixteen", "sixteen-light")


class Looks:
    """Registers themes with the app and shows one of them."""

    def __init__(self, app: Workstation, folder: Path, *, dark: bool = True) -> None:
        """`folder`: the person's own themes. `dark`: whether the terminal's background is."""
        self._app = app
        self._folder = folder
        self._dark = dark
        self._stamp: tuple[tuple[str, int, int], ...] = ()
        self.known: dict[str, Look] = dict(LOOKS)
        """By name."""
        self.chosen = AUTO
        """A name, or `auto`."""
        self._few = False
        app.ansi_theme_dark, app.ansi_theme_light = ANSI_DARK, ANSI_LIGHT
        for look in LOOKS.values():
            app.register_theme(look.theme())

    def named(self) -> list[tuple[str, str]]:
        """Every theme with a few words, `auto` first."""
        return [(AUTO, "dark or light, as the terminal is"), *((look.name, look.help) for look in self.known.values())]

    def show(self, name: str) -> bool:
        """Look like this; False where there is no such theme."""
        real = self._plain(dark=self._dark) if name == AUTO else name
        if real not in self.known:
            return False
        self.chosen = name
        if self._app.theme != real:
            self._app.theme = real
        return True

    def has_few_colours(self) -> None:
        """The terminal has sixteen colours: what is chosen for it uses those, and not the nearest to others, which are all grey."""
        self._few = True
        self.show(self.chosen)

    def _plain(self, *, dark: bool) -> str:
        return (_FEW if self._few else _MANY)[0 if dark else 1]

    def toggle(self) -> str:
        """Dark for light, and the other way round. Returns its name."""
        dark = self.known[self._app.theme].dark if self._app.theme in self.known else True
        name = self._plain(dark=not dark)
        self.show(name)
        return name

    def read_own(self) -> list[str]:
        """Read the person's themes where they changed; what is wrong with them, a sentence each."""
        stamp = stamp_of(self._folder)
        if stamp == self._stamp:
            return []
        self._stamp = stamp
        own, problems = read_looks(self._folder)
        self._take(own)
        return problems

    def _take(self, own: Mapping[str, Look]) -> None:
        for gone in [name for name in self.known if name not in LOOKS and name not in own]:
            del self.known[gone]
        for look in own.values():
            if self.known.get(look.name) != look:
                self.known[look.name] = look
                self._app.register_theme(look.theme())
                if self._app.theme == look.name:
                    self._app.refresh_css()
