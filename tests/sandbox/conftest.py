"""The grounds and the sandboxes of these tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_runner.sandbox import Sandbox, SandboxKind, choose_sandbox
from tests.sandbox.driver import Shell
from tests.sandbox.ground import KINDS, Ground, require_landlock
from tests.support.require import require_tool


@pytest.fixture
def ground(short_tmp: Path) -> Ground:
    return Ground(short_tmp.resolve())


@pytest_asyncio.fixture
async def walled(ground: Ground) -> AsyncIterator[Sandbox]:
    """A sandbox with walls."""
    require_tool("bwrap")
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.BUBBLEWRAP)
    yield sandbox
    await sandbox.close()


@pytest_asyncio.fixture
async def unwalled(ground: Ground) -> AsyncIterator[Sandbox]:
    """A sandbox without."""
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.NONE)
    yield sandbox
    await sandbox.close()


@pytest_asyncio.fixture(params=list(KINDS), ids=lambda kind: kind.value)
async def sandbox(request: pytest.FixtureRequest, ground: Ground) -> AsyncIterator[Sandbox]:
    """Each kind in turn: what a test asks of it, every kind has to do."""
    kind: SandboxKind = request.param
    if kind is SandboxKind.BUBBLEWRAP:
        require_tool("bwrap")
    if kind is SandboxKind.LANDLOCK:
        require_landlock()
    sandbox = await choose_sandbox(ground.layout(), kind)
    yield sandbox
    await sandbox.close()


@pytest.fixture
def shell(sandbox: Sandbox, ground: Ground) -> Shell:
    """A shell in each kind of sandbox."""
    return Shell(sandbox, ground.workspace())


@pytest.fixture
def walled_shell(walled: Sandbox, ground: Ground) -> Shell:
    return Shell(walled, ground.workspace())
