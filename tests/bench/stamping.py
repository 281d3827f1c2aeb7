"""A model whose every token is the time at which it was sent, and which knows when it was asked."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MARK = "@"
"""Begins a token: what follows are nanoseconds of `time.monotonic_ns`."""


@dataclass(slots=True)
class StampingProvider:
    """Answers each request in OpenAI's format with `tokens` stamps, `gap` seconds apart."""

    tokens: int
    gap: float
    asked: list[float] = field(default_factory=list[float])
    """When requests for an answer came, as `time.monotonic`."""

    news: asyncio.Event = field(default_factory=asyncio.Event)
    serving: "dict[asyncio.Task[None] | None, asyncio.StreamWriter]" = field(
        default_factory=dict["asyncio.Task[None] | None", asyncio.StreamWriter]
    )

    async def until_asked(self, times: int) -> None:
        """Return once so many requests have come."""
        while len(self.asked) < times:
            self.news.clear()
            await self.news.wait()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.serving[asyncio.current_task()] = writer
        try:
            while await self._request(reader):
                self.asked.append(time.monotonic())
                self.news.set()
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                )
                for _ in range(self.tokens):
                    await asyncio.sleep(self.gap)
                    if writer.is_closing():
                        return
                    writer.write(_event({"content": f"{MARK}{time.monotonic_ns()} "}, None))
                writer.write(_event({}, "stop") + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> bool:
        if not await reader.readline():
            return False
        length = 0
        while line := (await reader.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        await reader.readexactly(length)
        return True


@asynccontextmanager
async def stamping(port: int, tokens: int, gap: float) -> AsyncGenerator[StampingProvider]:
    """One that serves on a port of this machine."""
    provider = StampingProvider(tokens, gap)
    server = await asyncio.start_server(provider.answer, "127.0.0.1", port)
    try:
        yield provider
    finally:
        server.close()
        for writer in provider.serving.values():
            writer.close()
        await asyncio.wait([task for task in provider.serving if task is not None])


def stamps(text: str) -> list[float]:
    """The times in a text, in seconds; a cut one at its end is left out."""
    return [int(word[len(MARK) :]) / 1e9 for word in text.rpartition(" ")[0].split() if _is_stamp(word)]


def _is_stamp(word: str) -> bool:
    return word.startswith(MARK) and word[len(MARK) :].isdigit()


def _event(delta: dict[str, object], reason: str | None) -> bytes:
    body = {
        "id": "stamps",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "scripted",
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }
    return _chunk(b"data: " + json.dumps(body).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
