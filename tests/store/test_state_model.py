"""The state against a dictionary: whatever is done, in whatever order, also after closing and opening it again."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from stigmer_backend.store import Conflict, SlugTaken, StateRead, StateWrite, Store, UnknownRecord
from stigmer_backend.store.persistent_classes import NameTree
from tests.support.scale import scaled

pytestmark = pytest.mark.timeout(scaled(300, 7200))

KINDS = ["agent", "run"]
IDS = [f"id-{number}" for number in range(8)]
SLUGS = ["", "red", "green", "blue"]
PARENTS = ["org-1", "org-2", "ses-1"]

kinds, ids, slugs = st.sampled_from(KINDS), st.sampled_from(IDS), st.sampled_from(SLUGS)
parents = st.lists(st.sampled_from(PARENTS), unique=True, max_size=3)
versions = st.one_of(st.none(), st.integers(0, 4))
texts = st.binary(max_size=40)


@dataclass
class Modelled:
    """What the dictionary knows of a record."""

    data: bytes
    version: int
    created_ns: int
    slug: str
    parents: list[str]
    summary: bytes


class StateMachine(RuleBasedStateMachine):
    """Does the same to a store and to a dictionary, and compares everything after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="stg-model-"))
        self.runner = asyncio.Runner()
        self.records: dict[tuple[str, str], Modelled] = {}
        self.store: Store | None = None

    @initialize()
    def open(self) -> None:
        self.store = self.runner.run(Store.open(self.directory))

    @rule(
        kind=kinds,
        record=ids,
        slug=slugs,
        parents=parents,
        expected=versions,
        data=texts,
        summary=texts,
        created=st.integers(0, 5),
    )
    def put(
        self,
        kind: str,
        record: str,
        slug: str,
        parents: list[str],
        expected: int | None,
        data: bytes,
        summary: bytes,
        created: int,
    ) -> None:
        known = self.records.get((kind, record))
        version = known.version if known else 0
        taken = slug and any(other.slug == slug for (k, i), other in self.records.items() if k == kind and i != record)

        def change(state: StateWrite) -> int:
            return state.put(
                kind,
                record,
                data,
                slug=slug,
                created_ns=created,
                parents=parents,
                summary=summary,
                expected_version=expected,
            )

        try:
            assert self.write(change) == version + 1
        except Conflict:
            assert expected is not None
            assert expected != version
            return
        except SlugTaken:
            assert taken
            return
        assert not taken
        assert expected in (None, version)
        at = known.created_ns if known else created
        self.records[kind, record] = Modelled(data, version + 1, at, slug, parents, summary)

    @rule(kind=kinds, record=ids, summary=texts)
    def set_summary(self, kind: str, record: str, summary: bytes) -> None:
        try:
            self.write(lambda state: state.set_summary(kind, record, summary))
        except UnknownRecord:
            assert (kind, record) not in self.records
            return
        self.records[kind, record].summary = summary

    @rule(kind=kinds, record=ids)
    def delete(self, kind: str, record: str) -> None:
        try:
            self.write(lambda state: state.delete(kind, record))
        except UnknownRecord:
            assert (kind, record) not in self.records
            return
        del self.records[kind, record]

    @rule()
    def reopen(self) -> None:
        self.close()
        self.open()

    @invariant()
    def everything_is_equal(self) -> None:
        if self.store is not None:
            self.runner.run(self.store.read_state(self.compare))

    def compare(self, state: StateRead) -> None:
        for kind in KINDS:
            for record in IDS:
                known, found = self.records.get((kind, record)), state.get(kind, record)
                assert (known is None) == (found is None)
                if known is not None and found is not None:
                    assert (found.data, found.version, found.created_ns) == (
                        known.data,
                        known.version,
                        known.created_ns,
                    )
                    assert (found.slug, list(found.parents)) == (known.slug, known.parents)
            for slug in SLUGS[1:]:
                holders = [i for (k, i), known in self.records.items() if k == kind and known.slug == slug]
                assert [state.by_slug(kind, slug)] == (holders or [None])
            for parent in ["", *PARENTS]:
                self.compare_list(state, kind, parent)

    def compare_list(self, state: StateRead, kind: str, parent: str) -> None:
        rows = [
            (-known.created_ns, i, known.summary)
            for (k, i), known in self.records.items()
            if k == kind and (not parent or parent in known.parents)
        ]
        expected = [(i, summary) for _, i, summary in sorted(rows)]
        assert [(found.id, found.summary) for found in state.page(kind, parent, limit=100)] == expected
        backwards = state.page(kind, parent, limit=100, newest_first=False)
        assert [(found.id, found.summary) for found in backwards] == expected[::-1]
        assert state.count(kind, parent) == len(expected)

    def write(self, change: Callable[[StateWrite], object]) -> object:
        assert self.store is not None
        return self.runner.run(self.store.write(change))

    def close(self) -> None:
        if self.store is not None:
            self.runner.run(self.store.write(check_trees))
            self.runner.run(self.store.close())
            self.store = None

    def teardown(self) -> None:
        self.close()
        self.runner.close()
        shutil.rmtree(self.directory)


def check_trees(state: StateRead) -> None:
    """Every tree is in order, and finds each of its keys."""
    for tree in state.trees():
        if isinstance(tree, NameTree):
            names = list(tree)
            assert names == sorted(names)
            assert all(name in tree for name in names)
        else:
            keys = list(tree)
            assert keys == sorted(keys)
            assert all(key in tree for key in keys)


TestState = StateMachine.TestCase
TestState.settings = settings(
    max_examples=scaled(25, 1000),
    stateful_step_count=scaled(25, 60),
    deadline=None,
)
