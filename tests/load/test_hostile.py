"""What no client of ours sends: refused, and the next client is served."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ListExecutionsRequest
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2_grpc import ExecutionServiceStub
from stigmer_apis.protocol import AUTHORIZATION, TLS_NAME
from stigmer_apis.transport import aio, client_options, grpc
from stigmer_backend.daemon.network import Limits
from tests.chaos.figures import record
from tests.load.raw import END_HEADERS, PREFACE, Frame, frame, request, said_to, tls
from tests.remote.served import Networked, networked
from tests.support.scale import scaled

START = PREFACE + frame(Frame.SETTINGS)
REPEATS = scaled(500, 100_000)
PATIENCE = 1.0
"""Seconds that a connection is given to be closed, where it need not be."""


def noise(seed: int) -> bytes:
    """Any bytes."""
    return random.Random(seed).randbytes(4096)


def streams(one: Callable[[int], bytes]) -> bytes:
    """The same on many streams, each with a number of its own."""
    return b"".join(one(2 * number + 1) for number in range(REPEATS))


MALFORMED: dict[str, bytes] = {
    "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no HTTP at all": noise(1),
    "noise behind the preface": PREFACE + noise(2),
    "a frame of 16 MiB": START + b"\xff\xff\xff" + bytes((Frame.DATA, 0)) + b"\0\0\0\1" + b"x" * 65536,
    "settings of an impossible size": PREFACE + frame(Frame.SETTINGS, b"12345"),
    "settings acknowledged with a text": PREFACE + frame(Frame.SETTINGS, b"123456", flags=1),
    "data on the connection": START + frame(Frame.DATA, b"x"),
    "data on a stream that nobody opened": START + frame(Frame.DATA, b"x", stream=7),
    "headers on stream 0": START + frame(Frame.HEADERS, request(), flags=END_HEADERS),
    "an even stream": START + frame(Frame.HEADERS, request(), flags=END_HEADERS, stream=2),
    "a continuation of nothing": START + frame(Frame.CONTINUATION, request(), stream=1),
    "headers broken off by a ping": START
    + frame(Frame.HEADERS, request()[:20], stream=1)
    + frame(Frame.PING, b"12345678"),
    "headers without end": START
    + frame(Frame.HEADERS, request(), stream=1)
    + frame(Frame.CONTINUATION, b"\x00\x01a\x7f" + b"\x7f" * 16000, stream=1) * 64,
    "an index beyond the table": START + frame(Frame.HEADERS, b"\xff\xff\xff\xff\x0f", flags=END_HEADERS, stream=1),
    "a window of 0": START + frame(Frame.WINDOW_UPDATE, b"\0\0\0\0"),
    "a window that overflows": START + frame(Frame.WINDOW_UPDATE, b"\x7f\xff\xff\xff") * 2,
    "a promise from a client": START + frame(Frame.PUSH_PROMISE, b"\0\0\0\2" + request(), stream=1),
    "a reset of nothing": START + frame(Frame.RST_STREAM, b"\0\0\0\0", stream=0),
    "frames of unknown kinds": START + b"".join(frame(kind, b"x" * 8, stream=1) for kind in range(20, 200)),
    "many settings": START + frame(Frame.SETTINGS) * REPEATS,
    "many pings": START + frame(Frame.PING, b"12345678") * REPEATS,
    "many resets": START
    + streams(
        lambda stream: (
            frame(Frame.HEADERS, request(), flags=END_HEADERS, stream=stream)
            + frame(Frame.RST_STREAM, b"\0\0\0\x08", stream=stream)
        )
    ),
    "many streams that say nothing": START
    + streams(lambda stream: frame(Frame.HEADERS, request(), flags=END_HEADERS, stream=stream)),
    "a preface and nothing": START,
    "half a greeting": PREFACE[:10],
}


async def send(port: int, data: bytes) -> bool:
    """Send it over TLS; whether the server closed the connection."""
    reader, writer = await tls(port)
    try:
        writer.write(data)
        try:
            async with asyncio.timeout(PATIENCE):
                await writer.drain()
        except (OSError, TimeoutError):
            return True
        return await said_to(reader, PATIENCE) is not None
    finally:
        writer.transport.abort()


@pytest.mark.timeout(scaled(120, 1200))
async def test_malformed_http2_harms_nobody(short_tmp: Path) -> None:
    async with networked(short_tmp) as server, server.client() as client:
        async with asyncio.TaskGroup() as tasks:
            sending = {name: tasks.create_task(send(server.listener.port, data)) for name, data in MALFORMED.items()}
            while not all(task.done() for task in sending.values()):
                assert (await client.list_executions()).total == 0, "who is connected is served meanwhile"
                await asyncio.sleep(0.05)
        closed = [name for name, task in sending.items() if task.result()]
        async with server.client() as after:
            assert (await after.list_executions()).total == 0
    must_close = {"HTTP/1.1", "no HTTP at all", "settings of an impossible size", "an index beyond the table"}
    assert must_close <= set(closed)
    record(
        "malformed HTTP/2 and floods over TLS",
        len(MALFORMED),
        f"kinds, floods of {REPEATS:,} frames",
        f"{len(closed)} connections closed by the server, the others ignored; who was connected was served all the while",
    )


async def test_what_speaks_no_tls_is_hung_up_on(short_tmp: Path) -> None:
    async with networked(short_tmp, limits=Limits(handshake_seconds=1)) as server:
        for data in (b"GET / HTTP/1.1\r\n\r\n", START, noise(3), b"\x16\x03\x01\x02\x00"):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.listener.port)
            writer.write(data)
            said = await said_to(reader, 30.0)
            writer.transport.abort()
            assert said is not None, data
            assert len(said) < 100
        async with server.client() as client:
            assert (await client.list_executions()).total == 0


def channel_to(server: Networked) -> aio.Channel:
    """A channel of gRPC's own, without our client's checks."""
    options = [*client_options(), ("grpc.ssl_target_name_override", TLS_NAME)]
    return aio.secure_channel(
        server.endpoint, grpc.ssl_channel_credentials(server.credentials.certificate), options=options
    )


def nested(depth: int) -> bytes:
    """A message in which field 3, a message too, stands in itself so many times, encoded by hand."""
    body = b""
    for _ in range(depth):
        size, encoded = len(body), bytearray()
        while size >= 0x80:
            encoded.append(size & 0x7F | 0x80)
            size >>= 7
        encoded.append(size)
        body = b"\x1a" + bytes(encoded) + body
    return body


async def test_deep_messages_and_large_metadata_are_refused(short_tmp: Path) -> None:
    async with networked(short_tmp) as server:
        token = (AUTHORIZATION, f"Bearer {server.key()}")
        async with channel_to(server) as channel:
            listing = ExecutionServiceStub(channel).ListExecutions
            for size in (20_000, 200_000, 2_000_000):
                with pytest.raises(aio.AioRpcError) as refused:
                    await listing(ListExecutionsRequest(), metadata=(token, ("x-much", "x" * size)), timeout=30)
                assert refused.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE), size
            create = cast(
                "aio.UnaryUnaryMultiCallable[bytes, bytes]",
                channel.unary_unary("/ai.stigmer.agentic.workflow.v1.WorkflowCommandController/create"),
            )
            for depth in (200, 10_000, 100_000):
                with pytest.raises(aio.AioRpcError) as refused:
                    await create(nested(depth), metadata=(token,), timeout=30)
                assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT, (depth, refused.value.details())
            with pytest.raises(aio.AioRpcError) as refused:
                await create(b"x" * (40 << 20), metadata=(token,), timeout=30)
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            await listing(ListExecutionsRequest(), metadata=(token,), timeout=30)
