"""A server on loopback that answers as a test says."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """What came."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is said."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def as_json(text: str, status: int = 200) -> Answer:
    """An answer that is JSON."""
    return Answer(status, text.encode(), {"Content-Type": "application/json"})


@dataclass
class Site:
    """The server. `answer` says what is answered; `requests` are those that came."""

    port: int = 0
    answer: Callable[[Request], Answer | Awaitable[Answer]] = lambda _: as_json("null")
    requests: list[Request] = field(default_factory=list[Request])

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._one(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(method, path, headers, body)
        self.requests.append(request)
        answer = self.answer(request)
        if not isinstance(answer, Answer):
            answer = await answer
        told = {"Content-Length": str(len(answer.body)), "Connection": "close", **answer.headers}
        writer.write(f"HTTP/1.1 {answer.status} Said\r\n".encode())
        writer.write("".join(f"{name}: {value}\r\n" for name, value in told.items()).encode() + b"\r\n")
        writer.write(b"" if method == "HEAD" else answer.body)
        await writer.drain()


@contextlib.asynccontextmanager
async def served() -> AsyncGenerator[Site]:
    """A site while inside."""
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
