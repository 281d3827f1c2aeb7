"""Looks for secrets in bytes: in every form at once, and in what is compressed inside."""

import bz2
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from tests.canary.encodings import forms


class Stream(Protocol):
    """Takes compressed bytes apart."""

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes:
        """What was compressed, at most `max_length` bytes of it."""
        ...


_MOST_UNPACKED = 64 << 20
_DEPTH = 2
_STREAMS: tuple[tuple[str, "re.Pattern[bytes]", Callable[[], Stream]], ...] = (
    ("gzip", re.compile(rb"\x1f\x8b\x08"), lambda: zlib.decompressobj(31)),
    ("zlib", re.compile(rb"\x78[\x01\x5e\x9c\xda]"), lambda: zlib.decompressobj(15)),
    ("bz2", re.compile(rb"BZh[1-9]1AY&SY"), bz2.BZ2Decompressor),
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret that was found."""

    sink: str
    """Where."""
    secret: str
    """Its name, not its value."""
    form: str
    """`raw`, or `gzip/raw` for one inside a compressed stream."""


class Search:
    """Searches for named secrets."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        needles = {needle: (name, form) for name, value in secrets.items() for form, needle in forms(value).items()}
        self._needles = needles
        self._pattern = re.compile(b"|".join(re.escape(needle) for needle in sorted(needles, key=len, reverse=True)))

    def look(self, sink: str, data: bytes) -> Iterator[Hit]:
        """Every secret in `data`, each form once."""
        seen: set[tuple[str, str]] = set()
        for form_prefix, piece in _unpacked(data, "", _DEPTH):
            for match in self._pattern.finditer(piece):
                name, form = self._needles[match.group()]
                if (name, form_prefix + form) not in seen:
                    seen.add((name, form_prefix + form))
                    yield Hit(sink, name, form_prefix + form)

    def look_at_all(self, pieces: Iterable[tuple[str, bytes]]) -> list[Hit]:
        """Every secret in pieces of data, each with the name of its sink."""
        return [hit for sink, data in pieces for hit in self.look(sink, data)]


def _unpacked(data: bytes, prefix: str, depth: int) -> Iterator[tuple[str, bytes]]:
    """The data, and what is compressed in it."""
    yield prefix, data
    if depth == 0:
        return
    for name, start, make in _STREAMS:
        for match in start.finditer(data):
            unpacked = _decompress(make(), data[match.start() :])
            if unpacked:
                yield from _unpacked(unpacked, f"{prefix}{name}/", depth - 1)


def _decompress(stream: Stream, data: bytes) -> bytes:
    """What comes out, as far as it goes: most places that look like a beginning are none."""
    try:
        return stream.decompress(data, _MOST_UNPACKED)
    except (OSError, EOFError, ValueError, zlib.error):
        return b""
