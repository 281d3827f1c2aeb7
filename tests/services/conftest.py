"""A served backend and a runner that is played."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.services.resource_client import Asking, environment
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


@pytest.fixture(params=["", "memory:"], ids=["file", "memory"])
async def asking(request: pytest.FixtureRequest, short_tmp: Path) -> AsyncGenerator[Asking]:
    """A client of a backend with eight environments."""
    storage: str = request.param
    async with serve_backend(short_tmp, storage=storage) as served:
        client = Asking(served)
        for number, name in enumerate(("pear", "fig", "apple", "plum", "date", "kiwi", "lime", "nut")):
            await client.apply(
                environment(name, team="red" if number % 2 else "blue", tags=["even"] if number % 4 == 0 else [])
            )
        yield client
