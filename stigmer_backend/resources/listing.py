"""Pages of any list of the store, by what its rows must have. Read on a reader's thread; knows rows, not what they stand for.

What is asked is a set of lists that a row has to be in: the shortest is read, the others are asked whether they have the row's key, and stretches
in which one of them has nothing are leapt over. Only what no list knows (`matches`) takes a look at the row itself, and then at a number of rows
that has a bound.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from stigmer_backend.store import EVER, Row, Span, StateRead, StoreDamaged, row_key

CHUNK_ROWS = 256
FIRST_CHUNK_ROWS = 64
COUNTED_ROWS = 1_000
"""Rows that are looked at for the total alone, when the page is full: what keeps a page of a long selection as cheap as one of a short one."""
SORTED_ROWS = 10_000
"""A selection of at most so many rows is sorted by name; a larger one is found along the names."""


Matches = Callable[[StateRead, Row], bool]


@dataclass(frozen=True, slots=True)
class Source:
    """A list, and what its rows must be like beyond standing in it."""

    parent: str
    accepts: Matches | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows."""

    table: str
    all_of: tuple[str, ...] = ()
    """Lists that each row has to be in."""
    any_of: tuple[Source, ...] | None = None
    """Lists of which it has to be in one; no row is in two of them. None: whichever; empty: there is no such row."""
    span: Span = EVER
    matches: Matches | None = None
    """What else it must be like."""
    budget: int = 100_000
    """Rows that may be looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of rows."""

    rows: list[Row]
    places: list[bytes]
    """Where each of them stands in the order: what a token holds that goes on behind it."""
    total: int
    is_lower_bound: bool
    next_place: bytes | None
    """Where the next page begins; None where this was the last."""
    before: int
    """Rows of the selection before the first of the page."""

    @property
    def behind(self) -> int:
        """Rows of the selection before the next page."""
        return self.before + len(self.rows)


@dataclass(frozen=True, slots=True)
class Turn:
    """From where, how many."""

    place: bytes | None
    """Where the last page ended, None at the beginning."""
    passed: int
    """Rows of the selection up to there."""
    size: int
    skip: int = 0


def by_time(state: StateRead, chosen: Selection, turn: Turn, *, newest_first: bool) -> Found:
    """A page in the order of creation."""
    total = exact_total(state, chosen)
    single = _single_list(chosen)
    if single is not None and total is not None:
        size = turn.size
        rows = state.page(chosen.table, single, turn.place, size + 1, newest_first, skip=turn.skip, span=chosen.span)
        more = len(rows) > size
        del rows[size:]
        places = [row.key for row in rows]
        before = turn.passed + min(turn.skip, max(0, total - turn.passed))
        return Found(rows, places, total, False, places[-1] if more else None, before)
    found = ((row.key, row) for row in _candidates(state, chosen, turn.place, newest_first))
    if chosen.matches is None:
        page = _walk(state, chosen, turn, found, total, counting=False)
        return _counted(state, chosen, page, newest_first) if page.is_lower_bound else page
    return _walk(state, chosen, turn, found, total)


def by_name(state: StateRead, chosen: Selection, turn: Turn, name_of: Callable[[StateRead, Row], str]) -> Found:
    """A page in the order of names, a to z."""
    total = exact_total(state, chosen)
    after = "" if turn.place is None else turn.place.decode("utf-8", "surrogateescape")
    reach = _reach(state, chosen)
    if chosen.matches is None and reach <= SORTED_ROWS and not _is_whole(chosen):
        fits = _fitting(state, chosen)
        named = sorted((name_of(state, row), row) for row in _candidates(state, chosen, None, True) if fits(row))
        behind = [(name, row) for name, row in named if name > after]
        chunk = behind[turn.skip : turn.skip + turn.size]
        places = [name.encode("utf-8", "surrogateescape") for name, _ in chunk]
        more = len(behind) > turn.skip + turn.size
        before = len(named) - len(behind) + min(turn.skip, len(behind))
        return Found([row for _, row in chunk], places, len(named), False, places[-1] if more else None, before)
    return _walk(state, chosen, turn, _along_names(state, chosen, after), total)


def newest_of(state: StateRead, chosen: Selection, limit: int) -> tuple[list[Row], bool]:
    """The newest rows of a selection, of at most `limit` that are looked at, and whether those are all there are."""
    fits = _fitting(state, chosen)
    rows: list[Row] = []
    for looked, row in enumerate(_candidates(state, chosen, None, True)):
        if looked == limit:
            return rows, False
        if fits(row):
            rows.append(row)
    return rows, True


def exact_total(state: StateRead, chosen: Selection) -> int | None:
    """How many rows there are, where the indexes know it; else None."""
    if chosen.any_of == ():
        return 0
    if any(not state.count(chosen.table, parent) for parent in chosen.all_of):
        return 0
    single = _single_list(chosen)
    if single is not None:
        return state.count(chosen.table, single, chosen.span)
    if chosen.matches is None and not chosen.all_of and chosen.any_of is not None:
        return sum(_count(state, chosen, source) for source in chosen.any_of)
    return None


def _count(state: StateRead, chosen: Selection, source: Source) -> int:
    if source.accepts is None:
        return state.count(chosen.table, source.parent, chosen.span)
    rows = _list(state, chosen, source.parent, None, True)
    return sum(1 for row in rows if source.accepts(state, row))


def _single_list(chosen: Selection) -> str | None:
    """The one list that is the selection, if one is."""
    if chosen.matches is not None:
        return None
    match chosen.all_of, chosen.any_of:
        case (), None:
            return ""
        case (parent,), None:
            return parent
        case (), (Source(parent, None),):
            return parent
        case _:
            return None


def _is_whole(chosen: Selection) -> bool:
    return _single_list(chosen) == "" and chosen.span == EVER


