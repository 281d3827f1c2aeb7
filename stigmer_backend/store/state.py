"""The state: records, their names, and the lists that show them. `state.fs` through one connection.

    root
    ├── records  NameTree: kind -> NameTree: id -> Cell (`record_format.py`)
    ├── slugs    NameTree: kind -> NameTree: slug -> id
    ├── lists    NameTree: "<kind>\\0<parent>" -> ListTree: row key -> summary
    ├── counts   NameTree: "<kind>\\0<parent>" -> Length
    ├── ranks    NameTree: "<kind>\\0<parent>" -> RankTree, of long lists (`ranks.py`)
    ├── meta     NameTree: key -> Cell
    └── births   NameTree: execution -> Cell: first events that the journal may not have yet

Each record stands in the list of its kind (parent "") and in that of each of its parents. A parent is a name and nothing more: another
record's id, or whatever else somebody wants a list of.
"""

import sys
from collections.abc import Callable, Sequence
from itertools import islice
from typing import cast

from BTrees.Length import Length

from stigmer_backend.store.common_rows import count_common, next_common_place
from stigmer_backend.store.database import Session
from stigmer_backend.store.errors import Conflict, SlugTaken, StoreDamaged, UnknownRecord
from stigmer_backend.store.model import NEWEST, Changed, Record, Row, Span
from stigmer_backend.store.persistent_classes import Cell, ListTree, NameTree
from stigmer_backend.store.ranks import RANKED_FROM, note_added, note_taken, rank_of, rank_rows
from stigmer_backend.store.record_format import (
    check_name,
    decode_record,
    encode_record,
    record_data,
    row_id,
    row_key,
)
from stigmer_backend.store.row_pages import EVER, page_behind, page_further
from stigmer_backend.store.state_trees import TREES, StateTrees, list_name
from stigmer_backend.store.structure import STRUCTURE, set_structure


def prepare_state(session: Session) -> None:
    """Make the empty structure. Inside a transaction that the caller commits."""
    for name in TREES:
        session.root[name] = NameTree()
    set_structure(session, STRUCTURE)


def state_is_prepared(session: Session) -> bool:
    """Whether the structure is there."""
    return "records" in session.root


