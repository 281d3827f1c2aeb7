"""HTTP/1.1 on a stream of asyncio's, for answers that come in thousands of small chunks.

A general client hands on chunk by chunk, at 20 to 30 microseconds each; this one hands on what a read of the socket
brought, with the chunks' frames taken out. It does what a model's interface needs: one request at a time on a
connection that is kept for the next, TLS with the certificate checked, bounds on heads, and no more. No proxies, no
cookies, no compression, no pipelining, no HTTP/2.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx2

_LARGEST_HEAD: Final = 64 * 1024
_AT_ONCE: Final = 256 * 1024
"""Bytes of one read."""
_IDLE: Final = 30.0
"""Seconds that a connection without a request is kept."""
_MOST_IDLE: Final = 8
_FINISH: Final = 0.1
"""Seconds that the end of a body is waited for, after its last content."""


class BadFraming(httpx2.RemoteProtocolError):
    """What came is not HTTP/1.1."""


class Dechunker:
    """Takes the frames out of a body in chunked transfer coding (RFC 9112, section 7.1). Pure."""

    def __init__(self) -> None:
        self._rest = b""
        self._left = 0
        """Bytes of the current chunk, and of the line end after it, that have not come."""
        self._trailer = False
        self.done = False
        """Whether the last chunk and all after it have come."""

    def feed(self, data: bytes) -> bytes:
        """The content in `data`. Raises BadFraming."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        found: list[bytes] = []
        place, end = 0, len(data)
        while place < end and not self.done:
            if self._left > 2:
                taken = min(self._left - 2, end - place)
                found.append(data[place : place + taken])
                place += taken
                self._left -= taken
                continue
            if self._left:
                taken = min(self._left, end - place)
                if data[place : place + taken] != b"\r\n"[2 - self._left : 2 - self._left + taken]:
                    raise BadFraming("a chunk of the answer is not as long as it says")
                place += taken
                self._left -= taken
                continue
            line_end = data.find(b"\r\n", place)
            if line_end < 0:
                if end - place > _LARGEST_HEAD:
                    raise BadFraming("a line between two chunks of the answer has no end")
                break
            line = data[place:line_end]
            place = line_end + 2
            if self._trailer:
                self.done = not line
                continue
            size = _size(line)
            if size:
                self._left = size + 2
            else:
                self._trailer = True
        self._rest = b"" if self.done else data[place:]
        return found[0] if len(found) == 1 else b"".join(found)


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or len(digits) > 15 or digits.strip(b"0123456789abcdefABCDEF"):
        raise BadFraming("a chunk of the answer does not say how long it is")
    return int(digits, 16)


@dataclass(eq=False)
class _Connection:
    """A connection, and when it became idle."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    since: float = 0.0
    used: bool = False

    def abort(self) -> None:
        """Ends it at once."""
        self.writer.transport.abort()

    def usable(self, now: float) -> bool:
        """Whether it may take another request."""
        return now - self.since < _IDLE and not self.reader.at_eof() and not self.writer.is_closing()


@dataclass(frozen=True)
class _Head:
    status: int
    headers: list[tuple[bytes, bytes]]

    def value(self, name: bytes) -> bytes:
        """The values of a header, joined as one; lower case."""
        return b",".join(value for each, value in self.headers if each.lower() == name).lower()


class Http1(httpx2.AsyncBaseTransport):
    """Connections to one origin. Limits come with each request, as httpx2's `timeout` extension."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        timeouts: Mapping[str, float | None] = request.extensions.get("timeout", {})
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        message = _encoded(request, b"".join([piece async for piece in request.stream]))
        while True:
            connection = self._reused() or await self._connect(request.url, timeouts.get("connect"))
            self._busy.add(connection)
            kept = False
            try:
                head = await self._exchange(connection, message, timeouts)
                kept = head is not None
            finally:
                if not kept:
                    self._drop(connection)
            if head is None:
                continue
            return httpx2.Response(
                head.status, headers=head.headers, stream=Body(self, connection, head), extensions={}
            )

    async def aclose(self) -> None:
        for connection in [*self._busy, *self._idle]:
            connection.abort()
        for connection in [*self._busy, *self._idle]:
            with contextlib.suppress(OSError):
                await connection.writer.wait_closed()
        self._busy.clear()
        self._idle.clear()

    def release(self, connection: _Connection) -> None:
        """The answer was read to its end: the connection may take another request."""
        self._busy.discard(connection)
        if len(self._idle) >= _MOST_IDLE:
            connection.abort()
            return
        connection.used = True
        connection.since = asyncio.get_running_loop().time()
        self._idle.append(connection)

    def drop(self, connection: _Connection) -> None:
        """The connection takes no other request."""
        self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._busy.discard(connection)
        connection.abort()

    def _reused(self) -> _Connection | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.usable(now):
                return connection
            connection.abort()
        return None

    async def _connect(self, url: httpx2.URL, patience: float | None) -> _Connection:
        secure = url.scheme == "https"
        try:
            async with asyncio.timeout(patience):
                reader, writer = await asyncio.open_connection(
                    url.host,
                    url.port or (443 if secure else 80),
                    ssl=self._tls if secure else None,
                    limit=_AT_ONCE,
                    happy_eyeballs_delay=0.25,
                )
        except TimeoutError:
            raise httpx2.ConnectTimeout("no connection in time") from None
        except (OSError, UnicodeError) as error:
            raise httpx2.ConnectError(_reason(error)) from error
        return _Connection(reader, writer)

    async def _exchange(
        self, connection: _Connection, message: bytes, timeouts: Mapping[str, float | None]
    ) -> _Head | None:
        """The head of the answer; None where a kept connection turned out to be over before it took the request."""
        try:
            async with asyncio.timeout(timeouts.get("write")):
                connection.writer.write(message)
                await connection.writer.drain()
            async with asyncio.timeout(timeouts.get("read")):
                return await _read_head(connection.reader)
        except TimeoutError:
            raise httpx2.ReadTimeout("no answer in time") from None
        except asyncio.LimitOverrunError:
            raise BadFraming("the head of the answer is too long") from None
        except (OSError, asyncio.IncompleteReadError) as error:
            nothing = not isinstance(error, asyncio.IncompleteReadError) or not error.partial
            if connection.used and nothing:
                return None
            raise httpx2.ReadError("the connection ended before the answer began") from None


