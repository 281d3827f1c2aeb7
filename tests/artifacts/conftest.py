"""A served backend and a runner that is played."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.support.scripted_runner import ScriptedRunner
from tests.support.served_backend import Served, serve_backend


@pytest.fixture
async def served(short_tmp: Path) -> AsyncGenerator[Served]:
    """A backend on a new home."""
    async with serve_backend(short_tmp) as backend:
        yield backend


@pytest.fixture
async def runner(served: Served) -> AsyncGenerator[ScriptedRunner]:
    """A connected runner of `served`."""
    played = ScriptedRunner(served.home, "run-1", served.tokens.issue_runner("run-1"))
    await played.connect()
    yield played
    await played.disconnect()
