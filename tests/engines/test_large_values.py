"""Values that stay outside of a cluster's history: kept once, within limits, as long as their run lives."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stigmer_apis.errors import DataLoss, InvalidArgument, NotFound, ResourceExhausted
from stigmer_backend.artifacts.files import place_of
from stigmer_backend.executions.large_values import LargeValues
from stigmer_runner.temporal.large_values import OutsideHistory
from stigmer_runner.temporal.library import (
    Payload,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)
from stigmer_runner.temporal.naming import workflow_id_of

RUN, OTHER = "wex-01m7zj0739eeba4cqf99s6rsnj", "aex-01m7zhc2jwz34q5bf9hh8427fm"


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 7):
        yield data[start : start + 7]


def names(folder: Path, pattern: str = "*") -> list[str]:
    return [each.name for each in folder.glob(pattern)]


async def all_of(values: LargeValues, execution_id: str, digest: str) -> bytes:
    return b"".join([piece async for piece in values.read(execution_id, digest)])


async def test_what_is_kept_is_read_until_its_run_ends(tmp_path: Path) -> None:
    values = LargeValues(tmp_path)
    digest, size = await values.keep(RUN, pieces(b"some value"))
    assert (digest, size) == (hashlib.sha256(b"some value").hexdigest(), 10)
    assert await values.keep(RUN, pieces(b"some value")) == (digest, size)
    assert await all_of(values, RUN, digest) == b"some value"
    with pytest.raises(NotFound):
        await all_of(values, OTHER, digest)
    await values.keep(OTHER, pieces(b"another"))
    await LargeValues(tmp_path).sweep({RUN})
    assert names(tmp_path) == [RUN]
    await values.forget(RUN)
    with pytest.raises(NotFound):
        await all_of(values, RUN, digest)
    assert names(tmp_path) == []


async def test_limits_are_those_named(tmp_path: Path) -> None:
    values = LargeValues(tmp_path, largest=10, most=15)
    with pytest.raises(InvalidArgument, match="more than 10 bytes"):
        await values.keep(RUN, pieces(b"x" * 11))
    await values.keep(RUN, pieces(b"x" * 10))
    await values.keep(RUN, pieces(b"x" * 5))
    with pytest.raises(ResourceExhausted, match="15 bytes together"):
        await values.keep(RUN, pieces(b"y" * 6))
    await values.keep(OTHER, pieces(b"y" * 6))
    assert names(tmp_path, "*/incoming/*") == [], "what was refused leaves nothing"


async def test_damage_is_told(tmp_path: Path) -> None:
    values = LargeValues(tmp_path)
    digest, _ = await values.keep(RUN, pieces(b"some value"))
    place_of(tmp_path / RUN, digest).write_bytes(b"some other")
    with pytest.raises(DataLoss):
        await all_of(values, RUN, digest)


class Lying:
    """Gives out something else."""

    async def keep(self, execution_id: str, data: bytes) -> str:
        """Keep nothing."""
        return hashlib.sha256(data).hexdigest()

    async def read(self, execution_id: str, digest: str) -> bytes:
        """Not what was kept."""
        return b"other"


async def test_a_history_names_the_run_and_the_hash_alone() -> None:
    driver = OutsideHistory(Lying())
    value = Payload(metadata={"encoding": b"x"}, data=b"sealed")
    target = StorageDriverWorkflowInfo(namespace="default", id=f"{workflow_id_of(RUN)}")
    (claim,) = await driver.store(StorageDriverStoreContext(target=target), [value])
    digest = hashlib.sha256(value.SerializeToString(deterministic=True)).hexdigest()
    assert claim == StorageDriverClaim({"execution": RUN, "sha256": digest})
    with pytest.raises(ValueError, match="is not what was kept"):
        await driver.retrieve(StorageDriverRetrieveContext(), [claim])
    with pytest.raises(ValueError, match="no workflow"):
        await driver.store(StorageDriverStoreContext(), [value])
