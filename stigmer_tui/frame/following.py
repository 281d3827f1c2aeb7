"""Settings and themes: what their files say counts at once."""

import asyncio
from functools import partial

from stigmer_apis.errors import StigmerError
from stigmer_tui.actions.keymap import UNBOUND
from stigmer_tui.actions.read_only import WITHOUT_CHANGES
from stigmer_tui.frame.acting import Acts
from stigmer_tui.frame.looks import Looks

SETTINGS_SECONDS = 1.0
"""Between two looks at the files of settings and themes."""


class FollowsSettings(Acts):
    """An app that is as its settings say."""

    _looks: Looks
    _troubles: list[str]

    def look_at_settings(self) -> None:
        """Read again what changed."""
        problems = self.settings.read()
        self._troubles = [*(problems or ()), *self._looks.read_own()]
        if problems is not None:
            self.take_settings()
            if not self._troubles:
                self.say("The settings changed, and count from now on.")
        self.say_troubles()

    def take_settings(self) -> None:
        """Let the keys and the look be as the settings say."""
        looking = dict.fromkeys(WITHOUT_CHANGES, UNBOUND) if self.read_only else {}
        self.set_keymap(self.settings.keymap.for_textual() | looking)
        wanted = "auto" if self.settings.are_defaults else self.settings.tui.theme
        if not self._looks.show(wanted):
            self._looks.show("auto")
            self._troubles.append(f"tui.theme: there is no theme {wanted!r}; `:theme` lists them")

    def say_troubles(self) -> None:
        """Say what is wrong in the files."""
        if self._troubles:
            self.call_after_refresh(self.say, "\n".join(self._troubles), wrong=True)

    def refresh_css(self, animate: bool = True) -> None:
        """Style everything that is seen: also the place that stands beside, which Textual does not know to be."""
        super().refresh_css(animate)
        beside = self._splitting.beside
        if beside is not None:
            self.stylesheet.update(beside, animate=animate)

    def choose_theme(self, name: str) -> None:
        """Another look; without a name, from a list."""
        from stigmer_tui.screens.themes import ThemesScreen

        if not name:
            self._keys.hold()
            self.push_screen(
                ThemesScreen(self._looks.named(), self._looks.chosen, self._looks.show), self._theme_chosen
            )
        elif self._looks.show(name):
            self._theme_chosen(name)
        else:
            self.say(f"There is no theme {name!r}: {', '.join(self._looks.known)}.", wrong=True)

    def _theme_chosen(self, name: str | None) -> None:
        if name is not None:
            self.run_worker(partial(self._keep_theme, name))

    async def _keep_theme(self, name: str) -> None:
        try:
            await asyncio.to_thread(self.settings.keep, "tui.theme", name)
        except StigmerError as error:
            self.say(f"The theme is {name} until you leave: {error.message}", wrong=True)
        else:
            self.say(f"The theme is {name}.")

    def action_themes(self) -> None:
        """Choose from a list."""
        self.choose_theme("")

    def action_toggle_look(self) -> None:
        """Dark or light."""
        self._looks.toggle()
