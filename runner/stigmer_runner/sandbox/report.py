"""What a shell says about its end, read from a pipe that the command can write to: bounded, and believed for nothing
but the state of the command's own next line."""

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from stigmer_runner.sandbox import shell

REPORT_LIMIT = 1024 * 1024
"""Bytes of one report; a longer one is no report."""

NOISE_LIMIT = 16 * 1024 * 1024
"""Bytes in all, after which nobody listens any more: a command that floods the pipe loses its state, nothing else."""

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Report:
    """The last thing that the shell said."""

    cause: str
    """`end` (the line ran to its end), `exit` (it said so) or `trap` (anything else that still ran the exit trap)."""
    status: int
    """`$?` at that moment."""
    directory: str
    exported: dict[str, str]


class ReportPipe:
    """The reading end, on the event loop; the writing end is for the command."""

    def __init__(self, on_up: Callable[[], None]) -> None:
        self._read, self.write_fd = os.pipe()
        os.set_blocking(self._read, False)
        self._data = bytearray()
        self._seen = 0
        self._on_up: Callable[[], None] | None = on_up
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read, self._readable)

    def close_write(self) -> None:
        """Give up the writing end, which the child has by now."""
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1

    def close(self) -> None:
        """Give up both ends."""
        self.close_write()
        if self._read >= 0:
            self._loop.remove_reader(self._read)
            os.close(self._read)
            self._read = -1

    def drain(self) -> None:
        """Read what is there; after the shell's end that is all that it said."""
        while self._read >= 0 and self._take():
            continue

    @property
    def left(self) -> bool:
        """Whether processes outlived the shell."""
        return f"\0{shell.LEFT}\0".encode() in self._data

    def last(self) -> Report | None:
        """The last complete report, None where there is none."""
        return parse(bytes(self._data))

    def _readable(self) -> None:
        self._take()

    def _take(self) -> bool:
        try:
            chunk = os.read(self._read, _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            self._loop.remove_reader(self._read)
            return False
        self._seen += len(chunk)
        self._data += chunk
        if self._on_up is not None and f"\0{shell.UP}\0".encode() in self._data:
            on_up, self._on_up = self._on_up, None
            on_up()
        if len(self._data) > 2 * REPORT_LIMIT:
            del self._data[:-REPORT_LIMIT]
        if self._seen > NOISE_LIMIT:
            self.close()
            self._data.clear()
            return False
        return True


def parse(data: bytes) -> Report | None:
    """The last complete report in `data`, whatever else is in it; None where there is none or it makes no sense."""
    tokens = data[-REPORT_LIMIT:].split(b"\0")
    end = _last(tokens, shell.END.encode(), len(tokens))
    start = _last(tokens, shell.STATE.encode(), end) if end >= 0 else -1
    if start < 0 or end - start < 4:
        return None
    cause, status, directory = (_text(token) for token in tokens[start + 1 : start + 4])
    if cause not in ("end", "exit", "trap") or not directory.startswith("/"):
        return None
    said = tokens[start + 4 : end]
    if said[:1] == [shell.DECLARED.encode()]:
        exported = declared(_text(b"\0".join(said[1:])))
    else:
        pairs = (_text(token).partition("=") for token in said)
        exported = {name: value for name, equals, value in pairs if equals and name}
    return Report(cause, int(status) if status.isascii() and status.isdigit() else 2, directory, exported)


_DECLARED = re.compile(
    r"""^(?:declare\ -[A-Za-z]+|export)\ ([A-Za-z_][A-Za-z0-9_]*)=
        (?:"((?:[^"\\]|\\.)*)"|\$'((?:[^'\\]|\\.)*)'|([^\s"'$(][^\s]*|))$""",
    re.MULTILINE | re.VERBOSE | re.DOTALL,
)
_PLAIN_ESCAPE = re.compile(r'\\(["\\$`\n])')
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_CONTROLS = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def declared(said: str) -> dict[str, str]:
    """Name and value of each variable in what bash's `export -p` says; those without a value are left out."""
    found: dict[str, str] = {}
    for match in _DECLARED.finditer(said):
        name, quoted, escaped, bare = match.groups()
        if quoted is not None:
            found[name] = _PLAIN_ESCAPE.sub(lambda each: "" if each[1] == "\n" else each[1], quoted)
        elif escaped is not None:
            found[name] = _text(_ESCAPE.sub(_unescaped, escaped).encode("utf-8", "surrogateescape"))
        else:
            found[name] = bare or ""
    return found


def _unescaped(match: "re.Match[str]") -> str:
    """What an escape in `$'...'` stands for; a byte by its number may be a part of a character."""
    number, letter = match.groups()
    if number is not None:
        return bytes((int(number, 8) & 0xFF,)).decode("ascii", "surrogateescape")
    return _CONTROLS.get(letter, letter)


def _last(tokens: list[bytes], token: bytes, before: int) -> int:
    for index in range(before - 1, -1, -1):
        if tokens[index] == token:
            return index
    return -1


def _text(token: bytes) -> str:
    return token.decode("utf-8", "surrogateescape")
