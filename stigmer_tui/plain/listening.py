"""What a person types: commands, with completion where there is a terminal for it; and answers, which are never what was typed before the question."""

import os
import select
import sys
import termios
from collections.abc import Callable, Mapping, Sequence

from stigmer_tui.plain.voice import Voice

_CHUNK = 4096
_MOST_DROPPED = 1 << 20
"""Bytes of old input that are dropped at a question. A pipe that never ends gives no answer."""
LONGEST_LINE = 1 << 20
"""Bytes of a line; a longer one is taken in pieces."""

Completer = Callable[[str], Sequence[str]]
"""What a line can go on as: whole last words."""


class Pasted(Exception):
    """More came than one answer: somebody pasted it, or a program wrote it."""


def edits_lines(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a terminal on which a line can be edited: not where an editor, or nobody, does that for us."""
    return (
        sys.stdin.isatty()
        and sys.stdout.isatty()
        and environ.get("TERM", "dumb") not in ("", "dumb")
        and "INSIDE_EMACS" not in environ
    )


class Listener:
    """Reads lines of standard input."""

    def __init__(self, voice: Voice, completer: Completer, *, editing: bool) -> None:
        """`editing`: by readline, with history and completion."""
        self._voice = voice
        self._held = b""
        self._editing = editing
        if editing:
            _set_up_readline(completer)

    def line(self, prompt: str) -> str | None:
        """The next line; None at the end of the input. Raises `KeyboardInterrupt`."""
        if not self._editing:
            self._voice.ask(prompt)
            return self._read_line()
        try:
            return input(prompt)
        except EOFError:
            return None

    def answer(self, prompt: str) -> str | None:
        """A line that was begun after everything before `prompt` was said: what was typed until then is dropped. None at the end of the input.

        Raises `Pasted` where more than a line came; all of it is dropped.
        """
        self.drop()
        self._voice.ask(prompt)
        line = self._read_line()
        if line is not None and self.drop():
            raise Pasted
        return line

    def drop(self) -> bool:
        """Forget what was typed and not read yet; whether there was any."""
        dropped, self._held = len(self._held), b""
        descriptor = sys.stdin.fileno()
        waits = _has_input(descriptor)
        if sys.stdin.isatty():
            termios.tcflush(descriptor, termios.TCIFLUSH)
            return waits or dropped > 0
        while dropped < _MOST_DROPPED and _has_input(descriptor):
            data = os.read(descriptor, _CHUNK)
            if not data:
                break
            dropped += len(data)
        return dropped > 0

    def _read_line(self) -> str | None:
        while b"\n" not in self._held and len(self._held) < LONGEST_LINE:
            data = os.read(sys.stdin.fileno(), _CHUNK)
            if not data:
                if not self._held:
                    return None
                break
            self._held += data
        line, _, self._held = self._held.partition(b"\n")
        if not sys.stdin.isatty():
            self._voice.say("")  # Nobody's enter is shown, which would end the prompt's line.
        return line.rstrip(b"\r").decode("utf-8", "replace")


def _has_input(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def _set_up_readline(completer: Completer) -> None:
    import readline

    offered: list[str] = []

    def complete(_: str, number: int) -> str | None:
        if number == 0:
            offered[:] = completer(readline.get_line_buffer()[: readline.get_endidx()])
        return offered[number] if number < len(offered) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" ")
    readline.parse_and_bind("tab: complete")
    readline.parse_and_bind("set enable-bracketed-paste off")
    readline.parse_and_bind("set bell-style none")
