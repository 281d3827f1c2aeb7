"""The engines that the suite runs on."""

import hashlib
import os
from collections.abc import AsyncGenerator, Generator, Sequence
from typing import ClassVar

import pytest

from stigmer_runner.durable.workflow_interpreter import WorkflowInterpreter
from stigmer_runner.engine.embedded_engine import EmbeddedEngine
from stigmer_runner.engine.port import Engine
from stigmer_runner.temporal.cluster import ClusterOptions, TemporalEngine
from stigmer_runner.temporal.large_values import KeptValues
from tests.engines.definitions import ThreeChildren
from tests.engines.server import TemporalServer, program
from tests.runner.families import AsksQuestions, CancelsChild, Child, Continuing
from tests.runner.workflows import Cancelling, Failing, Limits, Mixture, Retrying, SequenceOfSteps

DEFINITIONS = (
    AsksQuestions, CancelsChild, Child, Continuing, ThreeChildren, Cancelling, Failing, Limits, Mixture, Retrying,
    SequenceOfSteps, WorkflowInterpreter,
)  # fmt: skip
KEY = bytes(range(32))


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[TemporalServer]:
    """A real server. Where there is no program for it, the tests are skipped and say so: `.ci/run` builds it where there is Go."""
    path = program()
    if path is None:
        pytest.skip(
            "no program `temporal` is here, so nothing of that engine is tested: `make temporal-server` builds it"
        )
    server = TemporalServer(path, tmp_path_factory.mktemp("temporal"))
    server.start()
    yield server
    server.stop()


class Kept:
    """Large values, in memory: all runners of the tests find them."""

    _all: ClassVar[dict[str, bytes]] = {}

    async def keep(self, execution_id: str, data: bytes) -> str:
        """Keep one."""
        digest = hashlib.sha256(data).hexdigest()
        self._all[digest] = data
        return digest

    async def read(self, execution_id: str, digest: str) -> bytes:
        """One that was kept."""
        return self._all[digest]


def cluster_of(
    server: TemporalServer,
    identity: str = "test-runner",
    *,
    definitions: Sequence[type[object]] = DEFINITIONS,
    values: KeptValues | None = None,
    own: bool = False,
) -> TemporalEngine:
    """An engine on that server."""
    return cluster_at(server.address, identity, definitions=definitions, values=values, own=own)


def cluster_at(
    where: str,
    identity: str,
    *,
    definitions: Sequence[type[object]] = DEFINITIONS,
    values: KeptValues | None = None,
    own: bool = False,
) -> TemporalEngine:
    """An engine on the server at an address."""

    async def address() -> str:
        return where

    async def key() -> bytes:
        return KEY

    options = ClusterOptions(address=address, namespace="default", identity=f"{identity}-{os.getpid()}", own=own)
    return TemporalEngine(options, lambda: definitions, key, values or Kept())


@pytest.fixture(params=["embedded", "temporal"])
async def engine(request: pytest.FixtureRequest) -> AsyncGenerator[Engine]:
    """Each of the engines."""
    if request.param == "embedded":
        yield EmbeddedEngine()
        return
    server: TemporalServer = request.getfixturevalue("temporal_server")
    made = cluster_of(server)
    yield made
    await made.close()
