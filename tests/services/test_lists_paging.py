"""Pages of any selection of rows against a plain filter over all of them, in every order, while rows come and go."""

import random
from dataclasses import dataclass
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import given, settings

from stigmer_backend.resources.listing import Found, Matches, Selection, Source, Turn, by_name, by_time
from stigmer_backend.store import Row, Span, StateRead, StateWrite, Store
from tests.support.scale import scaled

TABLE = "thing"
LISTS = ["a", "b", "c", "rare", "early", "late"]
PHASES = ["one", "two", "live"]
ROWS = 300


@dataclass(frozen=True)
class Thing:
    number: int
    lists: frozenset[str]
    phase: str
    name: str

    @property
    def created_ns(self) -> int:
        return 1_000 + self.number * 10


def things(seed: int) -> list[Thing]:
    chance = random.Random(seed)
    shares = {"a": 0.6, "b": 0.3, "c": 0.3, "rare": 0.01}
    return [
        Thing(
            number,
            frozenset(name for name, share in shares.items() if chance.random() < share) | stretches(number),
            chance.choice(PHASES),
            f"{chance.choice('xyz')}-{number:04}",
        )
        for number in range(ROWS)
    ]


def stretches(number: int) -> set[str]:
    """Lists whose rows stand together, but for a few."""
    early, late = number < 110 or number == 290, number > 190 or number in (3, 104)
    return {name for name, holds in (("early", early), ("late", late)) if holds}


def store_things(state: StateWrite, some: list[Thing]) -> None:
    for thing in some:
        state.put(
            TABLE,
            f"id-{thing.number:04}",
            b"",
            slug=thing.name,
            created_ns=thing.created_ns,
            parents=[*sorted(thing.lists), thing.phase],
            summary=thing.name.encode(),
        )


def number_of(row: Row) -> int:
    return int(row.id[3:])


def even(state: StateRead, row: Row) -> bool:
    return number_of(row) % 2 == 0


def third(state: StateRead, row: Row) -> bool:
    return number_of(row) % 3 == 0


def name_of(state: StateRead, row: Row) -> str:
    record = state.get(TABLE, row.id)
    return "" if record is None else record.slug


@dataclass(frozen=True)
class Asked:
    lists: list[str]
    phases: list[str] | None
    first: int
    end: int
    look: bool
    order: str
    size: int
    skip: int

    def selection(self, budget: int = 100_000) -> Selection:
        sources = None
        if self.phases is not None:
            sources = tuple(Source(name, third if name == "live" else None) for name in self.phases)
        matches: Matches | None = even if self.look else None
        span = Span(1_000 + self.first * 10, 1_000 + self.end * 10)
        return Selection(TABLE, tuple(self.lists), sources, span, matches, budget)

    def wanted(self, some: list[Thing]) -> list[int]:
        found = [
            thing
            for thing in some
            if set(self.lists) <= thing.lists
            and (self.phases is None or thing.phase in self.phases)
            and (self.phases is None or thing.phase != "live" or thing.number % 3 == 0)
            and self.first <= thing.number < self.end
            and (not self.look or thing.number % 2 == 0)
        ]
        if self.order == "name":
            found.sort(key=lambda thing: thing.name)
        else:
            found.sort(key=lambda thing: thing.created_ns, reverse=self.order == "newest")
        return [thing.number for thing in found]

    def page(self, state: StateRead, turn: Turn, budget: int = 100_000) -> Found:
        chosen = self.selection(budget)
        if self.order == "name":
            return by_name(state, chosen, turn, name_of)
        return by_time(state, chosen, turn, newest_first=self.order == "newest")


asked = st.builds(
    Asked,
    lists=st.lists(st.sampled_from(LISTS), unique=True, max_size=3),
    phases=st.one_of(st.none(), st.lists(st.sampled_from(PHASES), unique=True, max_size=3)),
    first=st.sampled_from([0, 0, 0, 40, 299]),
    end=st.sampled_from([ROWS, ROWS, 200, 41]),
    look=st.booleans(),
    order=st.sampled_from(["newest", "oldest", "name"]),
    size=st.sampled_from([1, 7, 50, 400]),
    skip=st.sampled_from([0, 0, 1, 30, 500]),
)


async def stored(path: Path, some: list[Thing]) -> Store:
    store = await Store.open_at("memory:", path)
    await store.write(lambda state: store_things(state, some))
    return store


