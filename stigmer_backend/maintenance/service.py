"""Our service for what keeps a store for years."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    BackupEnd,
    BackupFile,
    BackupPiece,
    BackupRequest,
    BackupResponse,
    BackupStart,
    DiskUse,
    ImportRequest,
    ImportResponse,
    PackRequest,
    PackResponse,
    ReadBelongingsRequest,
    ReadBelongingsResponse,
    UsageRequest,
    UsageResponse,
)
from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2_grpc import MaintenanceServiceServicer
from stigmer_apis.backups import BackupFile as Held
from stigmer_apis.backups import is_path
from stigmer_apis.errors import Aborted, FailedPrecondition, InvalidArgument
from stigmer_apis.transport import aio
from stigmer_backend.maintenance.belongings import belongings_of
from stigmer_backend.maintenance.disk_use import EVENTS, RESOURCES, disk_use
from stigmer_backend.maintenance.importing import Importing
from stigmer_backend.maintenance.sending import Sending
from stigmer_backend.resources.removal import LEAVING
from stigmer_backend.store import DatabaseName, NoFiles, PackAbandoned, Store, store_id

_KIND_OF = {DatabaseName.STATE: RESOURCES, DatabaseName.EVENTS: EVENTS}
_DRAIN_TRIES, _DRAIN_SECONDS = 20, 0.1
_SIGN_SECONDS = 3.0
"""So often a pack that goes on says so."""


class MaintenanceService(MaintenanceServiceServicer):
    """`stigmer.maintenance.v1.MaintenanceService`."""

    def __init__(self, store: Store, directory: Path, importing: Callable[[], Importing], retention: str = "") -> None:
        """`directory`: where the store's files are; `importing` begins an import; `retention`: what is deleted by itself, in words."""
        self._retention = retention
        self._store = store
        self._directory = directory
        self._importing = importing

    async def Backup(
        self, request: BackupRequest, context: aio.ServicerContext[BackupRequest, BackupResponse]
    ) -> AsyncIterator[BackupResponse]:
        """The store as it is now, as far as the caller lacks it. Writers go on meanwhile.

        Raises `InvalidArgument` for files that no backup has, `FailedPrecondition` for a backup of another store, or of a later state.
        """
        have = _held(request)
        try:
            snapshot = await self._store.snapshot()
        except NoFiles as error:
            raise FailedPrecondition(str(error)) from error
        with snapshot:
            store = store_id(snapshot.manifest)
            if request.store not in ("", store):
                raise FailedPrecondition(
                    "the backup there is of another store",
                    remedy="take this one into an empty directory",
                )
            sending = await asyncio.to_thread(Sending, self._directory, snapshot, have)
            yield BackupResponse(start=BackupStart(store=store, bytes=sending.size))
            pieces = sending.pieces()
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield BackupResponse(piece=BackupPiece(path=piece.path, offset=piece.offset, data=piece.data))
            yield BackupResponse(
                end=BackupEnd(
                    files=[
                        BackupFile(
                            path=file.path,
                            size=file.size,
                            checked_from=file.checked_from,
                            crc=file.crc,
                            transaction=file.transaction,
                        )
                        for file in sending.files
                    ],
                    manifest=snapshot.manifest,
                )
            )

    async def Usage(
        self, request: UsageRequest, context: aio.ServicerContext[UsageRequest, UsageResponse]
    ) -> UsageResponse:
        """What the store takes on the disk. Raises `FailedPrecondition` for a store without files."""
        found = await asyncio.to_thread(disk_use, self._directory)
        kinds = {use.kind: DiskUse(kind=use.kind, bytes=use.size) for use in found}
        if request.with_dead:
            for name in DatabaseName:
                try:
                    kinds[_KIND_OF[name]].dead = (await self._store.usage(name)).dead
                except NoFiles as error:
                    raise FailedPrecondition(str(error)) from error
        disk = await asyncio.to_thread(shutil.disk_usage, self._directory)
        return UsageResponse(
            kinds=kinds.values(),
            retention=self._retention,
            damaged_runs=self._store.report.damaged_executions,
            free_bytes=disk.free,
            total_bytes=disk.total,
        )

    async def Pack(
        self, request: PackRequest, context: aio.ServicerContext[PackRequest, PackResponse]
    ) -> AsyncIterator[PackResponse]:
        """Pack the databases, one after the other. Raises `FailedPrecondition` for a store without files."""
        await self._drained()
        for name in DatabaseName:
            working = asyncio.ensure_future(self._pack(name, request.only_above_percent))
            try:
                while not (await asyncio.wait([working], timeout=_SIGN_SECONDS))[0]:
                    yield PackResponse()
                before, after = await working
            except NoFiles as error:
                raise FailedPrecondition(str(error)) from error
            except PackAbandoned as error:
                raise Aborted(str(error), remedy="try again") from error
            finally:
                working.cancel()
            yield PackResponse(kind=_KIND_OF[name], before=before, after=after)

    async def Import(
        self,
        request_iterator: AsyncIterator[ImportRequest],
        context: aio.ServicerContext[ImportRequest, ImportResponse],
    ) -> AsyncIterator[ImportResponse]:
        """Take in what an archive holds. What an import that breaks off has answered for is there, whole; nothing else is."""
        answers = self._importing().answers(request_iterator)
        try:
            async for answer in answers:
                yield answer
        finally:
            await asyncio.shield(answers.aclose())

    async def ReadBelongings(
        self,
        request: ReadBelongingsRequest,
        context: aio.ServicerContext[ReadBelongingsRequest, ReadBelongingsResponse],
    ) -> AsyncIterator[ReadBelongingsResponse]:
        """What belongs to a resource or a run beside what its message says. Raises `NotFound`."""
        for belonging in await self._store.read_state(lambda state: belongings_of(state, request.id)):
            yield ReadBelongingsResponse(belonging=belonging)

    async def _drained(self) -> None:
        """Wait a while for deletes whose events are still being removed: what they give back is wanted too."""
        for _ in range(_DRAIN_TRIES):
            if not await self._store.read_state(lambda state: state.page(LEAVING, limit=1)):
                return
            await asyncio.sleep(_DRAIN_SECONDS)

    async def _pack(self, name: DatabaseName, above_percent: int) -> tuple[int, int]:
        usage = await self._store.usage(name)
        if usage.dead * 100 <= usage.size * above_percent:
            return usage.size, usage.size
        packed = await self._store.pack(name)
        return packed.before, packed.after


def _held(request: BackupRequest) -> dict[str, Held]:
    for file in request.have:
        if not is_path(file.path):
            raise InvalidArgument("a backup has no file there", remedy="send what an earlier backup's list says")
    return {
        file.path: Held(file.path, file.size, file.checked_from, file.crc, file.transaction) for file in request.have
    }
