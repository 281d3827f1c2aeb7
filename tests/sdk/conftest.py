"""A home with a daemon, a runner and a scripted model, as programs of others find it."""

from collections.abc import AsyncGenerator, Generator

import pytest

from tests.loop.stage import Stage, on_stage, opened
from tests.support.require import require_tool
from tests.support.workstation import Workstation


@pytest.fixture(scope="module")
def home() -> Generator[Workstation]:
    """The home."""
    require_tool("bwrap")
    with opened() as workstation:
        yield workstation


@pytest.fixture
async def stage(home: Workstation) -> AsyncGenerator[Stage]:
    """The stage for one test."""
    async with on_stage(home) as made:
        yield made
