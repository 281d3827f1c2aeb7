"""A served backend, a person's stub for secrets, and a runner that is played."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import GetExecutionContextRequest, GetExecutionContextResponse
from stigmer_apis._generated.stigmer.runner.v1.link_pb2_grpc import RunnerServiceStub
from stigmer_apis._generated.stigmer.secret.v1.secret_service_pb2_grpc import SecretServiceStub
from stigmer_apis.protocol import AUTHORIZATION
from stigmer_apis.transport import aio, client_options, unix_target
from tests.support.scripted_runner import ScriptedRunner
from tests.support.served_backend import Metadata, Served, serve_backend


@pytest.fixture
async def served(short_tmp: Path) -> AsyncGenerator[Served]:
    """A backend on a new home."""
    async with serve_backend(short_tmp) as backend:
        yield backend


@pytest.fixture
def secrets(served: Served) -> SecretServiceStub:
    """The service under test."""
    return SecretServiceStub(served.stubs.channel)


@dataclass(slots=True)
class Leasing:
    """A runner, and what it may ask beside the Link."""

    runner: ScriptedRunner
    stub: RunnerServiceStub
    metadata: Metadata

    async def values(self, execution_id: str) -> dict[str, str]:
        """The variables of an execution that the runner holds."""
        return {name: value.value for name, value in (await self.answer(execution_id)).context.spec.data.items()}

    async def answer(self, execution_id: str) -> GetExecutionContextResponse:
        """All that such an execution is given."""
        held = await self.runner.lease(execution_id)
        request = GetExecutionContextRequest(execution_id=execution_id, epoch=held.granted.epoch)
        return await self.stub.GetExecutionContext(request, metadata=self.metadata)


@pytest.fixture
async def leasing(served: Served) -> AsyncGenerator[Leasing]:
    """A connected runner of `served`."""
    token = served.tokens.issue_runner("run-1")
    played = ScriptedRunner(served.home, "run-1", token)
    await played.connect()
    async with aio.insecure_channel(unix_target(served.home.runner_socket), options=client_options()) as channel:
        yield Leasing(played, RunnerServiceStub(channel), ((AUTHORIZATION, f"Bearer {token}"),))
    await played.disconnect()
