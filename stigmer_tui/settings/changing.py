"""Changes of `config.yaml`, each taken back as it was made. Blocking: a small file is read and written."""

from dataclasses import dataclass

from stigmer_apis.config.changing import set_value, unset_value
from stigmer_apis.config.document import read_document
from stigmer_apis.config.file import alone, read_file, write_file
from stigmer_apis.config.resolving import resolve
from stigmer_apis.errors import ConfigError
from stigmer_apis.home import Home

MOST = 100
"""Changes that can be taken back."""


@dataclass(frozen=True, slots=True)
class Change:
    """The file's whole text, before and after."""

    what: str
    """The setting."""
    before: str
    after: str


class Changes:
    """What was changed here."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._done: list[Change] = []

    def set(self, key: str, text: str) -> None:
        """Write a setting; comments and the rest stay. Raises `StigmerError` where it is refused."""
        before = read_file(self._home.config)
        set_value(self._home, key, text)
        self._remember(key, before)

    def unset(self, key: str) -> bool:
        """Take a setting out of the file; False where it does not stand there. Raises as `set` does."""
        before = read_file(self._home.config)
        there = unset_value(self._home, key)
        if there:
            self._remember(key, before)
        return there

    def replace(self, before: str, text: str) -> None:
        """Put another text in the whole file's place. Raises `ConfigError` where it would not be understood, or somebody else changed it meanwhile."""
        document = read_document(text, str(self._home.config)) if text.strip() else None
        resolve(self._home, document, {}, {})
        self._swap(before, text)
        self._remember("the file", before)

    def undo(self) -> str:
        """Take the last change back, byte for byte. Returns what it was; empty where there is none. Raises `ConfigError` where it was changed elsewhere meanwhile."""
        if not self._done:
            return ""
        last = self._done[-1]
        self._swap(last.after, last.before)
        self._done.pop()
        return last.what

    def _remember(self, what: str, before: str) -> None:
        self._done = [*self._done[1 - MOST :], Change(what, before, read_file(self._home.config))]

    def _swap(self, old: str, new: str) -> None:
        self._home.prepare_root()
        with alone(self._home.root):
            if read_file(self._home.config) != old:
                raise ConfigError(
                    f"{self._home.config} was changed elsewhere meanwhile",
                    remedy="nothing was written; look at it first",
                )
            if new or self._home.config.exists():
                write_file(self._home.config, new)
