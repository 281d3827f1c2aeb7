"""Sessions of tools, with walls and without."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_runner.sandbox import Sandbox, SandboxKind, choose_sandbox
from tests.sandbox.ground import KINDS, Ground, require_landlock
from tests.support.require import require_tool
from tests.tools.bench import ToolBench, new_bench


@pytest.fixture
def ground(short_tmp: Path) -> Ground:
    return Ground(short_tmp.resolve())


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


@pytest_asyncio.fixture(params=list(KINDS), ids=lambda kind: kind.value)
async def sandbox(request: pytest.FixtureRequest, ground: Ground) -> AsyncIterator[Sandbox]:
    """Each kind in turn."""
    kind: SandboxKind = request.param
    if kind is SandboxKind.BUBBLEWRAP:
        require_tool("bwrap")
    if kind is SandboxKind.LANDLOCK:
        require_landlock()
    sandbox = await choose_sandbox(ground.layout(), kind)
    yield sandbox
    await sandbox.close()


@pytest_asyncio.fixture
async def files(ground: Ground, unwalled: Sandbox) -> AsyncIterator[ToolBench]:
    """For tools that start no command."""
    bench = await new_bench(ground, unwalled)
    yield bench
    await bench.close()


@pytest_asyncio.fixture
async def bench(ground: Ground, sandbox: Sandbox) -> AsyncIterator[ToolBench]:
    """For commands, on each kind of sandbox."""
    bench = await new_bench(ground, sandbox)
    yield bench
    await bench.close()


@pytest_asyncio.fixture
async def walled_bench(ground: Ground, walled: Sandbox) -> AsyncIterator[ToolBench]:
    """For commands behind walls."""
    bench = await new_bench(ground, walled)
    yield bench
    await bench.close()
