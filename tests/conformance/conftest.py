"""A backend of each sort."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stigmer_apis.protocol import AUTHORIZATION, TLS_NAME
from stigmer_apis.transport import aio, client_options, grpc
from tests.conformance.grounds import Ground
from tests.conformance.wire import Wire
from tests.remote.served import networked
from tests.support.served_backend import serve_backend


@dataclass(frozen=True, slots=True)
class Sort:
    """How a backend is reached, and where it keeps things."""

    transport: str
    storage: str


SORTS = (Sort("unix", "file:"), Sort("unix", "memory:"), Sort("tls", "memory:"))


@pytest.fixture(params=SORTS, ids=lambda sort: f"{sort.transport}-{sort.storage.rstrip(':')}")
async def wire(request: pytest.FixtureRequest, short_tmp: Path) -> AsyncGenerator[Wire]:
    """A person's connection to a new backend."""
    sort: Sort = request.param
    if sort.transport == "tls":
        async with networked(short_tmp, storage=sort.storage) as server:
            roots = grpc.ssl_channel_credentials(server.credentials.certificate)
            options = [*client_options(), ("grpc.ssl_target_name_override", TLS_NAME)]
            async with aio.secure_channel(server.endpoint, roots, options=options) as channel:
                yield Wire(server.served, channel, ((AUTHORIZATION, f"Bearer {server.key()}"),))
        return
    async with serve_backend(short_tmp, storage=sort.storage) as served:
        yield Wire(served, served.stubs.channel, served.stubs.metadata)


@pytest.fixture
def ground(wire: Wire) -> Ground:
    """What others stand on."""
    return Ground(wire)
