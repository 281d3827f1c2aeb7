"""The settings of the workstation, read when it starts and again whenever their file changes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stigmer_apis.errors import ConfigError, StigmerError
from stigmer_apis.home import Home
from stigmer_tui.actions.keymap import Keymap, Preset, Wanted, keymap_of

if TYPE_CHECKING:
    from stigmer_apis.config import Tui

# What reads the file is imported where there is one, or once somebody asks: the first screen does not wait for it.


class LiveSettings:
    """The present settings, and the keymap made from them. Blocking: small files are read."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stamp: tuple[int, int] | None = None
        self._tui: Tui | None = None
        self.keymap = Keymap()

    @property
    def are_defaults(self) -> bool:
        """Whether nobody said anything."""
        return self._tui is None

    @property
    def remembers(self) -> bool:
        """Whether the workstation opens where it was left."""
        return self._tui is None or self._tui.remember

    def keep(self, key: str, value: str) -> None:
        """Write a setting to the file; it counts already. Raises `StigmerError` where it cannot be written."""
        from stigmer_apis.config.changing import set_value

        set_value(self._home, key, value)
        self.read()

    @property
    def tui(self) -> "Tui":
        """The present settings."""
        from stigmer_apis.config import Tui

        return self._tui or Tui()

    def read(self) -> Sequence[str] | None:
        """Read them where the file changed; what is wrong in them, a sentence each, or None where nothing changed.

        Where the file cannot be used, everything stays as it was.
        """
        stamp = self._look()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        if stamp is None:
            self._tui, self.keymap = None, Keymap()
            return []
        from stigmer_apis.config import load

        try:
            tui = load(self._home).settings.tui
        except ConfigError as error:
            return [error.message]
        except StigmerError as error:
            return [str(error)]
        self._tui = tui
        self.keymap = keymap_of(
            Preset(tui.preset.value),
            [
                Wanted(entry.action_id, entry.keys, f"{self._home.config}:{entry.line}: tui.keymap")
                for entry in tui.keymap.entries
            ],
        )
        return self.keymap.problems

    def _look(self) -> tuple[int, int] | None:
        try:
            state = self._home.config.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size
