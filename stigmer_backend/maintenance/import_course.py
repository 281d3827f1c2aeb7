"""What all items of one import share: with what they are stored, what became of those before, what an item under way is."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    ImportEvents,
    ImportFile,
    ImportResponse,
)
from stigmer_apis.errors import InvalidArgument
from stigmer_backend.artifacts.files import Incoming
from stigmer_backend.artifacts.keeping import Artifacts
from stigmer_backend.executions.board import Board
from stigmer_backend.executions.deletion import Deletion
from stigmer_backend.resources.catalogues import Catalogues
from stigmer_backend.resources.kinds import AnyKind
from stigmer_backend.resources.lookup import storable
from stigmer_backend.resources.stamps import Stamps
from stigmer_backend.store import Store


class SkillFiles(Protocol):
    """Where archives of skills are checked and kept."""

    def keeping_many(self, archives: Sequence[Callable[[], bytes]]) -> AbstractAsyncContextManager[dict[str, str]]:
        """Check archives and keep them while the block stores the record that names them; gives the SKILL.md of each by its hash."""
        ...


class Taken(Enum):
    """What happens where an id or a name is taken by something else."""

    SKIP = "skip"
    RENAME = "rename"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item."""

    id: str
    """Its id here; "" where it is not here."""
    word: str
    detail: str = ""

    def told(self, kind: AnyKind, name: str) -> ImportResponse:
        """As it is answered; `name` is what it was called in the archive."""
        return ImportResponse(kind=kind.name, name=name, id=self.id, outcome=self.word, detail=self.detail)


@dataclass(frozen=True, slots=True)
class Means:
    """What an import stores with."""

    store: Store
    catalogues: Catalogues
    artifacts: Artifacts
    skills: SkillFiles
    deletion: Deletion
    board: Board
    stamps: Stamps
    new_id: Callable[[str], str]


@dataclass(slots=True)
class Course:
    """How the import stands."""

    taken: Taken = Taken.REFUSE
    dry: bool = False
    ids: dict[str, str] = field(default_factory=dict[str, str])
    """Of what is here by now: its id in the archive and here."""
    refused: set[str] = field(default_factory=set[str])
    """Ids in the archive of what was not taken."""

    def here(self, name: str) -> str:
        """The id here of what the archive calls `name`; itself where it was none of its items."""
        return self.ids.get(name, name)

    def note(self, name: str, outcome: Outcome) -> None:
        """Remember what became of an item."""
        if outcome.id:
            self.ids[name] = outcome.id
        else:
            self.refused.add(name)

    async def knows(self, store: Store, kind: AnyKind, name: str) -> bool:
        """Whether something with the id `name` is here, or would be after what was told so far."""
        if self.dry and name in self.ids.values():
            return True
        return storable(name) and await store.read_state(lambda state: state.get(kind.table, name) is not None)


class Item(Protocol):
    """An item of which more comes than its resource: a run, a skill."""

    async def events(self, given: ImportEvents) -> None:
        """Its next events. Raises `StigmerError` where they cannot be taken: then it is refused."""
        ...

    async def file(self, given: ImportFile) -> None:
        """The next bytes of one of its files. Raises likewise."""
        ...

    async def end(self) -> ImportResponse:
        """All of it has come: store it, or say why not."""
        ...

    async def abandon(self) -> None:
        """Nothing more comes: nothing of it stays."""
        ...


class Files:
    """The files of an item while they come, one after the other."""

    def __init__(self, artifacts: Artifacts, limit: int = 0) -> None:
        """`limit`: bytes that one may have at most; 0 for any number."""
        self._artifacts = artifacts
        self._limit = limit
        self._receiving: tuple[str, Incoming] | None = None
        self.whole: dict[str, Incoming] = {}
        """By hash; what came there and was found to be that."""

    async def take(self, given: ImportFile) -> None:
        """The next bytes. Raises `InvalidArgument` where the file before was not what it should be, or this one is too large."""
        if given.digest in self.whole:
            raise malformed("it has a file twice")
        if self._receiving is None or self._receiving[0] != given.digest:
            await self.finish()
            self._receiving = given.digest, await asyncio.to_thread(self._artifacts.incoming().open)
        incoming = self._receiving[1]
        if self._limit and incoming.size + len(given.data) > self._limit:
            raise malformed(f"a file of it has more than {self._limit:,} bytes")
        await asyncio.to_thread(incoming.write, given.data)

    async def finish(self) -> None:
        """The file that was being received is whole. Raises `InvalidArgument` where it is not what it should be."""
        if self._receiving is None:
            return
        digest, incoming = self._receiving
        self._receiving, self.whole[digest] = None, incoming
        if await asyncio.to_thread(incoming.sync) != digest:
            raise malformed("a file of it is not what its hash says")

    async def discard(self) -> None:
        """Remove what has no place of its own by now."""
        rest = [*self.whole.values(), *([self._receiving[1]] if self._receiving is not None else [])]
        for incoming in rest:
            await asyncio.to_thread(incoming.discard)


def malformed(what: str) -> InvalidArgument:
    """What is no import, or no item of one."""
    return InvalidArgument(f"the import is not understood: {what}", remedy="export the archive again")
