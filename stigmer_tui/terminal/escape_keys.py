"""Escape typed just before another key, while a program has the keyboard: both are the program's, one after the other.

Textual waits a tenth of a second for what follows an escape and makes one key of both, or loses the escape: an editor's `esc :` typed fast would write a colon.
"""

import re
from collections.abc import Iterable, Iterator

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

ESCAPE = "\x1b"
_PARSER = "XTermParser"
"""By this name the driver makes what reads the terminal."""
_LONE = re.compile(r"\x1b(?=[^\x1b\[\]OPX^_])|\x1b(?=\x1b)")
"""An escape that begins no sequence of a terminal: what follows is a key of its own."""
_PASTES = re.compile(r"\x1b\[20([01])~")


class EscapeParser(XTermParser):
    """Textual's reader of the terminal, which leaves escapes alone while `apart` is set. `Parser` is shared by nobody: one thread reads one terminal."""

    apart = False
    """Of the class: whether a program has the keyboard."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._pasting = False

    def feed(self, data: str) -> Iterable[Message]:
        """The events of what was read."""
        pasting = self._pasting
        for found in _PASTES.finditer(data):
            self._pasting = found[1] == "0"
        if not EscapeParser.apart or pasting or self._pasting:
            return super().feed(data)
        return self._split(data)

    def _split(self, data: str) -> Iterator[Message]:
        position = 0
        for found in _LONE.finditer(data):
            if found.start() > position:
                yield from super().feed(data[position : found.start()])
            yield events.Key("escape", ESCAPE)
            position = found.end()
        if data[position:] == ESCAPE:
            yield events.Key("escape", ESCAPE)
        elif data[position:]:
            yield from super().feed(data[position:])


def install() -> None:
    """Have Textual read the terminal by it. Before the app runs."""
    setattr(linux_driver, _PARSER, EscapeParser)
