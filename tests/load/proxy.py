"""A proxy between a client and a server that does what bad networks do."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_PIECE = 65536


@dataclass(slots=True)
class Proxy:
    """Passes bytes on from a port of its own to another one of this machine."""

    target: int
    """The port behind."""
    port: int = 0
    """Its own, once it listens."""
    cuts: int = 0
    """Connections that it cut."""
    speaks: asyncio.Event = field(default_factory=asyncio.Event)
    """Not set: it keeps connections and passes nothing on."""
    delay: float = 0.0
    """Seconds that it holds each piece back."""
    rate: float = 0.0
    """Bytes a second that it lets through, each way; 0 for as many as come."""
    _writers: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    @property
    def endpoint(self) -> str:
        """Where clients find it."""
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Cut every connection, without a goodbye."""
        for writer in list(self._writers):
            writer.transport.abort()
        self.cuts += len(self._writers) // 2
        self._writers.clear()

    async def cut_again_and_again(self, dice: random.Random, shortest: float, longest: float) -> None:
        """Cut everything at random moments, so many seconds apart, until cancelled."""
        while True:
            await asyncio.sleep(dice.uniform(shortest, longest))
            self.cut()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        try:
            behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, behind_writer}
        self._writers |= ends
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(reader, behind_writer))
                both.create_task(self._pass_on(behind_reader, writer))
        finally:
            for end in ends:
                end.transport.abort()
            self._writers -= ends

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_PIECE):
                await self.speaks.wait()
                if held := self.delay + (len(data) / self.rate if self.rate else 0.0):
                    await asyncio.sleep(held)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def proxied(target: int) -> AsyncGenerator[Proxy]:
    """A proxy before a port."""
    proxy = Proxy(target)
    proxy.speaks.set()
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.speaks.set()
        proxy.cut()
        await asyncio.sleep(0)
