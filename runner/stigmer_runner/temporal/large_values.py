"""Large values stay out of a cluster's history, which takes 2 MiB for one and 4 MB for a request: the history holds their hash."""

import hashlib
from collections.abc import Sequence
from typing import Protocol

from stigmer_runner.temporal.library import (
    ExternalStorage,
    Payload,
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)
from stigmer_runner.temporal.naming import execution_of

FROM_BYTES = 64 * 1024
"""From this size on, sealed, a value stays outside: what a history may hold in all is 50 MB."""
NAME = "stigmer"
_EXECUTION, _HASH = "execution", "sha256"


class KeptValues(Protocol):
    """Where they are, for all runners of a backend, as long as their execution lives."""

    async def keep(self, execution_id: str, data: bytes) -> str:
        """Keep one; returns its SHA-256."""
        ...

    async def read(self, execution_id: str, digest: str) -> bytes:
        """One that was kept."""
        ...


class OutsideHistory(StorageDriver):
    """The library's way out of the history. What comes here is sealed already."""

    def __init__(self, values: KeptValues) -> None:
        self._values = values

    def name(self) -> str:
        """As references in a history say it: never to be changed."""
        return NAME

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        """Keep values of a workflow."""
        target = context.target
        if not isinstance(target, StorageDriverWorkflowInfo) or not target.id:
            raise ValueError("a value belongs to no workflow, so it cannot be kept for one")
        execution_id = execution_of(target.id)
        return [
            StorageDriverClaim(
                {
                    _EXECUTION: execution_id,
                    _HASH: await self._values.keep(execution_id, each.SerializeToString(deterministic=True)),
                }
            )
            for each in payloads
        ]

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        """Read values that a history names. Raises `ValueError` for what is not the value that was kept."""
        found: list[Payload] = []
        for claim in claims:
            execution_id, digest = claim.claim_data[_EXECUTION], claim.claim_data[_HASH]
            data = await self._values.read(execution_id, digest)
            if hashlib.sha256(data).hexdigest() != digest:
                raise ValueError(f"a value of {execution_id} is not what was kept")
            found.append(Payload.FromString(data))
        return found


def outside(values: KeptValues) -> ExternalStorage:
    """For a `DataConverter`."""
    return ExternalStorage(drivers=[OutsideHistory(values)], payload_size_threshold=FROM_BYTES)
