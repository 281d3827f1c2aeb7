"""The process that looks for lines: `python -I -S scan_child.py FD CONTEXT`. It imports nothing of ours.

Its standard input is lines of JSON: first the filters, then `[start, end]` of the file `FD` for each stretch to look through, `start` at the beginning of a
line. It answers in frames: place reached, lines left by each filter, and the beginnings of the lines that all of them leave; one that is there
only because its neighbour is has its highest bit set. A block may take two seconds of processor time; then the process ends by itself.
"""

import json
import os
import re
import resource
import signal
import struct
import sys
from array import array
from collections.abc import Iterator

BLOCK = 1 << 20
FIRST_BLOCK = 1 << 16
LOOK_BACK = 1 << 16
SECONDS = 2.0
MEMORY = 1 << 30
NEIGHBOUR = 1 << 63
LONGEST_LINE = 16 << 20
"""Bytes of a line that are looked at."""


class Test:
    """A filter."""

    def __init__(self, asked: dict[str, str | bool | float]) -> None:
        self.pattern = re.compile(
            str(asked["expression"]).encode(), re.MULTILINE | (re.IGNORECASE if asked["ignore_case"] else 0)
        )
        self.inverse = bool(asked["inverse"])
        self.compare = str(asked["compare"])
        self.number = float(asked["number"])

    def holds(self, data: bytes, start: int, end: int) -> bool:
        """Whether the line is left by it."""
        return self.found(data, start, end) != self.inverse

    def found(self, data: bytes, start: int, end: int) -> bool:
        """Whether the line matches."""
        if not self.compare:
            return self.pattern.search(data, start, end) is not None
        return any(self.fits(found[1]) for found in self.pattern.finditer(data, start, end))

    def fits(self, text: bytes) -> bool:
        """Whether a number is what is asked for."""
        number = float(text)
        if self.compare == ">":
            return number > self.number
        if self.compare == "<":
            return number < self.number
        return number >= self.number if self.compare == ">=" else number <= self.number


def first_lines(test: Test, data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Lines that the first filter leaves: `(start, end)` each."""
    if test.inverse:
        position = start
        for begin, stop in first_lines_found(test, data, start, end):
            yield from lines(data, position, begin)
            position = stop + 1
        yield from lines(data, position, end)
    else:
        yield from first_lines_found(test, data, start, end)


def first_lines_found(test: Test, data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Lines that match."""
    search, find, rfind = test.pattern.search, data.find, data.rfind
    position = start
    compare = test.compare
    while position < end:
        found = search(data, position, end)
        if found is None:
            return
        place = found.start()
        begin = rfind(b"\n", position, place) + 1 or position
        stop = find(b"\n", place, end)
        if stop < 0:
            stop = end
        if (found.end() <= stop and not compare) or test.found(data, begin, stop):
            yield begin, stop
        position = stop + 1


def lines(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """All lines."""
    while start < end:
        stop = data.find(b"\n", start, end)
        if stop < 0:
            stop = end
        yield start, stop
        start = stop + 1


class Scan:
    """Looks through stretches of a file."""

    def __init__(self, fd: int, context: int, tests: list[Test]) -> None:
        self.fd = fd
        self.context = context
        self.tests = sorted(enumerate(tests), key=lambda pair: (pair[1].inverse, bool(pair[1].compare)))
        self.after = 0
        self.last = -1

    def stretch(self, start: int, end: int) -> None:
        """Look through it."""
        size = FIRST_BLOCK
        while start < end:
            lead = os.pread(self.fd, min(LOOK_BACK, start), start - min(LOOK_BACK, start)) if self.context else b""
            data = read(self.fd, start, min(size, end - start))
            while start + len(data) < end and b"\n" not in data[-LOOK_BACK:] and len(data) < LONGEST_LINE:
                data += read(self.fd, start + len(data), min(len(data), end - start - len(data)))
            if not data:
                answer(end, [0] * len(self.tests), array("Q"))
                return
            cut = data.rfind(b"\n") + 1 if start + len(data) < end else len(data)
            data = data[: cut or len(data)]
            answer(start + len(data), *self.block(lead + data, len(lead), start - len(lead)))
            start += len(data)
            size = min(BLOCK, 2 * size)

    def block(self, data: bytes, start: int, base: int) -> "tuple[list[int], array[int]]":
        """What is left of a block: how many by each filter, and where."""
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        counts = [0] * len(self.tests)
        first, test = self.tests[0]
        others = self.tests[1:]
        left: array[int] = array("Q")
        end = len(data)
        if data.endswith(b"\n"):
            end -= 1
        done = start
        for begin, stop in first_lines(test, data, start, end):
            counts[first] += 1
            for number, other in others:
                if not other.holds(data, begin, stop):
                    break
                counts[number] += 1
            else:
                if self.context:
                    done = self.neighbours(left, data, base, done, begin)
                    self.after = self.context
                    done = stop + 1
                self.last = base + begin
                left.append(base + begin)
        if self.context:
            self.neighbours_after(left, data, base, done, len(data))
        signal.setitimer(signal.ITIMER_PROF, 0)
        return counts, left

    def neighbours_after(self, left: "array[int]", data: bytes, base: int, position: int, end: int) -> int:
        """Lines behind the one that was left; return where they end."""
        while self.after and position < end:
            stop = data.find(b"\n", position, end)
            stop = end if stop < 0 else stop + 1
            left.append((base + position) | NEIGHBOUR)
            self.last = base + position
            self.after -= 1
            position = stop
        return position

    def neighbours(self, left: "array[int]", data: bytes, base: int, done: int, begin: int) -> int:
        """Lines between the one left before and this one."""
        self.neighbours_after(left, data, base, done, begin)
        place = begin
        before: list[int] = []
        while len(before) < self.context and place > 0:
            start = data.rfind(b"\n", 0, place - 1) + 1
            if base + start <= self.last or (start == 0 and base > 0):
                break
            before.append((base + start) | NEIGHBOUR)
            place = start
        left.extend(reversed(before))
        return begin


def read(fd: int, offset: int, count: int) -> bytes:
    """Exactly so many bytes, fewer at the end."""
    pieces: list[bytes] = []
    while count > 0:
        data = os.pread(fd, count, offset)
        if not data:
            break
        pieces.append(data)
        offset += len(data)
        count -= len(data)
    return b"".join(pieces)


def answer(place: int, counts: list[int], left: "array[int]") -> None:
    """A frame."""
    sys.stdout.buffer.write(struct.pack(f"=QI{len(counts)}Q", place, len(left), *counts) + left.tobytes())
    sys.stdout.buffer.flush()


def main() -> None:
    """Answer until nobody asks."""
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    asked = sys.stdin.readline()
    scan = Scan(int(sys.argv[1]), int(sys.argv[2]), [Test(each) for each in json.loads(asked)])
    for line in sys.stdin:
        start, end = json.loads(line)
        scan.stretch(start, end)


if __name__ == "__main__":
    main()
