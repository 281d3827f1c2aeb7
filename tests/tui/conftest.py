"""A home, a scripted server in it, and the app in front of it, at a moment that does not move."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from stigmer_apis.home import Home
from stigmer_tui.app import StigmerApp
from tests.support.scripted_backend import ScriptedBackend
from tests.tui.support import StoppedClock


@pytest.fixture
def home(short_tmp: Path) -> Home:
    """A home of its own, with its sockets in it."""
    return Home(root=short_tmp, run=short_tmp / "run")


@pytest.fixture
def clock() -> StoppedClock:
    """A clock that a test moves."""
    return StoppedClock()


@pytest.fixture
async def backend(home: Home, clock: StoppedClock) -> AsyncIterator[ScriptedBackend]:
    """A server that says what the test tells it to."""
    async with ScriptedBackend(home, clock=clock) as server:
        yield server


@pytest.fixture
def app(home: Home, clock: StoppedClock, backend: ScriptedBackend) -> StigmerApp:
    """The workstation, not running yet."""
    return StigmerApp(home, clock=clock, start_daemon=False)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Exact times read the same everywhere."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
