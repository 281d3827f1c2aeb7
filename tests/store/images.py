"""Copies of a store as a stop leaves them, to be damaged."""

import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from stigmer_backend.store import (
    Append,
    FileLayer,
    Lane,
    Record,
    Row,
    StateRead,
    StateWrite,
    Store,
    StoreOptions,
    UnknownExecution,
)
from stigmer_backend.store.event_log import AppendCall
from stigmer_backend.store.events_port import EventsLook
from stigmer_backend.store.opening import open_parts
from tests.store.stores import append, create, message, opened, read_all, split

LANES = [("aex-a", Lane.EVENTS), ("aex-a", Lane.ENGINE), ("aex-b", Lane.EVENTS), ("aex-b", Lane.ENGINE)]
JOURNAL = Path("journal", "0000000001.wal")

Heads = dict[tuple[str, Lane], int]


class QuickFiles(FileLayer):
    """Files without syncs: what is tested with it happens to the bytes, not to the disk."""

    def sync(self, descriptor: int) -> None:
        """Not needed."""

    def sync_directory(self, path: Path) -> None:
        """Not needed."""


@dataclass
class Image:
    """A copy of a store's directory, taken while it was open, and how its lanes stood after each group of the journal."""

    directory: Path
    groups: list[tuple[int, Heads]] = field(default_factory=list[tuple[int, Heads]])
    """Length of the journal after each group, and the heads then."""

    def copy(self, target: Path) -> Path:
        """Another copy at `target`, in place of what is there."""
        shutil.rmtree(target, ignore_errors=True)
        return Path(shutil.copytree(self.directory, target))


async def journal_image(scratch: Path) -> Image:
    """A store of two executions with everything in its journal: some groups of one append, some of several."""
    source = scratch / "source"
    image = Image(scratch / "image")
    async with opened(source) as store:
        for name in ("aex-a", "aex-b"):
            await create(store, name)
            await note(store, source, image)
        for step in range(2, 9):
            await store.append([append("aex-a", step, step=step)])
            await note(store, source, image)
            group = [
                append("aex-b", 2 * step - 2, 2, step=step),
                append("aex-b", step - 1, step=step, lane=Lane.ENGINE),
            ]
            await store.append([*group, append("aex-a", step - 1, producer="other", step=step - 1, lane=Lane.ENGINE)])
            await note(store, source, image)
        shutil.copytree(source, image.directory)
    return image


@dataclass(frozen=True)
class Contents:
    """Everything that a store answers: heads and messages are compared by `heads`, the state here."""

    heads: Heads
    records: dict[str, Record | None]
    lists: dict[str, list[Row]]
    slugs: dict[str, str | None]
    counts: dict[str, int]
    meta: bytes | None


RECORDS = [f"rec-{number}" for number in range(12)]
PARENTS = ["", "org-0", "org-1"]


def write_record(state: StateWrite, number: int, turn: int) -> None:
    """One of the records of `database_image`, as it is in this turn."""
    name = RECORDS[number]
    state.put(
        "agent",
        name,
        f"turn {turn} of {name} ".encode() * 8,
        slug=f"slug-{name}",
        created_ns=number,
        parents=[f"org-{number % 2}"],
        summary=f"summary {turn}".encode(),
    )
    state.put_meta("turn", b"%d" % turn)


def read_state(state: StateRead) -> Contents:
    """Everything that the state answers."""
    return Contents(
        {},
        {name: state.get("agent", name) for name in RECORDS},
        {parent: state.page("agent", parent, limit=100) for parent in PARENTS},
        {name: state.by_slug("agent", f"slug-{name}") for name in RECORDS},
        {parent: state.count("agent", parent) for parent in PARENTS},
        state.get_meta("turn"),
    )


async def contents(store: Store) -> Contents:
    """Read everything."""
    return replace(await store.read_state(read_state), heads=await heads(store))


class Reopened:
    """A copy, opened without the store's threads, since thousands are."""

    def __init__(self, directory: Path) -> None:
        self._parts = open_parts(directory, StoreOptions(files=QuickFiles()), time.monotonic)
        self.report = self._parts.report

    def __enter__(self) -> "Reopened":
        return self

    def __exit__(self, *error: object) -> None:
        self._parts.close(clean=False)

    @property
    def cuts(self) -> list[bytes]:
        """The bytes that were cut."""
        return [cut.kept.read_bytes() for cut in self.report.cuts]

    def append(self, one: Append) -> None:
        """Append, durably as far as these files go."""
        (placed,) = self._parts.log.append([AppendCall((one,))])
        assert not isinstance(placed, Exception)
        self._parts.log.sync()

    def contents(self) -> Contents:
        """Read everything."""
        session = self._parts.state.session()
        session.begin()
        try:
            return replace(read_state(StateRead(session)), heads=self.heads())
        finally:
            session.close()

    def heads(self) -> Heads:
        """How every lane stands, after reading all of it and checking each message; unknown executions are left out."""
        session = self._parts.events.session()
        session.begin()
        try:
            found = {place: self._head(session.archive, *place) for place in LANES}
        finally:
            session.close()
        return {place: head for place, head in found.items() if head is not None}

    def _head(self, archive: EventsLook, name: str, lane: Lane) -> int | None:
        held, standing = self._parts.log.heads(name, lane), archive.standing(name)
        known = held[0] if held is not None else standing.heads[lane] if standing is not None else None
        if known is None:
            return None
        batches = archive.read(name, lane, 0, 1 << 30)
        while batches and (more := archive.read(name, lane, batches[-1].last_seq, 1 << 30)):
            batches += more
        if held is not None:
            batches += self._parts.log.read_tail(name, lane, batches[-1].last_seq if batches else 0, 1 << 30) or []
        check(texts := [text for batch in batches for text in split(batch)])
        assert len(texts) == known
        return known


def check(texts: list[bytes]) -> None:
    """Each message is what was written in its place."""
    assert texts == [message(seq) for seq in range(1, len(texts) + 1)], "data is not what was written"


async def database_image(scratch: Path) -> tuple[Image, list[tuple[int, Contents]]]:
    """A store with records changed several times and events in `events.fs`, and the length of `state.fs` at each turn."""
    source = scratch / "source"
    image = Image(scratch / "image")
    turns: list[tuple[int, Contents]] = []
    async with opened(source, chunk_bytes=200) as store:
        for name in ("aex-a", "aex-b"):
            await create(store, name)
        for step in range(2, 30):
            await store.append([append("aex-a", step, step=step), append("aex-b", step, step=step)])
        await store.append([append("aex-a", 1, 20, step=30, lane=Lane.ENGINE)])
        for turn in range(3):
            for number in range(turn, len(RECORDS)):
                await store.write(lambda state, number=number, turn=turn: write_record(state, number, turn))
                if number >= len(RECORDS) - 2:
                    turns.append(((source / "state.fs").stat().st_size, await contents(store)))
        shutil.copytree(source, image.directory)
    return image, turns


async def note(store: Store, source: Path, image: Image) -> None:
    """Remember how the lanes stand, now that a group was acknowledged."""
    image.groups.append(((source / JOURNAL).stat().st_size, await heads(store)))


async def heads(store: Store) -> Heads:
    """How every lane stands, after reading all of it and checking each message; unknown executions are left out."""
    found: Heads = {}
    for name, lane in LANES:
        try:
            texts = await read_all(store, name, lane)
        except UnknownExecution:
            continue
        check(texts)
        found[name, lane] = len(texts)
        assert await store.head(name, lane) == len(texts)
    return found