class StateRead(StateTrees):
    """The state as of one moment."""

    def get(self, kind: str, record_id: str) -> Record | None:
        """The record, or None."""
        cell = self._cell(kind, record_id)
        return None if cell is None else decode_record(cell.data)

    def data(self, kind: str, record_id: str) -> bytes | None:
        """The record's data, or None. Costs less than the whole of it."""
        cell = self._cell(kind, record_id)
        return None if cell is None else record_data(cell.data)

    def by_slug(self, kind: str, slug: str) -> str | None:
        """Id of the record of this kind with this slug, or None."""
        slugs = self._branch("slugs", kind)
        return None if slugs is None else cast("str | None", slugs.get(slug))

    def names(self, kind: str, after: str = "", limit: int = 50) -> list[tuple[str, str]]:
        """Up to `limit` slugs of `kind` behind `after`, in their order, each with the id of its record."""
        slugs = self._branch("slugs", kind)
        if slugs is None:
            return []
        return [(slug, cast(str, found)) for slug, found in islice(slugs.items(after, excludemin=True), limit)]

    def page(
        self,
        kind: str,
        parent: str = "",
        after: bytes | None = None,
        limit: int = 50,
        newest_first: bool = True,
        *,
        skip: int = 0,
        span: Span = EVER,
    ) -> list[Row]:
        """Up to `limit` rows of the list of `kind` below `parent` that are of the time `span`.

        They begin behind the row whose key is `after`, which need not exist any more, and behind `skip` more, which costs the same
        however many those are.
        """
        rows = self._list(kind, parent)
        if rows is None:
            return []
        if skip:
            return page_further(rows, self._ranks(list_name(kind, parent)), after, skip, limit, newest_first, span)
        return page_behind(rows, after, limit, newest_first, span)

    def count(self, kind: str, parent: str = "", span: Span = EVER) -> int:
        """How many rows of the time `span` the list has."""
        name = list_name(kind, parent)
        length = self._tree("counts").get(name)
        if length is None:
            return 0
        if span is EVER:
            return cast(Length, length)()
        rows, ranks = cast(ListTree, self._tree("lists")[name]), self._ranks(name)
        return max(0, rank_of(ranks, rows, span.end) - rank_of(ranks, rows, span.first))

    def has_row(self, kind: str, parent: str, key: bytes) -> bool:
        """Whether the list has the row with this key, which is the same in every list that a record stands in."""
        rows = self._list(kind, parent)
        return rows is not None and key in rows

    def held_by(self, kind: str, parent: str) -> Callable[[bytes], bool]:
        """What tells whether the list has the row with a key: for many keys. Not to be kept beyond the query."""
        rows = self._list(kind, parent)
        return _nothing if rows is None else rows.__contains__

    def count_common(
        self, kind: str, parents: Sequence[str], after: bytes | None, limit: int, newest_first: bool, span: Span = EVER
    ) -> tuple[int, bool]:
        """How many rows behind `after` stand in all of these lists, and whether that is all of them.

        At most `limit` rows of the first list are looked at: give the shortest first.
        """
        lists = self._lists(kind, parents)
        return (0, True) if lists is None else count_common(lists, after, limit, newest_first, span)

    def next_common_place(self, kind: str, parents: Sequence[str], after: bytes, newest_first: bool) -> bytes | None:
        """Where to go on behind `after` so that no row which stands in all of these lists is passed over; None where no more does."""
        lists = self._lists(kind, parents)
        return None if lists is None else next_common_place(lists, after, newest_first)

    def summary(self, kind: str, record_id: str) -> bytes | None:
        """What lists show of a record, or None where there is none."""
        cell, rows = self._cell(kind, record_id), self._list(kind, "")
        if cell is None or rows is None:
            return None
        return rows.get(row_key(decode_record(cell.data).created_ns, record_id))

    def has(self, kind: str, record_id: str) -> bool:
        """Whether there is such a record, damaged or not."""
        return self._cell(kind, record_id) is not None

    def row(self, kind: str, record_id: str) -> Row | None:
        """The row of a record in the list of its kind, also where the record itself is damaged: it looks at row after row."""
        rows = self._list(kind, "")
        found = None if rows is None else next((item for item in rows.items() if row_id(item[0]) == record_id), None)
        return None if found is None else Row(*found)

    def children(self, kind: str, parent: str) -> list[str]:
        """Ids of all records of `kind` below `parent`, newest first."""
        rows = self._list(kind, parent)
        return [] if rows is None else [row_id(key) for key in rows]

    def lists(self, kind: str, prefix: str, limit: int) -> list[str]:
        """Parents below which records of `kind` stand and whose names begin with `prefix`: up to `limit`, in their order."""
        first = list_name(kind, prefix)
        names = self._tree("lists").keys(first, first + chr(0x10FFFF))
        return [name[len(kind) + 1 :] for name in islice(names, limit)]

    def newest_ns(self) -> int:
        """When the newest record of all kinds was made, in nanoseconds since 1970; 0 where there is none.

        A clock may be behind it: what is made next has to be later nevertheless, or it would be listed below what was made before.
        """
        keys = [rows.minKey() for kind in self._tree("records") if (rows := self._list(kind, "")) is not None and rows]
        return NEWEST - int.from_bytes(min(keys)[:8]) if keys else 0

    def get_meta(self, key: str) -> bytes | None:
        """What `put_meta` stored under `key`, or None."""
        cell = self._tree("meta").get(key)
        return None if cell is None else cast(Cell, cell).data