class Body(httpx2.AsyncByteStream):
    """What follows a head. The connection is kept where it is read to its end, and ended where it is not."""

    def __init__(self, transport: Http1, connection: _Connection, head: _Head) -> None:
        self._transport = transport
        self._connection = connection
        self._head = head
        self._over = False
        chunked = b"chunked" in head.value(b"transfer-encoding")
        self._dechunker = Dechunker() if chunked else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        reader = self._connection.reader
        dechunker = self._dechunker
        if dechunker is not None:
            while not dechunker.done:
                if content := dechunker.feed(await self._read(reader, _AT_ONCE)):
                    yield content
        elif length := self._head.value(b"content-length"):
            left = _length(length)
            while left:
                data = await self._read(reader, min(left, _AT_ONCE))
                left -= len(data)
                yield data
        elif self._head.status not in (204, 304):
            while data := await reader.read(_AT_ONCE):
                yield data
            return
        self._finish()

    async def _read(self, reader: asyncio.StreamReader, most: int) -> bytes:
        try:
            data = await reader.read(most)
        except OSError:
            data = b""
        if not data:
            raise httpx2.ReadError("the connection ended before the answer did")
        return data

    def _finish(self) -> None:
        if not self._over and b"close" not in self._head.value(b"connection"):
            self._over = True
            self._transport.release(self._connection)

    async def finish(self) -> None:
        """Closes a body of which all that matters was read: what frames its end is waited for a moment, to keep the connection."""
        dechunker = self._dechunker
        if dechunker is not None and not self._over:
            try:
                async with asyncio.timeout(_FINISH):
                    while not dechunker.done:
                        dechunker.feed(await self._read(self._connection.reader, _LARGEST_HEAD))
                self._finish()
            except (TimeoutError, httpx2.TransportError):
                self._transport.drop(self._connection)
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the connection, where the body was not read to its end."""
        if not self._over:
            self._over = True
            self._transport.drop(self._connection)


def _encoded(request: httpx2.Request, body: bytes) -> bytes:
    """Head and body, with the body's length in place of how the request frames it."""
    dropped = (b"content-length", b"transfer-encoding", b"connection", b"host")
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), request.url.raw_path), b"host: " + request.url.netloc]
    for name, value in request.headers.raw:
        if name.lower() not in dropped:
            lines.append(b"%b: %b" % (name.lower(), value))
    if body or request.method not in ("GET", "HEAD"):
        lines.append(b"content-length: %d" % len(body))
    head = b"\r\n".join(lines)
    if b"\r\n" in b"".join(lines) or b"\n" in head.replace(b"\r\n", b"") or b"\0" in head:
        raise httpx2.LocalProtocolError("a header holds a line end")
    return head + b"\r\n\r\n" + body


async def _read_head(reader: asyncio.StreamReader) -> _Head:
    while True:
        data = await reader.readuntil(b"\r\n\r\n")
        if len(data) > _LARGEST_HEAD:
            raise BadFraming("the head of the answer is too long")
        first, *lines = data[:-4].split(b"\r\n")
        parts = first.split(b" ", 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not (parts[1].isdigit() and len(parts[1]) == 3):
            raise BadFraming("what answers does not speak HTTP/1.1")
        status = int(parts[1])
        if status >= 200:
            headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
            if parts[0] == b"HTTP/1.0":
                headers.append((b"connection", b"close"))
            return _Head(status, headers)
        if status == 101:
            raise BadFraming("what answers does not speak HTTP/1.1")


def _length(value: bytes) -> int:
    """Of a body; the same length said twice is one."""
    lengths = {each.strip() for each in value.split(b",")}
    length = lengths.pop()
    if lengths or not length.isdigit() or len(length) > 15:
        raise BadFraming("the answer does not say how long it is")
    return int(length)


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
