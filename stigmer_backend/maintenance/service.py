"""Our service for what keeps a store for years."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    BackupEnd,
    BackupFile,
    BackupPiece,
    BackupRequest,
    BackupResponse,
    BackupStart,
)
from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2_grpc import MaintenanceServiceServicer
from stigmer_apis.backups import BackupFile as Held
from stigmer_apis.backups import is_path
from stigmer_apis.errors import FailedPrecondition, InvalidArgument
from stigmer_apis.transport import aio
from stigmer_backend.maintenance.sending import Sending
from stigmer_backend.store import NoFiles, Store, store_id


class MaintenanceService(MaintenanceServiceServicer):
    """`stigmer.maintenance.v1.MaintenanceService`."""

    def __init__(self, store: Store, directory: Path) -> None:
        """`directory`: where the store's files are."""
        self._store = store
        self._directory = directory

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


def _held(request: BackupRequest) -> dict[str, Held]:
    for file in request.have:
        if not is_path(file.path):
            raise InvalidArgument("a backup has no file there", remedy="send what an earlier backup's list says")
    return {
        file.path: Held(file.path, file.size, file.checked_from, file.crc, file.transaction) for file in request.have
    }