class StateWrite(StateRead):
    """The state inside the writer's transaction. Reads see what the change has written so far."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.touched = False
        """Whether anything was written since this was last set to False."""
        self.changed: dict[Changed, None] = {}
        """Which records were written or deleted."""

    def put(
        self,
        kind: str,
        record_id: str,
        data: bytes,
        *,
        slug: str = "",
        created_ns: int,
        parents: Sequence[str] = (),
        summary: bytes,
        expected_version: int | None = None,
    ) -> int:
        """Store a record and its rows, and return its version.

        `expected_version` is the version that the change was made from, 0 for "is new", None for "whatever is there".
        `created_ns` counts for a new record; a stored one keeps its own. Raises `Conflict` and `SlugTaken`, before anything
        is written, and `ValueError` for a name that cannot be a key.
        """
        for name in (kind, record_id, slug, *parents):
            check_name("name", name)
        if not record_id:
            raise ValueError(f"a {kind} needs an id")
        cell = self._cell(kind, record_id)
        known = None if cell is None else decode_record(cell.data)
        found = 0 if known is None else known.version
        if expected_version is not None and expected_version != found:
            raise Conflict(kind, record_id, expected_version, found)
        holder = self.by_slug(kind, slug) if slug else None
        if holder is not None and holder != record_id:
            raise SlugTaken(kind, slug, holder)
        created = created_ns if known is None else known.created_ns
        key = row_key(created, record_id)
        stored = encode_record(found + 1, created, slug, parents, data)
        self._note(kind, record_id)
        if cell is None:
            self._grown("records", kind)[record_id] = Cell(stored)
        else:
            cell.data = stored
        self._name(kind, record_id, "" if known is None else known.slug, slug)
        before = () if known is None else ("", *known.parents)
        self._show(kind, key, before, ("", *parents), summary)
        return found + 1

    def set_summary(self, kind: str, record_id: str, summary: bytes) -> None:
        """Change what lists show of a record, and not the record. Raises `UnknownRecord`."""
        known = self.get(kind, record_id)
        if known is None:
            raise UnknownRecord(kind, record_id)
        self._note(kind, record_id)
        places = ("", *known.parents)
        self._show(kind, row_key(known.created_ns, record_id), places, places, summary)

    def delete(self, kind: str, record_id: str) -> None:
        """Remove a record with its rows and its slug. Raises `UnknownRecord`.

        Of one that is damaged, rows and slug are looked for in all lists of its kind.
        """
        try:
            known = self.get(kind, record_id)
        except StoreDamaged:
            self._delete_unread(kind, record_id)
            return
        if known is None:
            raise UnknownRecord(kind, record_id)
        self._note(kind, record_id)
        del self._grown("records", kind)[record_id]
        self._name(kind, record_id, known.slug, "")
        self._show(kind, row_key(known.created_ns, record_id), ("", *known.parents), (), b"")

    def relist(self, kind: str, record_id: str, parents: Sequence[str], summary: bytes) -> None:
        """Give a record other parents and another summary; the rest, its version included, stays. Raises `UnknownRecord`."""
        for name in parents:
            check_name("name", name)
        known = self.get(kind, record_id)
        if known is None:
            raise UnknownRecord(kind, record_id)
        self._note(kind, record_id)
        stored = encode_record(known.version, known.created_ns, known.slug, parents, known.data)
        cast(Cell, self._cell(kind, record_id)).data = stored
        self._show(kind, row_key(known.created_ns, record_id), ("", *known.parents), ("", *parents), summary)

    def put_meta(self, key: str, value: bytes) -> None:
        """Store `value` under `key`, apart from all records."""
        self.touched = True
        meta = self._tree("meta")
        cell = meta.get(key)
        if cell is None:
            meta[key] = Cell(value)
        else:
            cast(Cell, cell).data = value

    def _note(self, kind: str, record_id: str) -> None:
        self.touched = True
        self.changed[Changed(kind, record_id)] = None

    def _delete_unread(self, kind: str, record_id: str) -> None:
        """Remove a record that cannot be read any more."""
        self._note(kind, record_id)
        del self._grown("records", kind)[record_id]
        slugs = self._branch("slugs", kind)
        if slugs is not None:
            for slug in [slug for slug, found in slugs.items() if found == record_id]:
                del slugs[slug]
        row = self.row(kind, record_id)
        if row is not None:
            parents = [parent for parent in self.lists(kind, "", sys.maxsize) if self.has_row(kind, parent, row.key)]
            self._show(kind, row.key, parents, (), b"")

    def _grown(self, name: str, kind: str) -> NameTree:
        """The branch of `kind`, made if it is not there."""
        branch = self._branch(name, kind)
        if branch is None:
            branch = NameTree()
            self._tree(name)[kind] = branch
        return branch

    def _name(self, kind: str, record_id: str, before: str, after: str) -> None:
        if before == after:
            return
        slugs = self._grown("slugs", kind)
        if before:
            del slugs[before]
        if after:
            slugs[after] = record_id

    def _show(self, kind: str, key: bytes, before: Sequence[str], after: Sequence[str], summary: bytes) -> None:
        """Take the row out of the lists of `before` that are not in `after`, and put it into those of `after`."""
        for parent in dict.fromkeys(before):
            if parent not in after:
                self._take_row(kind, parent, key)
        for parent in dict.fromkeys(after):
            self._put_row(kind, parent, key, summary)

    def _put_row(self, kind: str, parent: str, key: bytes, summary: bytes) -> None:
        name = list_name(kind, parent)
        rows = self._list(kind, parent)
        if rows is None:
            rows = ListTree()
            self._tree("lists")[name] = rows
            self._tree("counts")[name] = Length()
        shown = rows.get(key)
        if shown != summary:
            rows[key] = summary
        if shown is None:
            length = cast(Length, self._tree("counts")[name])
            length.change(1)
            ranks = self._ranks(name)
            if ranks is not None:
                note_added(ranks, rows, key)
            elif length() >= RANKED_FROM:
                self._tree("ranks")[name] = rank_rows(rows)

    def _take_row(self, kind: str, parent: str, key: bytes) -> None:
        name = list_name(kind, parent)
        rows = cast(ListTree, self._tree("lists")[name])
        del rows[key]
        length = cast(Length, self._tree("counts")[name])
        length.change(-1)
        ranks = self._ranks(name)
        if ranks is not None:
            note_taken(ranks, key)
        if length() == 0:
            for tree in ("lists", "counts", "ranks"):
                self._forget(tree, name)


def _nothing(key: bytes) -> bool:
    return False