def _reach(state: StateRead, chosen: Selection) -> int:
    """How many rows there are at most."""
    counts = [state.count(chosen.table, parent, chosen.span) for parent in chosen.all_of or ("",)]
    if chosen.any_of is not None:
        counts.append(sum(state.count(chosen.table, source.parent, chosen.span) for source in chosen.any_of))
    return min(counts)


def _walk(
    state: StateRead,
    chosen: Selection,
    turn: Turn,
    candidates: Iterator[tuple[bytes, Row]],
    total: int | None,
    *,
    counting: bool = True,
) -> Found:
    """A page of the candidates that fit, and, if it is for `counting`, as much of their number as the budget allows."""
    rows: list[Row] = []
    places: list[bytes] = []
    matched, to_skip, place, more, bounded = turn.passed, turn.skip, turn.place, False, False
    if total == 0:
        return Found([], [], 0, False, None, turn.passed)
    fits = _fitting(state, chosen)
    for looked, (at, row) in enumerate(candidates):
        full = len(rows) == turn.size
        if looked >= chosen.budget or (full and looked >= COUNTED_ROWS):
            bounded = True
            break
        if not full:
            place = at
        if not fits(row):
            continue
        matched += 1
        if to_skip:
            to_skip -= 1
        elif not full:
            rows.append(row)
            places.append(at)
        else:
            more = True
            if total is not None or not counting:
                bounded = True
                break
    before = turn.passed + turn.skip - to_skip
    goes_on = more or (bounded and place is not None)
    exact = total is not None or not bounded
    return Found(rows, places, matched if total is None else total, not exact, place if goes_on else None, before)


def _counted(state: StateRead, chosen: Selection, page: Found, newest_first: bool) -> Found:
    """A page of what stands in several lists, with what is known of the rows behind it."""
    more, whole = 0, True
    for source in chosen.any_of if chosen.any_of is not None else (None,):
        if source is not None and source.accepts is not None:
            fits = _fitting(state, replace(chosen, any_of=(source,)))
            more += sum(1 for row in _list(state, chosen, source.parent, page.next_place, newest_first) if fits(row))
            continue
        lists = chosen.all_of if source is None else (*chosen.all_of, source.parent)
        lists = sorted(lists, key=lambda parent: state.count(chosen.table, parent))
        found, all_of_them = state.count_common(
            chosen.table, lists, page.next_place, COUNTED_ROWS, newest_first, chosen.span
        )
        more, whole = more + found, whole and all_of_them
    return replace(page, total=max(page.total, page.behind + more), is_lower_bound=not whole)


def _fitting(state: StateRead, chosen: Selection) -> Callable[[Row], bool]:
    """What tells whether a row is of the selection."""
    has_all = [state.held_by(chosen.table, parent) for parent in chosen.all_of]
    sources = [(state.held_by(chosen.table, source.parent), source.accepts) for source in chosen.any_of or ()]
    any_of, matches = chosen.any_of is not None, chosen.matches

    def fits(row: Row) -> bool:
        key = row.key
        for has in has_all:
            if not has(key):
                return False
        if any_of and not any(has(key) and (accepts is None or accepts(state, row)) for has, accepts in sources):
            return False
        return matches is None or matches(state, row)

    return fits


def _candidates(state: StateRead, chosen: Selection, after: bytes | None, newest_first: bool) -> Iterator[Row]:
    """Rows of the shortest way to the selection, in order. Each has to be asked whether it fits."""
    if chosen.any_of == ():
        return iter(())
    shortest = min(chosen.all_of, key=lambda parent: state.count(chosen.table, parent), default="")
    if chosen.any_of is not None:
        together = sum(state.count(chosen.table, source.parent) for source in chosen.any_of)
        if together < state.count(chosen.table, shortest):
            lists = [_list(state, chosen, source.parent, after, newest_first) for source in chosen.any_of]
            return heapq.merge(*lists, key=_key, reverse=not newest_first)
    return _list(state, chosen, shortest, after, newest_first, leaping=len(chosen.all_of) > 1)


def _list(
    state: StateRead,
    chosen: Selection,
    parent: str,
    after: bytes | None,
    newest_first: bool,
    *,
    leaping: bool = False,
) -> Iterator[Row]:
    """The rows of one list; `leaping` over stretches where another list that they have to be in has none."""
    size = FIRST_CHUNK_ROWS
    while rows := state.page(chosen.table, parent, after, size, newest_first, span=chosen.span):
        yield from rows
        size, after = CHUNK_ROWS, rows[-1].key
        if leaping:
            after = state.next_common_place(chosen.table, chosen.all_of, after, newest_first)
            if after is None:
                return


def _along_names(state: StateRead, chosen: Selection, after: str) -> Iterator[tuple[bytes, Row]]:
    """All rows of the table that are of the time, by name, with that as their summary."""
    first, end = chosen.span.first, chosen.span.end
    whole = _is_whole(chosen)
    while names := state.names(chosen.table, after, CHUNK_ROWS):
        for name, found in names:
            key = _key_of(state, chosen.table, found)
            if key is None:
                continue
            if whole or first <= key < end:
                yield name.encode("utf-8", "surrogateescape"), Row(key, name.encode("utf-8", "surrogateescape"))
        after = names[-1][0]


def _key_of(state: StateRead, table: str, record_id: str) -> bytes | None:
    """The key of a record's rows; None where it is gone. Of one that a damaged disk has lost it is looked for in the list, row by row."""
    try:
        record = state.get(table, record_id)
    except StoreDamaged:
        every = _list(state, Selection(table), "", None, True)
        return next((row.key for row in every if row.id == record_id), None)
    return None if record is None else row_key(record.created_ns, record_id)


def _key(row: Row) -> bytes:
    return row.key
