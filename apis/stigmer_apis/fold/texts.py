"""Texts that grow, and texts that are cut."""

from google.protobuf.struct_pb2 import Struct

MAX_TEXT_BYTES = 256 * 1024
"""The longest message in a status, as UTF-8."""

MAX_NOTE_BYTES = 16 * 1024
"""The longest error, and the longest input or output of a sub-agent."""

MAX_ARGUMENT_BYTES = 64 * 1024
"""The longest text among a tool call's arguments."""

CUT = "\n… cut here: the execution's events have the rest"


def size_of(text: str) -> int:
    """Bytes of `text` as UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def cut(text: str, limit: int) -> str:
    """`text`, or its first `limit` bytes and a line that says so. What was cut before stays as it is."""
    if len(text) <= limit // 4 or size_of(text) <= limit:
        return text
    if text.endswith(CUT) and size_of(text) <= limit + size_of(CUT):
        return text
    return text.encode()[:limit].decode("utf-8", "ignore") + CUT


def is_cut(text: str) -> bool:
    """Whether `cut` left some of a text out."""
    return text.endswith(CUT)


def cut_arguments(args: Struct) -> Struct:
    """A tool call's arguments, with long texts at the top cut; replaced by a word about them where they are too large even so."""
    if args.ByteSize() <= MAX_ARGUMENT_BYTES:
        return args
    kept = Struct()
    kept.CopyFrom(args)
    for value in kept.fields.values():
        if value.WhichOneof("kind") == "string_value":
            value.string_value = cut(value.string_value, MAX_ARGUMENT_BYTES)
    size = kept.ByteSize()
    if size > 2 * MAX_ARGUMENT_BYTES:
        kept.Clear()
        kept.fields["left out"].string_value = f"arguments of {size:,} bytes: the execution's events have them"
    return kept


class GrowingText:
    """A message whose deltas are still coming."""

    __slots__ = ("_grew", "_parts", "_size")

    def __init__(self, stored: str) -> None:
        self._parts = [stored]
        self._size = size_of(stored)
        self._grew = False

    def __len__(self) -> int:
        """Bytes as UTF-8."""
        return self._size

    def add(self, text: str) -> None:
        """More came. Past the limit it is cut, and stays so."""
        if self._size > MAX_TEXT_BYTES:
            return
        self._grew = True
        self._parts.append(text)
        self._size += size_of(text)
        if self._size > MAX_TEXT_BYTES:
            self._parts = [cut("".join(self._parts), MAX_TEXT_BYTES)]
            self._size = size_of(self._parts[0])

    @property
    def grew(self) -> bool:
        """Whether it is more than what was stored."""
        return self._grew

    def text(self) -> str:
        """All of it."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0]
