"""Finds many patterns at once, and tells what at the end of a text may become one."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import ahocorasick_rs

HEAD = 4
"""Bytes by which a beginning is found quickly."""


class Matcher:
    """Patterns, each with what takes its place. At one place the longest wins, of overlapping ones the first."""

    def __init__(self, replacements: Mapping[bytes, bytes]) -> None:
        """No pattern is shorter than `HEAD`."""
        self._patterns = sorted(replacements)
        self._replacements = [replacements[pattern] for pattern in self._patterns]
        self._longest = max(map(len, self._patterns))
        self._automaton = ahocorasick_rs.BytesAhoCorasick(
            self._patterns, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
        )
        self._heads = ahocorasick_rs.BytesAhoCorasick(sorted({pattern[:HEAD] for pattern in self._patterns}))

    def replaced(self, data: bytes, *, final: bool, shown: int = 0) -> tuple[bytes, bytes]:
        """`data` with what was found replaced, and what of its end has to wait for more; nothing with `final`.
        Its first `shown` bytes have left already: they are looked at, and do not leave again."""
        matches = self._automaton.find_matches_as_indexes(data)
        holds: Sequence[int] = () if final else self._open_ends(data)
        if not matches and not holds:
            return data[shown:], b""
        pieces: list[bytes] = []
        at = next_hold = 0
        for number, start, end in matches:
            while next_hold < len(holds) and holds[next_hold] < at:
                next_hold += 1
            if next_hold < len(holds) and holds[next_hold] <= start:
                break
            pieces += (data[max(at, shown) : start], self._replacements[number])
            at = end
        keep = next((hold for hold in holds[next_hold:] if hold >= at), len(data))
        pieces.append(data[max(at, shown) : keep])
        return b"".join(pieces), data[keep:]

    def _open_ends(self, data: bytes) -> Sequence[int]:
        """Where a proper beginning of a pattern goes on to the end of `data`, in order."""
        start = max(0, len(data) - self._longest + 1)
        tail = data[start:]
        candidates = [first for _, first, _ in self._heads.find_matches_as_indexes(tail, overlapping=True)]
        candidates += range(max(0, len(tail) - HEAD + 1), len(tail))
        return [start + first for first in sorted(set(candidates)) if self._begins(tail[first:])]

    def _begins(self, beginning: bytes) -> bool:
        """Whether a pattern longer than `beginning` starts with it."""
        at = bisect_left(self._patterns, beginning)
        for pattern in self._patterns[at : at + 2]:
            if len(pattern) > len(beginning) and pattern.startswith(beginning):
                return True
        return False
