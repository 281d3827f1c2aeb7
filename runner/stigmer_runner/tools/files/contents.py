"""What is in a file: its text and how it is encoded, or that it is none."""

import codecs
import hashlib
import os
from dataclasses import dataclass

from stigmer_runner.tools.files.beneath import PathRefused, visible

LARGEST = 32 * 1024 * 1024
"""Bytes of a file that is read or written whole."""
PEEK = 8192
CHUNK = 1024 * 1024

_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Text:
    """A file's text. `encode` gives back the bytes of a changed one as this file has them."""

    text: str
    """With plain line ends where the file has CRLF throughout."""
    encoding: str
    """`utf-8`, `utf-8-sig`, `utf-16-le`, `utf-16-be`, or `latin-1` for what is none of them: a character a byte."""
    crlf: bool = False

    def encode(self, text: str) -> bytes:
        """`text` in this file's encoding. Raises UnicodeEncodeError where it has characters that the encoding lacks."""
        ended = text.replace("\n", "\r\n") if self.crlf else text
        match self.encoding:
            case "utf-16-le":
                return codecs.BOM_UTF16_LE + ended.encode(self.encoding)
            case "utf-16-be":
                return codecs.BOM_UTF16_BE + ended.encode(self.encoding)
            case _:
                return ended.encode(self.encoding)


def decoded(data: bytes) -> Text | None:
    """The text in `data`; None where it is no text."""
    encoding = encoding_of(data)
    if encoding is None:
        return None
    text = data[2:].decode(encoding, "surrogatepass") if encoding.startswith("utf-16") else data.decode(encoding)
    crlf = "\r\n" in text and text.count("\n") == text.count("\r\n") == text.count("\r")
    return Text(text.replace("\r\n", "\n") if crlf else text, encoding, crlf)


def encoding_of(data: bytes) -> str | None:
    """How `data` is encoded; None where it is no text."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            if name.startswith("utf-16") and len(data) % 2:
                return None
            try:
                (data[2:] if name.startswith("utf-16") else data).decode(name)
            except UnicodeDecodeError:
                return None
            return name
    if b"\0" in data[:PEEK] or b"\0" in data:
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def hash_of(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read_all(descriptor: int, path: str) -> bytes:
    """All of an open file. Raises `PathRefused` for one that is a directory or larger than `LARGEST`."""
    size = os.fstat(descriptor).st_size
    if size > LARGEST:
        raise PathRefused(f"{visible(path)} has {size:,} bytes, and at most {LARGEST:,} are taken whole")
    pieces: list[bytes] = []
    total = 0
    try:
        while piece := os.read(descriptor, CHUNK):
            pieces.append(piece)
            total += len(piece)
            if total > LARGEST:
                raise PathRefused(f"{visible(path)} grows while it is read, past {LARGEST:,} bytes")
    except IsADirectoryError as error:
        raise PathRefused(f"{visible(path)} is a directory: use `list`") from error
    except OSError as error:
        raise PathRefused(f"{visible(path)} cannot be read: {error.strerror}") from error
    return b"".join(pieces)


def signature_of(descriptor: int) -> str:
    """What changes when a file that is too large to hash changes."""
    found = os.fstat(descriptor)
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}"
