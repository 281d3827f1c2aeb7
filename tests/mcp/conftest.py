"""A sandbox of each kind, with the real servers on its path."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_runner.sandbox import Sandbox, SandboxKind, choose_sandbox
from tests.loop.stage import Stage, on_stage, opened
from tests.mcp.stand import layout_path
from tests.sandbox.ground import Ground
from tests.support.require import require_tool
from tests.support.workstation import Workstation


@pytest.fixture
def ground(short_tmp: Path) -> Ground:
    return Ground(short_tmp.resolve(), path=layout_path())


@pytest_asyncio.fixture
async def unwalled(ground: Ground) -> AsyncIterator[Sandbox]:
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.NONE)
    yield sandbox
    await sandbox.close()


@pytest_asyncio.fixture
async def walled(ground: Ground) -> AsyncIterator[Sandbox]:
    require_tool("bwrap")
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.BUBBLEWRAP)
    yield sandbox
    await sandbox.close()


@pytest.fixture(scope="module")
def home() -> Generator[Workstation]:
    """The home of whole runs."""
    require_tool("bwrap")
    with opened() as workstation:
        yield workstation


@pytest.fixture
async def stage(home: Workstation) -> AsyncGenerator[Stage]:
    """The stage for one test."""
    async with on_stage(home) as made:
        yield made
