"""The open terminals of an execution: keys and sizes from attached persons, pauses from the link."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from stigmer_apis.protocol import MAX_INPUT_BYTES
from stigmer_runner.sandbox import InputRefused, RunningCommand

DEFAULT_COLUMNS = 80
DEFAULT_ROWS = 24
LARGEST = 65_535


@dataclass(slots=True)
class _Open:
    command: RunningCommand
    resized: Callable[[int, int], None]
    typed: Callable[[], None] | None


@dataclass(slots=True)
class _Expected:
    keys: bytearray
    size: tuple[int, int] | None = None


class Terminals:
    """What is open now, by terminal id. The size of the last one is that of the next.

    A terminal is announced before it is there: what a person sends it in between waits for it.
    """

    def __init__(self, columns: int = 0, rows: int = 0) -> None:
        self.columns = _clamped(columns, DEFAULT_COLUMNS)
        self.rows = _clamped(rows, DEFAULT_ROWS)
        self._open: dict[str, _Open] = {}
        self._expected: dict[str, _Expected] = {}
        self._paused = False

    @property
    def any_open(self) -> bool:
        """Whether a command runs."""
        return bool(self._open)

    def expect(self, terminal_id: str) -> None:
        """A terminal was announced."""
        self._expected[terminal_id] = _Expected(bytearray())

    def forget(self, terminal_id: str) -> None:
        """An announced terminal will not be."""
        self._expected.pop(terminal_id, None)

    @contextmanager
    def opened(
        self,
        terminal_id: str,
        command: RunningCommand,
        resized: Callable[[int, int], None],
        typed: Callable[[], None] | None = None,
    ) -> Generator[None]:
        """While inside, `command` is the terminal's. `resized` is told its new sizes, `typed` each time that a person typed, never what."""
        self._open[terminal_id] = _Open(command, resized, typed)
        if self._paused:
            command.pause_reading()
        expected = self._expected.pop(terminal_id, None)
        if expected is not None:
            self.resize(terminal_id, *(expected.size or (0, 0)))
            if expected.keys:
                self.write(terminal_id, bytes(expected.keys))
        try:
            yield
        finally:
            del self._open[terminal_id]
            if self._paused:
                command.resume_reading()

    def write(self, terminal_id: str, keys: bytes) -> bool:
        """Hand keys to the program; whether it takes them. Those for a terminal that is gone are nobody's."""
        found = self._open.get(terminal_id)
        if found is None:
            return self._keep(terminal_id, keys)
        try:
            found.command.write(keys)
        except InputRefused:
            return False
        if found.typed is not None:
            found.typed()
        return True

    def resize(self, terminal_id: str, columns: int, rows: int) -> None:
        """Give a terminal another size; the same size, and a terminal that is gone, change nothing."""
        expected = self._expected.get(terminal_id)
        if expected is not None:
            expected.size = (columns, rows)
        columns, rows = _clamped(columns, self.columns), _clamped(rows, self.rows)
        found = self._open.get(terminal_id)
        if found is not None and (columns, rows) != (self.columns, self.rows):
            self.columns, self.rows = columns, rows
            found.command.resize(columns, rows)
            found.resized(columns, rows)

    def set_paused(self, paused: bool) -> None:
        """Take no more output, or again."""
        if paused != self._paused:
            self._paused = paused
            for each in self._open.values():
                if paused:
                    each.command.pause_reading()
                else:
                    each.command.resume_reading()

    def _keep(self, terminal_id: str, keys: bytes) -> bool:
        expected = self._expected.get(terminal_id)
        if expected is None or len(expected.keys) + len(keys) > MAX_INPUT_BYTES:
            return False
        expected.keys += keys
        return True


def _clamped(size: int, otherwise: int) -> int:
    return min(size, LARGEST) if size > 0 else otherwise
