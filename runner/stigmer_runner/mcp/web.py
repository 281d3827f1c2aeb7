"""A server that is reached over streamable HTTP. The SDK follows redirects within the server's own origin alone."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from stigmer_runner.mcp.definition import Address
from stigmer_runner.mcp.guard import FlowLimits, ServerFloods
from stigmer_runner.mcp.placeholders import filled
from stigmer_runner.mcp.walled import End

CONNECTING = 30.0
"""Seconds for a connection, and for a request to be sent."""
SILENT = 300.0
"""Seconds between two pieces of an answer."""


class _Bounded(httpx2.AsyncByteStream):
    """An answer that breaks off once it is longer than is taken."""

    def __init__(self, inner: httpx2.AsyncByteStream, most: int) -> None:
        self._inner = inner
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for piece in self._inner:
            total += len(piece)
            if total > self._most:
                raise ServerFloods(f"it answered with more than {self._most / 2**20:g} MiB, which is not taken")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def web_server(
    name: str, address: Address, values: Mapping[str, str], limits: FlowLimits, end: End
) -> AsyncGenerator[TransportStreams]:
    """The streams to it. Raises `ValueMissing`."""
    where = f"the MCP server {name}"
    url = httpx2.URL(filled(address.url, values, where))
    if address.query:
        url = url.copy_merge_params({key: filled(value, values, where) for key, value in address.query.items()})
    headers = {key: filled(value, values, where) for key, value in address.headers.items()}

    async def bound(response: httpx2.Response) -> None:
        if response.request.method == "POST":
            end.status = response.status_code if response.status_code >= 400 else 0
        events = response.headers.get("content-type", "").startswith("text/event-stream")
        if not events and isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Bounded(response.stream, limits.longest_message)

    timeout = httpx2.Timeout(CONNECTING, read=SILENT)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=timeout, event_hooks={"response": [bound]}) as client,
        streamable_http_client(str(url), http_client=client, max_sse_event_size=limits.longest_message) as streams,
    ):
        yield streams