@settings(max_examples=scaled(60, 4_000), deadline=None)
@given(question=asked)
async def test_all_pages_together_are_the_selection(question: Asked) -> None:
    some = things(3)
    store = await stored(Path("unused"), some)
    try:

        def compare(state: StateRead) -> None:
            wanted = question.wanted(some)
            found: list[int] = []
            turn = Turn(None, 0, question.size, question.skip)
            while True:
                page = question.page(state, turn)
                assert (page.total, page.is_lower_bound) == (len(wanted), False)
                assert page.before == min(question.skip, len(wanted)) + len(found)
                found += [number_of(row) for row in page.rows]
                if page.next_place is None:
                    break
                assert len(page.rows) == question.size
                turn = Turn(page.next_place, page.behind, question.size)
            assert found == wanted[question.skip :]

        await store.read_state(compare)
    finally:
        await store.close()


@settings(max_examples=scaled(30, 2_000), deadline=None)
@given(question=asked, budget=st.sampled_from([1, 5, 60]))
async def test_with_a_small_budget_pages_are_short_and_totals_are_lower_bounds(question: Asked, budget: int) -> None:
    some = things(5)
    store = await stored(Path("unused"), some)
    try:

        def compare(state: StateRead) -> None:
            wanted = question.wanted(some)
            found: list[int] = []
            turn = Turn(None, 0, question.size)
            for _ in range(2 * ROWS + 2):
                page = question.page(state, turn, budget)
                found += [number_of(row) for row in page.rows]
                assert page.total == len(wanted) if not page.is_lower_bound else page.total <= len(wanted)
                assert page.total >= len(found)
                if page.next_place is None:
                    break
                turn = Turn(page.next_place, page.behind, question.size)
            assert found == wanted

        await store.read_state(compare)
    finally:
        await store.close()


@settings(max_examples=scaled(20, 1_000), deadline=None)
@given(question=asked, seed=st.integers(0, 99))
async def test_pages_go_on_right_while_rows_come_and_go(question: Asked, seed: int) -> None:
    """What was there all the time is given once; what comes or goes is given once at most."""
    chance = random.Random(seed)
    some = things(seed)
    first, later = some[: ROWS // 2], some[ROWS // 2 :]
    store = await stored(Path("unused"), first)
    try:
        here, stayed, given_rows = list(first), {thing.number for thing in first}, list[int]()
        turn = Turn(None, 0, question.size)
        while True:
            page = await store.read_state(lambda state, turn=turn: question.page(state, turn))
            given_rows += [number_of(row) for row in page.rows]
            if page.next_place is None:
                break
            turn = Turn(page.next_place, page.behind, question.size)
            coming = [later.pop(0) for _ in range(min(3, len(later)))]
            going = [here.pop(chance.randrange(len(here))) for _ in range(min(3, len(here)))]
            stayed -= {thing.number for thing in going}
            here += coming

            def change(state: StateWrite, coming: list[Thing] = coming, going: list[Thing] = going) -> None:
                store_things(state, coming)
                for thing in going:
                    state.delete(TABLE, f"id-{thing.number:04}")

            await store.write(change)
        assert len(given_rows) == len(set(given_rows))
        order = question.wanted(some)
        assert given_rows == [number for number in order if number in set(given_rows)]
        assert {number for number in order if number in stayed} <= set(given_rows)
    finally:
        await store.close()


async def test_stretches_without_a_common_row_are_leapt_over() -> None:
    """A page of two long lists that have little in common looks at little, from both ends."""
    count, common = 6_000, [1, 2_990, 5_998]

    def fill(state: StateWrite) -> None:
        for number in range(count):
            lists = {"low" if number < count // 2 else "high", *(("low", "high") if number in common else ())}
            state.put(TABLE, f"id-{number:04}", b"", created_ns=number, parents=sorted(lists), summary=b"")

    store = await Store.open_at("memory:", Path("unused"))
    try:
        await store.write(fill)
        chosen = Selection(TABLE, ("low", "high"), budget=1_500)
        for newest_first, wanted in ((True, common[::-1]), (False, common)):
            page = await store.read_state(
                lambda state, newest_first=newest_first: by_time(
                    state, chosen, Turn(None, 0, 50), newest_first=newest_first
                )
            )
            assert [number_of(row) for row in page.rows] == wanted
            assert (page.total, page.is_lower_bound, page.next_place) == (3, False, None)
    finally:
        await store.close()
