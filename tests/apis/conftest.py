"""A home, a scripted backend in it, and clients for it."""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from stigmer_apis.client import Client, ClientOptions
from stigmer_apis.home import Home
from tests.apis.counting_daemon import kill, starts_of
from tests.support.scripted_backend import ScriptedBackend

FAST = ClientOptions(first_delay=0.01, longest_delay=0.1, start_delay=0.1)
"""Tries again sooner than a person would want."""


@pytest.fixture
def home(short_tmp: Path) -> Iterator[Home]:
    home = Home.at(short_tmp / "home", {})
    yield home
    for pid in starts_of(home):
        kill(pid)


@pytest.fixture
async def backend(home: Home) -> AsyncGenerator[ScriptedBackend]:
    async with ScriptedBackend(home, heartbeat=0.2) as backend:
        yield backend


@pytest.fixture
async def client(home: Home, backend: ScriptedBackend) -> AsyncGenerator[Client]:
    async with Client(home, start_daemon=False, options=FAST) as client:
        yield client
