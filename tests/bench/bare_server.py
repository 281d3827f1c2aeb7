"""The least that gRPC costs: a server in a process of its own, with a call that does nothing and a stream of bytes that are there already.

`python -m tests.bench.bare_server SOCKET`; it ends when standard input does.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from stigmer_apis.transport import aio, client_options, grpc, server_options, unix_target

NOTHING = "/bare.Bare/Nothing"
STREAM = "/bare.Bare/Stream"
READY = b"ready\n"


def _same(data: bytes) -> bytes:
    return data


async def _nothing(request: bytes, context: "aio.ServicerContext[bytes, bytes]") -> bytes:
    return b""


async def _stream(request: bytes, context: "aio.ServicerContext[bytes, bytes]") -> AsyncGenerator[bytes]:
    """`request`, again and again: its first four bytes say how often."""
    for _ in range(int.from_bytes(request[:4])):
        yield request


class _Bare(grpc.GenericRpcHandler):
    """Knows both calls by name."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler of a call."""
        match handler_call_details.method:
            case "/bare.Bare/Nothing":
                return grpc.unary_unary_rpc_method_handler(_nothing, _same, _same)
            case "/bare.Bare/Stream":
                return grpc.unary_stream_rpc_method_handler(_stream, _same, _same)
            case _:
                return None


async def serve(socket: Path) -> None:
    """Serve until standard input ends."""
    server = aio.server(options=server_options())
    server.add_generic_rpc_handlers([_Bare()])
    server.add_insecure_port(unix_target(socket))
    await server.start()
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


@contextmanager
def bare_server(socket: Path) -> Generator[None]:
    """Such a server as a process."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare_server", str(socket)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        if process.stdout.readline() != READY:
            raise RuntimeError("the bare server did not start")
        try:
            yield
        finally:
            process.stdin.close()


class BareClient:
    """Calls the bare server."""

    def __init__(self, channel: aio.Channel) -> None:
        self._nothing = channel.unary_unary(NOTHING, _same, _same)
        self._stream = channel.unary_stream(STREAM, _same, _same)

    async def nothing(self) -> None:
        """A call that does nothing."""
        await self._nothing(b"")

    async def stream(self, message: bytes, count: int) -> AsyncGenerator[bytes]:
        """`message`, so many times. Its first four bytes are lost to the count."""
        call = self._stream(count.to_bytes(4) + message[4:])
        while isinstance(answer := await call.read(), bytes):
            yield answer


@asynccontextmanager
async def bare_client(socket: Path) -> AsyncGenerator[BareClient]:
    """A connected client."""
    async with aio.insecure_channel(unix_target(socket), options=client_options()) as channel:
        yield BareClient(channel)


def main(arguments: Sequence[str]) -> int:
    """The process."""
    asyncio.run(serve(Path(arguments[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
