"""A link that breaks or falls silent: noticed, told, and live again when the server is."""

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import CancelRequest
from stigmer_apis.client import Client, ClientOptions, TailBatch
from stigmer_apis.client.connection import ConnectionState
from stigmer_apis.client.remote import Remote
from stigmer_apis.errors import NotTrusted, StigmerError
from stigmer_apis.transport import KEEPALIVE_MILLISECONDS, KEEPALIVE_TIMEOUT_MILLISECONDS
from stigmer_backend.access.authority import own_credentials
from tests.chaos.figures import record
from tests.load.proxy import proxied
from tests.remote.served import NOW, networked
from tests.support.scale import scaled
from tests.support.waiting import eventually


def test_a_dead_peer_is_noticed_within_ten_seconds() -> None:
    assert KEEPALIVE_MILLISECONDS + KEEPALIVE_TIMEOUT_MILLISECONDS < 10_000
    assert ClientOptions().watchdog <= 10


async def test_a_silent_link_is_noticed_and_the_reader_goes_on_by_another(short_tmp: Path) -> None:
    """Nothing is closed and nothing comes: as when a cable is pulled."""
    async with networked(short_tmp) as server, proxied(server.listener.port) as proxy:
        name = (await server.served.run()).metadata.id
        seen: list[int] = []

        async def read(client: Client) -> None:
            async for item in client.tail(name):
                if isinstance(item, TailBatch):
                    seen.extend(range(item.first_seq, item.first_seq + len(item.events)))

        remote = Remote(proxy.endpoint, server.key())
        async with Client(server.served.home, remote=remote) as client:
            reading = asyncio.create_task(read(client))
            await eventually(lambda: bool(seen))
            before = time.monotonic()
            proxy.speaks.clear()
            await eventually(lambda: client.connection.state is not ConnectionState.CONNECTED)
            noticed = time.monotonic() - before
            assert client.connection.reason
            proxy.speaks.set()
            begin = time.monotonic()
            await server.served.stubs.service.Cancel(
                CancelRequest(execution_id=name), metadata=server.served.stubs.metadata
            )
            await reading
            again = time.monotonic() - begin
        assert seen == list(range(1, len(seen) + 1))
    record(
        "a link that falls silent, over TLS",
        1,
        "time",
        f"noticed after {noticed:.1f} s; {again:.2f} s after it speaks again all was read",
    )


async def test_live_again_when_the_server_is(short_tmp: Path) -> None:
    """The server goes and comes back at the same port; a reader waits all the while."""
    times = scaled(3, 20)
    longest = 0.0
    states: list[ConnectionState] = []
    async with AsyncExitStack() as stack:
        async with networked(short_tmp) as server:
            port = server.listener.port
            client = await stack.enter_async_context(server.client(patience=60.0))
            client.connection.listen(lambda connection: states.append(connection.state))
            watching = asyncio.create_task(watch(client))
            stack.callback(watching.cancel)
            await client.list_executions()

        def stands(state: ConnectionState) -> bool:
            return client.connection.state is state

        for turn in range(times):
            await eventually(lambda: stands(ConnectionState.LOST))
            await asyncio.sleep(0.2 + turn % 3)
            async with networked(short_tmp, port=port):
                begin = time.monotonic()
                await eventually(lambda: stands(ConnectionState.CONNECTED))
                longest = max(longest, time.monotonic() - begin)
                await client.list_executions()
    assert states.count(ConnectionState.CONNECTED) == times
    record(
        "the server goes and comes back, over TLS",
        times,
        "times",
        f"live again after at most {longest:.2f} s each time",
    )


async def watch(client: Client) -> None:
    """Somebody who looks at a list."""
    async for _ in client.watch(0):
        pass


async def test_clocks_ten_years_apart_are_told(short_tmp: Path) -> None:
    """The certificate is of the past, or of the future; the next server at the same place is taken."""
    for off in (-3650, 3650):
        root = short_tmp / f"{off % 7}"
        (root / "other").mkdir(parents=True)
        wrong = own_credentials(root / "other", "127.0.0.1", NOW + dt.timedelta(days=off))
        (root / "h").mkdir()
        async with networked(root / "h", credentials=wrong) as server:
            with pytest.raises(NotTrusted, match="clocks") as refused:
                async with server.client():
                    pass
            assert "is not good" in refused.value.message
        async with networked(root / "h") as server, server.client() as client:
            assert (await client.list_executions()).total == 0


async def test_a_proxy_that_cuts_at_once_is_unavailable_and_not_a_hang(short_tmp: Path) -> None:
    async with networked(short_tmp) as server, proxied(server.listener.port) as proxy:
        cutting = asyncio.create_task(cut_at_once(proxy.cut))
        with pytest.raises(StigmerError) as refused:
            async with Client(
                server.served.home,
                remote=Remote(proxy.endpoint, server.key()),
                options=ClientOptions(patience=0, greeting_timeout=3.0),
            ):
                pass
        assert refused.value.remedy
        cutting.cancel()
        async with server.client() as client:
            assert (await client.list_executions()).total == 0


async def cut_at_once(cut: Callable[[], None]) -> None:
    """Cut again and again, faster than anybody greets."""
    while True:
        await asyncio.sleep(0)
        cut()
