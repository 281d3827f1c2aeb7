"""What Textual's reader of the terminal makes of escapes, mended.

Escape typed just before another key, while a program has the keyboard: both are the program's, one after the other. Textual waits a tenth of a second for
what follows an escape and makes one key of both, or loses the escape: an editor's `esc :` typed fast would write a colon.

An escape within a paste is text. Textual takes it for the beginning of a key, and what follows it for keys: a text that somebody copied from a page would
do what it likes in the app.

Alt with a key, where the terminal sends an escape before it: Textual knows letters alone. Digits it makes other characters of, as a Mac's keyboard has
them, and of marks it loses the alt: they would be written into what has the focus; and of enter, which would send. `alt+b` and `alt+f` it takes for moving by words.
"""

import re
import unicodedata
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.keys import KEY_NAME_REPLACEMENTS
from textual.message import Message

ESCAPE = "\x1b"
_PARSER, _DECODER = "XTermParser", "getincrementaldecoder"
"""By these names the driver makes what reads the terminal."""
_LONE = re.compile(r"\x1b(?=[^\x1b\[\]OPX^_])|\x1b(?=\x1b)")
"""An escape that begins no sequence of a terminal: what follows is a key of its own."""
_PASTE_BEGINS = "\x1b[200~"
_PASTE_ENDS = "\x1b[201~"
_WORD_KEYS = {"b": "ctrl+left", "f": "ctrl+right"}
_TAKEN_OTHERWISE = frozenset(
    each for each in ANSI_SEQUENCES_KEYS if len(each) == 2 and each[0] == ESCAPE and each[1].isprintable()
)
"""What Textual makes something else of."""
_TAILS = (ESCAPE, f"{ESCAPE}[")
_PASTE_MAY_BEGIN = re.compile(r"\x1b\[2(?:00?)?\Z")
"""The end of what was read may be the first part of a paste's beginning: it waits for the rest."""


class WordKey(events.Key):
    """Escape and a letter by which shells move by words, and terminals of a Mac: while one writes; elsewhere it is alt with that letter."""

    def __init__(self, letter: str) -> None:
        super().__init__(_WORD_KEYS[letter], None)
        self.letter = letter

    def meant(self, writing: bool) -> events.Key:
        """The key, by whether one writes."""
        return events.Key(self.key if writing else f"alt+{self.letter}", None)


class EscapeParser(XTermParser):
    """Textual's reader of the terminal, which leaves escapes alone while `apart` is set. `Parser` is shared by nobody: one thread reads one terminal."""

    apart = False
    """Of the class: whether a program has the keyboard."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._held = ""
        self._paste: list[str] | None = None
        """What was pasted so far, or none while nobody pastes."""
        self._tail = ""
        """How what Textual was given last ended, where that may be the beginning of a paste."""

    def feed(self, data: str) -> Iterable[Message]:
        """The events of what was read; an empty text is the end."""
        if not data:
            yield from super().feed(data)
            return
        data, self._held = self._held + data, ""
        if self._tail and (self._tail + data).startswith(_PASTE_BEGINS):
            data = data[len(_PASTE_BEGINS) - len(self._tail) :]
            yield from self._forget_escape()
            self._paste = []
        elif self._tail and _PASTE_BEGINS.startswith(self._tail + data):
            yield from self._go_on_waiting(data)
            return
        self._tail = ""
        while data:
            if self._paste is None:
                typed, begins, data = data.partition(_PASTE_BEGINS)
                if begins:
                    self._paste = []
                elif held := _PASTE_MAY_BEGIN.search(typed):
                    typed, self._held = typed[: held.start()], held[0]
                self._tail = "" if begins else next((tail for tail in _TAILS if typed.endswith(tail)), "")
                if typed:
                    yield from self._split(typed) if EscapeParser.apart else super().feed(typed)
                continue
            pasted, ends, rest = data.partition(_PASTE_ENDS)
            if not ends and (cut := pasted.rfind(ESCAPE, -len(_PASTE_ENDS))) >= 0:
                pasted, self._held = pasted[:cut], pasted[cut:]
            self._paste.append(pasted)
            data = rest
            if ends:
                text, self._paste = "".join(self._paste), None
                yield events.Paste(text.replace("\0", ""))

    def _go_on_waiting(self, data: str) -> Iterator[Message]:
        """Another piece of what may be the beginning of a paste: Textual has seen the first one."""
        if self._tail + data in _TAILS:
            self._tail += data
            yield from super().feed(data)
        else:
            self._held = data

    def _forget_escape(self) -> Iterator[Message]:
        """Textual waits for what follows an escape: let it be a paste of nothing."""
        if not (EscapeParser.apart and self._tail == ESCAPE):
            rest = _PASTE_BEGINS[len(self._tail) :]
            yield from (event for event in super().feed(rest + _PASTE_ENDS) if not isinstance(event, events.Paste))

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        letter = sequence if alt else sequence[1:] if sequence in _TAKEN_OTHERWISE else ""
        if len(letter) != 1 or not (letter.isprintable() or letter == "\r"):
            yield from super()._sequence_to_key_events(sequence, alt)
        elif letter in _WORD_KEYS:
            yield WordKey(letter)
        else:
            yield events.Key(f"alt+{_name_of(letter)}", None)

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


def _name_of(letter: str) -> str:
    """A character as Textual names its key."""
    if letter == "\r":
        return "enter"
    if letter.isupper():
        return f"shift+{letter.lower()}"
    name = letter if letter.isalnum() else unicodedata.name(letter, letter).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def _forgiving(encoding: str) -> Callable[[], IncrementalDecoder]:
    """What the driver makes its decoder by: bytes that are none of the encoding become U+FFFD, where Textual would read nothing any more."""
    return lambda: getincrementaldecoder(encoding)("replace")


def install() -> None:
    """Have Textual read the terminal by it. Before the app runs."""
    setattr(linux_driver, _PARSER, EscapeParser)
    setattr(linux_driver, _DECODER, _forgiving)
