"""More connections and more calls than the server takes: those past the limit are closed or refused, the others are served."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from stigmer_apis.client import TailHeartbeat
from stigmer_apis.config import Server
from stigmer_apis.errors import ResourceExhausted, Unavailable
from stigmer_backend.daemon.network import Limits
from tests.chaos.figures import record
from tests.load.raw import PREFACE, Frame, frame, keep_alive, tls
from tests.remote.served import Networked, networked
from tests.support.scale import scaled
from tests.support.waiting import eventually

CONNECTIONS = scaled(300, 10_000)
MOST = scaled(100, 1000)


@asynccontextmanager
async def idle_connections(server: Networked, count: int) -> AsyncGenerator[list[asyncio.StreamWriter]]:
    """So many tries to connect and to want nothing: those that were let in."""
    opened: list[asyncio.StreamWriter] = []
    living: list[asyncio.Task[None]] = []
    at_once = asyncio.Semaphore(50)

    async def connect() -> None:
        async with at_once:
            try:
                reader, writer = await tls(server.listener.port)
            except OSError:
                return
            writer.write(PREFACE + frame(Frame.SETTINGS))
            opened.append(writer)
            living.append(asyncio.create_task(keep_alive(reader, writer)))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(connect())
    try:
        yield [writer for writer in opened if not writer.is_closing()]
    finally:
        for writer in opened:
            writer.transport.abort()
        await asyncio.wait(living)


@pytest.mark.timeout(scaled(120, 1200))
async def test_connections_past_the_limit_are_closed_and_nothing_dies(short_tmp: Path) -> None:
    async with networked(short_tmp, limits=Limits(connections=MOST)) as server, server.client() as before:
        async with idle_connections(server, CONNECTIONS) as inside:
            assert MOST // 2 < len(inside) < MOST
            assert (await before.list_executions()).total == 0, "who was there before is served"
            with pytest.raises(Unavailable, match="closes the connection"):
                async with server.client():
                    pass

        async def served() -> bool:
            try:
                async with server.client() as after:
                    return (await after.list_executions()).total == 0
            except Unavailable:
                return False

        await eventually(served)
    record(
        "idle connections over TLS",
        CONNECTIONS,
        "tries",
        f"{len(inside)} of at most {MOST} are open, the others were closed; who was connected was served all the while, and the next after they had gone",
    )


async def test_calls_past_the_limit_are_refused_in_words(short_tmp: Path) -> None:
    async with networked(short_tmp, limits=Limits(calls=5)) as server, server.client() as client:
        name = (await server.served.run()).metadata.id
        async with AsyncExitStack() as open_tails:
            for _ in range(5):
                tail = client.tail(name)
                open_tails.push_async_callback(tail.aclose)
                async for item in tail:
                    if isinstance(item, TailHeartbeat):
                        break
            with pytest.raises(ResourceExhausted, match="takes no more") as refused:
                await client.list_executions()
            assert "server.max_calls" in refused.value.remedy

        async def answered() -> bool:
            try:
                return (await client.list_executions()).total == 1
            except ResourceExhausted:
                return False

        await eventually(answered)


def test_the_settings_name_the_limits() -> None:
    assert (Server().max_connections, Server().max_calls) == (Limits().connections, Limits().calls)
