"""A backend of each sort."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.grounds import Ground
from tests.conformance.wire import Wire
from tests.support.served_backend import serve_backend


@dataclass(frozen=True, slots=True)
class Sort:
    """How a backend is reached, and where it keeps things."""

    transport: str
    storage: str


SORTS = (Sort("unix", "file:"), Sort("unix", "memory:"))


@pytest.fixture(params=SORTS, ids=lambda sort: f"{sort.transport}-{sort.storage.rstrip(':')}")
async def wire(request: pytest.FixtureRequest, short_tmp: Path) -> AsyncGenerator[Wire]:
    """A person's connection to a new backend."""
    sort: Sort = request.param
    async with serve_backend(short_tmp, storage=sort.storage) as served:
        yield Wire(served, served.stubs.channel, served.stubs.metadata)


@pytest.fixture
def ground(wire: Wire) -> Ground:
    """What others stand on."""
    return Ground(wire)
