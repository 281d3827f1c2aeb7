"""The first and the last bytes of an output, and how they are shown."""

from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import OutputWindow
from stigmer_apis.protocol import OUTPUT_HEAD_BYTES, OUTPUT_TAIL_BYTES

_MARKER_BYTES = 64
"""More than any marker line has."""

_HALF = min(OUTPUT_HEAD_BYTES, OUTPUT_TAIL_BYTES) - _MARKER_BYTES
_WORST_EXPANSION = 3
"""A byte that is no UTF-8 becomes a replacement character of three bytes."""


class Window:
    """An output as it grows: the first 32 KiB, the last 32 KiB, and how much it was."""

    __slots__ = ("_head", "_stored", "_tail", "_total")

    def __init__(self, stored: OutputWindow) -> None:
        self._head = bytearray(stored.head)
        self._tail = bytearray(stored.tail)
        self._total = self._stored = stored.total

    def add(self, data: bytes) -> None:
        """`data` came. Each byte is copied about twice, however many pieces come."""
        self._total += len(data)
        room = OUTPUT_HEAD_BYTES - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data[-OUTPUT_TAIL_BYTES:]
        if len(self._tail) > 4 * OUTPUT_TAIL_BYTES:
            del self._tail[:-OUTPUT_TAIL_BYTES]

    def store(self, into: OutputWindow) -> int:
        """Write it to `into`, where it grew, and return how many bytes that was."""
        if self._total == self._stored:
            return 0
        self._stored = self._total
        into.head, into.tail, into.total = bytes(self._head), bytes(self._tail[-OUTPUT_TAIL_BYTES:]), self._total
        return len(into.head) + len(into.tail)

    def shown(self) -> str:
        """See `shown`."""
        return _render(bytes(self._head), bytes(self._tail[-OUTPUT_TAIL_BYTES:]), self._total)


def shown(window: OutputWindow) -> str:
    """An output as text: lossy UTF-8, at most 64 KiB of it; where more came, head and tail with a line between that says how much is left out."""
    return _render(window.head, window.tail, window.total)


def _render(head: bytes, tail: bytes, total: int) -> str:
    if total == len(head) + len(tail):
        whole = (head + tail).decode("utf-8", "replace")
        if len(whole.encode()) <= OUTPUT_HEAD_BYTES + OUTPUT_TAIL_BYTES:
            return whole
        head = tail = head + tail
    begin, end = _first(head), _last(tail)
    left_out = total - len(begin) - len(end)
    return f"{begin.decode('utf-8', 'replace')}\n… {left_out:,} bytes left out …\n{end.decode('utf-8', 'replace')}"


def _first(data: bytes) -> bytes:
    """The first bytes that make at most half of what may be shown, without a character that the cut would halve."""
    data = data[:_HALF]
    if len(data.decode("utf-8", "replace").encode()) > _HALF:
        data = data[: _HALF // _WORST_EXPANSION]
    for back in range(1, min(4, len(data) + 1)):
        if data[-back] >= 0xC0:
            needed = 2 if data[-back] < 0xE0 else 3 if data[-back] < 0xF0 else 4
            return data[:-back] if back < needed else data
        if data[-back] < 0x80:
            return data
    return data


def _last(data: bytes) -> bytes:
    """The last bytes likewise."""
    data = data[-_HALF:]
    if len(data.decode("utf-8", "replace").encode()) > _HALF:
        data = data[-(_HALF // _WORST_EXPANSION) :]
    skip = 0
    while skip < min(3, len(data)) and 0x80 <= data[skip] < 0xC0:
        skip += 1
    return data[skip:]
