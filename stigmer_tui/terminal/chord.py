"""The keys that leave an attached terminal: Ctrl+] then d. Ctrl+] twice sends one. Everything else belongs to the program."""

import re

PREFIX = b"\x1d"
"""Ctrl+] as terminals send it."""
EXPLANATION = "Ctrl+] then d leaves, Ctrl+] twice sends one"

_PREFIX_KEYS = re.compile(rb"\x1d|\x1b\[93;5(?::1)?u|\x1b\[27;5;93~")
"""Also as terminals send it where the program asked for another keyboard protocol."""
_DETACH_KEYS = re.compile(rb"d|\x1b\[100(?:;1(?::1)?)?u")
_RELEASES = re.compile(rb"\x1b\[[0-9:]+;[0-9]*:3[u~A-Z]")
"""Keys let go, where a protocol reports them."""


class Chord:
    """Takes keys as they come from the terminal and says what is the program's."""

    def __init__(self) -> None:
        self.left = False
        """Whether the chord was completed: keys behind it were dropped."""
        self._prefix = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes for the program."""
        sent = b""
        while data and not self.left:
            if self._prefix:
                taken, data = self._after_prefix(data)
                sent += taken
                continue
            found = _PREFIX_KEYS.search(data)
            if found is None:
                return sent + data
            sent += data[: found.start()]
            self._prefix = found.group()
            data = data[found.end() :]
        return sent

    def _after_prefix(self, data: bytes) -> tuple[bytes, bytes]:
        """What to send, and the rest, with a prefix pending."""
        if released := _RELEASES.match(data):
            return b"", data[released.end() :]
        if leaving := _DETACH_KEYS.match(data):
            self.left = True
            return b"", data[leaving.end() :]
        prefix, self._prefix = self._prefix, b""
        if again := _PREFIX_KEYS.match(data):
            return prefix, data[again.end() :]
        return prefix, data
