"""What a program switched on in a terminal, so that it can be switched on again for a replay and off again at the end."""

import re

_SWITCH = re.compile(rb"\x1b\[\?([0-9;]{1,32})([hl])|\x1b([=>])|\x1b\[([<>])([0-9]*)(?:;[0-9]+)?u")
_ALTERNATE = ("1049", "1047", "47")
_TRACKED = frozenset({"1", "25", "1000", "1002", "1003", "1004", "1005", "1006", "1015", "2004", *_ALTERNATE})

_PLAIN = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l"  # the mouse
    b"\x1b[?1004l\x1b[?2004l\x1b[?2026l"  # focus, paste, held updates
    b"\x1b[?1l\x1b>\x1b[?7h\x1b[?25h"  # cursor and number keys, wrapping, the cursor is seen
    b"\x1b(B\x0f\x1b[0m\x1b[0 q"  # letters, colours, the cursor's shape
)
RESIZED = b"\x1b7\x1b[r\x1b8"
"""What a terminal does by itself when it is resized, and programs count on: it scrolls as a whole again."""


class TerminalModes:
    """Follows a stream of terminal output; a sequence cut at a chunk's edge is followed too."""

    def __init__(self) -> None:
        self._modes: dict[str, bytes] = {}
        self._keyboards: list[bytes] = []
        self._pending = b""

    @property
    def alternate_screen(self) -> bool:
        """Whether the alternate screen is shown."""
        return any(self._modes.get(mode) == b"h" for mode in _ALTERNATE)

    def feed(self, data: bytes) -> None:
        """Note what `data` switches."""
        data = self._pending + data
        cut = data.rfind(b"\x1b", max(0, len(data) - 40))
        self._pending = b""
        if cut >= 0 and not _SWITCH.match(data, cut):
            self._pending, data = data[cut:], data[:cut]
        for found in _SWITCH.finditer(data):
            numbers, state, keypad, direction, flags = found.groups()
            if numbers:
                self._switch(numbers.decode("ascii"), state)
            elif keypad:
                self._modes["keypad"] = keypad
            elif direction == b">":
                self._keyboards.append(flags)
            else:
                del self._keyboards[max(0, len(self._keyboards) - int(flags or b"1")) :]

    def _switch(self, numbers: str, state: bytes) -> None:
        for mode in numbers.split(";"):
            if mode in _TRACKED:
                self._modes[mode] = state

    def again(self) -> bytes:
        """Sequences that bring a plain terminal to where the stream stands."""
        parts: list[bytes] = []
        for mode in sorted(self._modes, key=lambda name: name not in _ALTERNATE):
            state = self._modes[mode]
            parts.append(b"\x1b" + state if mode == "keypad" else b"\x1b[?" + mode.encode() + state)
        parts.extend(b"\x1b[>" + flags + b"u" for flags in self._keyboards)
        return b"".join(parts)

    def undo(self) -> bytes:
        """Sequences that bring the terminal back to plain, whatever the stream did; what is on the screen stays."""
        leave = b"".join(b"\x1b[?" + mode.encode() + b"l" for mode in _ALTERNATE if self._modes.get(mode) == b"h")
        keyboards = b"\x1b[<u" * len(self._keyboards)
        return keyboards + _PLAIN + RESIZED + leave
