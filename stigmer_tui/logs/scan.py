"""Looks for lines in a store, by a process of its own: it takes no time from the screen, and an expression that never ends takes that process alone."""

import json
import os
import select
import struct
import subprocess
import sys
import time
from array import array
from collections.abc import Sequence
from pathlib import Path

from stigmer_tui.logs.patterns import Filter
from stigmer_tui.logs.store import LogStore, Segment

PATIENCE_SECONDS = 30.0
"""For a block on a busy machine; the process ends itself after two seconds of its own time."""
_CHILD = Path(__file__).with_name("scan_child.py")
_NEIGHBOUR = 1 << 63
_PIECE = 1 << 16
TOO_SLOW = "this expression takes too long: nested repetitions such as (a+)+ take time without end; write a simpler one"


class Scan:
    """The lines of a store that every one of some filters leaves. Fed by `step` on one thread; the lists may be read on others meanwhile."""

    def __init__(self, store: LogStore, filters: Sequence[Filter], context: int = 0) -> None:
        """`context`: lines before and behind each that are shown with it."""
        self._store = store
        self._filters = tuple(filters)
        self._context = context
        self._generation = store.generation
        self.rows: array[int] = array("Q")
        """Places of their first bytes, ascending."""
        self.neighbours = bytearray()
        """For each row, 1 where it is there only because of its neighbour; empty without context."""
        self.counts = [0] * len(filters)
        """Lines that each filter left of what the ones before it left; those that say what is wanted come before those that say what is not."""
        self.position = 0
        """Bytes that were looked through."""
        self.problem = ""
        """Why it was given up, in words."""
        self._process: subprocess.Popen[bytes] | None = None
        self._segment: Segment | None = None
        self._until = 0
        self._asked_at = 0.0
        self._received = bytearray()
        self._quiet_size = -1
        self._undo: tuple[int, int, list[int]] | None = None

    @property
    def matches(self) -> int:
        """Lines that all filters leave, those around them not counted."""
        return len(self.rows) - sum(self.neighbours)

    @property
    def through(self) -> bool:
        """Whether there is nothing more to look through, for now."""
        return bool(self.problem) or (self.position >= self._store.size and self._until <= self.position)

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.wait()

    def step(self, seconds: float) -> bool:
        """Look on for at most so long; whether more was found or looked through. Raises OSError where no process can be started."""
        if self.problem or self._generation != self._store.generation:
            return False
        before = self.position
        deadline = time.monotonic() + seconds
        while not self.problem:
            if self._until <= self.position and not self._ask():
                break
            left = deadline - time.monotonic()
            if left <= 0 or not self._take(left):
                break
        return self.position != before or bool(self.problem)

    def _ask(self) -> bool:
        """Have the next stretch looked through; False where there is none."""
        size = self._store.size
        if self._undo is not None and size > self.position:
            self._take_back()
        segment = next((each for each in self._store.segments if self.position < each.base + each.size), None)
        if segment is None:
            return False
        self.position = max(self.position, segment.base)
        end = segment.base + segment.size
        if end == size:
            end = self._whole_lines(end)
            if end <= self.position:
                return False
        self._start(segment)
        self._until = end
        begin = segment.begin - segment.base
        self._asked_at = time.monotonic()
        self._write(json.dumps([self.position + begin, end + begin]).encode() + b"\n")
        return True

    def _whole_lines(self, end: int) -> int:
        """The end of the last whole line; a line without an end counts once nothing was added to it between two looks."""
        place = end
        while place > self.position:
            start = max(self.position, place - _PIECE)
            found = self._store.read_at(start, place - start).rfind(b"\n")
            if found >= 0:
                place = start + found + 1
                break
            place = start
        if place > self.position or place == end:
            return place
        if self._quiet_size != end:
            self._quiet_size = end
            return place
        self._undo = (self.position, len(self.rows), list(self.counts))
        return end

    def _take_back(self) -> None:
        """The line without an end has more: it is looked at again."""
        if self._undo is None:
            return
        self.position, rows, counts = self._undo
        del self.rows[rows:]
        del self.neighbours[rows:]
        self.counts = counts
        self._until = self.position
        self._undo = None

    def _start(self, segment: Segment) -> None:
        if self._process is not None and self._segment is segment:
            return
        self.close()
        self._segment = segment
        self._received.clear()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_CHILD), str(segment.fd), str(self._context)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(segment.fd,),
            start_new_session=True,
        )
        self._write(json.dumps([each.shown() for each in self._filters]).encode() + b"\n")

    def _write(self, data: bytes) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write(data)
            process.stdin.flush()
        except BrokenPipeError:
            self._give_up()

    def _give_up(self) -> None:
        self.problem = TOO_SLOW
        self.close()

    def _take(self, seconds: float) -> bool:
        """Take what was found, waiting so long for something; False where nothing came."""
        process, segment = self._process, self._segment
        if process is None or process.stdout is None or segment is None:
            return False
        ready, _, _ = select.select([process.stdout], [], [], seconds)
        if not ready:
            if time.monotonic() - self._asked_at > PATIENCE_SECONDS:
                self._give_up()
            return False
        data = os.read(process.stdout.fileno(), 1 << 20)
        if not data:
            self._give_up()
            return False
        self._asked_at = time.monotonic()
        self._received += data
        self._read_frames(segment)
        return True

    def _read_frames(self, segment: Segment) -> None:
        head = struct.Struct(f"=QI{len(self._filters)}Q")
        place = 0
        while len(self._received) - place >= head.size:
            reached, count, *counts = head.unpack_from(self._received, place)
            end = place + head.size + 8 * count
            if len(self._received) < end:
                break
            self._add(self._received[place + head.size : end], segment.base - segment.begin)
            self.counts = [old + new for old, new in zip(self.counts, counts, strict=True)]
            self.position = reached + segment.base - segment.begin
            place = end
        del self._received[:place]

    def _add(self, data: bytearray, shift: int) -> None:
        found: array[int] = array("Q")
        found.frombytes(bytes(data))
        if self._context:
            self.neighbours.extend(1 if each & _NEIGHBOUR else 0 for each in found)
            found = array("Q", (each & ~_NEIGHBOUR for each in found))
        if shift:
            found = array("Q", (each + shift for each in found))
        self.rows.extend(found)
