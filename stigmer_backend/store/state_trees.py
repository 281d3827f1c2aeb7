"""The trees of `state.fs`, looked up once in each look at it: `state.py` says what stands in which.

A tree may have branches, a tree for each kind of record or each list.
"""

from collections.abc import Iterator, Sequence
from typing import cast

from stigmer_backend.store.database import Session
from stigmer_backend.store.persistent_classes import Cell, ListTree, NameTree, RankTree

TREES = ("records", "slugs", "lists", "counts", "ranks", "meta", "births")


class StateTrees:
    """The trees through one connection, as of one moment."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._trees: dict[str, NameTree] = {}
        self._branches: dict[tuple[str, str], NameTree | ListTree | RankTree] = {}

    def trees(self) -> Iterator[NameTree | ListTree | RankTree]:
        """Every tree, for a check of the whole: it loads everything that there is."""
        for name in TREES:
            tree = self._tree(name)
            yield tree
            yield from (branch for branch in tree.values() if isinstance(branch, NameTree | ListTree | RankTree))

    def _tree(self, name: str) -> NameTree:
        tree = self._trees.get(name)
        if tree is None:
            tree = self._trees[name] = cast(NameTree, self._session.root[name])
        return tree

    def _branch(self, name: str, kind: str) -> NameTree | None:
        return cast("NameTree | None", self._known(name, kind))

    def _list(self, kind: str, parent: str) -> ListTree | None:
        return cast("ListTree | None", self._known("lists", list_name(kind, parent)))

    def _lists(self, kind: str, parents: Sequence[str]) -> list[ListTree] | None:
        """All of these lists; None where one of them has no rows."""
        found = [self._list(kind, parent) for parent in parents]
        return None if None in found else [rows for rows in found if rows is not None]

    def _ranks(self, name: str) -> RankTree | None:
        return cast("RankTree | None", self._known("ranks", name))

    def _known(self, name: str, branch: str) -> NameTree | ListTree | RankTree | None:
        """A branch of a tree, looked up once: neither goes away while it is in use here, but where `_forget` says so."""
        found = self._branches.get((name, branch))
        if found is None:
            looked = self._tree(name).get(branch)
            if looked is None:
                return None
            found = self._branches[name, branch] = cast("NameTree | ListTree | RankTree", looked)
        return found

    def _forget(self, name: str, branch: str) -> None:
        self._tree(name).pop(branch, None)
        self._branches.pop((name, branch), None)

    def _cell(self, kind: str, record_id: str) -> Cell | None:
        records = self._branch("records", kind)
        return None if records is None else cast("Cell | None", records.get(record_id))


def list_name(kind: str, parent: str) -> str:
    """Of the list of `kind` below `parent`."""
    return f"{kind}\0{parent}"
