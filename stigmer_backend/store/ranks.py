"""How many rows stand before a place in a long list, and which row stands at a number, without walking there.

A `RankTree` divides a list into blocks of neighbouring rows: from the first key that a block may hold to the number of its rows.
The first block begins at the empty key. Both questions sum up blocks, then walk inside one. Short lists are walked and have none.
"""

from itertools import islice

from stigmer_backend.store.persistent_classes import ListTree, RankTree
from stigmer_backend.store.record_format import just_below

RANKED_FROM = 2048
"""Rows from which on a list has ranks."""

BLOCK_ROWS = 1024
"""Most rows of a block."""

_FRONT_ROWS = BLOCK_ROWS // 8
"""What the first block keeps when it is divided: rows come in at its front, so the others stay full."""
_SMALL_ROWS = BLOCK_ROWS // 8
"""A block with fewer rows joins the one before it, if that has room."""


def rank_rows(rows: ListTree) -> RankTree:
    """The ranks of a list as it is."""
    ranks = RankTree()
    keys = iter(rows.keys())
    while block := list(islice(keys, BLOCK_ROWS)):
        ranks[block[0] if ranks else b""] = len(block)
    return ranks


def note_added(ranks: RankTree, rows: ListTree, key: bytes) -> None:
    """The row `key` was put into `rows`."""
    start = ranks.maxKey(key)
    count = ranks[start] + 1
    if count <= BLOCK_ROWS:
        ranks[start] = count
        return
    keep = count // 2 if start else _FRONT_ROWS
    ranks[next(islice(rows.keys(start), keep, None))] = count - keep
    ranks[start] = keep


def note_taken(ranks: RankTree, key: bytes) -> None:
    """The row `key` was taken out."""
    start = ranks.maxKey(key)
    count = ranks[start] - 1
    ranks[start] = count
    if start and count < _SMALL_ROWS:
        before = ranks.maxKey(just_below(start))
        if ranks[before] + count <= BLOCK_ROWS * 3 // 4:
            ranks[before] += count
            del ranks[start]


def rank_of(ranks: RankTree | None, rows: ListTree, key: bytes) -> int:
    """How many rows stand before `key`, whether it is there or not."""
    if ranks is None:
        return _between(rows, b"", key)
    start = ranks.maxKey(key)
    return sum(ranks.values(None, start, excludemax=True)) + _between(rows, start, key)


def key_at(ranks: RankTree | None, rows: ListTree, place: int) -> bytes | None:
    """The key of the row before which `place` others stand, None where there are not so many."""
    start, rest = (b"", place) if ranks is None else _block_of(ranks, place)
    return None if start is None else next(islice(rows.keys(start), rest, None), None)


def _block_of(ranks: RankTree, place: int) -> tuple[bytes | None, int]:
    """The block with the row before which `place` others stand, and how many of those are in it."""
    for start, count in ranks.items():
        if place < count:
            return start, place
        place -= count
    return None, 0


def _between(rows: ListTree, start: bytes, end: bytes) -> int:
    return sum(1 for _ in rows.keys(start, end, excludemax=True))
