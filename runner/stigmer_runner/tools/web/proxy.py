"""The way out of commands that may reach some hosts: an HTTP proxy at the one port that their own network has.

Programs are led to it by the usual variables (`https_proxy` and its kin). It connects to hosts that the policy names and
refuses the others with a word that programs show. It never looks into what is encrypted.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence

from stigmer_runner.policy.hosts import fits, host_of, split_port
from stigmer_runner.sandbox import Listening
from stigmer_runner.tools.interface import ToolError
from stigmer_runner.tools.web.addresses import Resolve, checked_addresses

PORT = 3128
"""Inside; every command has a network of its own."""
LONGEST_HEAD = 32 * 1024
PATIENCE = 30.0
"""Seconds for a request's head, and for a connection."""
CHUNK = 64 * 1024
MOST_CONNECTIONS = 200

VARIABLES: Mapping[str, str] = {
    **{
        name: f"http://127.0.0.1:{PORT}"
        for lower in ("http_proxy", "https_proxy", "all_proxy")
        for name in (lower, lower.upper())
    },
    "no_proxy": "localhost,127.0.0.1,::1",
    "NO_PROXY": "localhost,127.0.0.1,::1",
}


class HostProxy:
    """Serves the port of one command. `close` ends it."""

    def __init__(self, hosts: Sequence[str], resolve: Resolve, refused: Callable[[str], None]) -> None:
        """`hosts` as in a policy's network; `refused` is told of each host that was asked for and is not among them."""
        self._hosts = tuple(hosts)
        self._resolve = resolve
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._closed = False
        self.listening = Listening(PORT, self._serve)

    def _serve(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._loop.call_soon_threadsafe(self._begin, listener)

    def _begin(self, listener: socket.socket) -> None:
        if self._closed:
            listener.close()
        else:
            self._accepting = self._loop.create_task(self._accept(listener))

    async def close(self) -> None:
        """End every connection, and accept no more."""
        self._closed = True
        ending = [task for task in (self._accepting, *self._tasks) if task is not None]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        if self._listener is not None:
            self._listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = await self._loop.sock_accept(listener)
            if len(self._tasks) >= MOST_CONNECTIONS:
                connection.close()
                continue
            task = self._loop.create_task(self._connection(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connection(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection, limit=LONGEST_HEAD)
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
            await self._answer(head, reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            await _closed(writer)

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = _Request(head)
            far_reader, far_writer = await self._connect(request)
        except _Refused as refusal:
            writer.write(refusal.response())
            await writer.drain()
            return
        try:
            if request.connect:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                far_writer.write(request.forwarded())
            await _both_ways(reader, writer, far_reader, far_writer)
        finally:
            await _closed(far_writer)

    async def _connect(self, request: "_Request") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = request.host, request.port
        if not any(fits(pattern, host, port) for pattern in self._hosts):
            self._refused(f"{host}:{port}")
            raise _Refused(403, f"the policy does not open {host}:{port}")
        named = any(host_of(split_port(pattern)[0]) == host for pattern in self._hosts)
        try:
            addresses = await checked_addresses(host, port, named=named, resolve=self._resolve)
        except ToolError as error:
            self._refused(f"{host}:{port}")
            raise _Refused(403, str(error)) from error
        problem: OSError | None = None
        for address in addresses[:3]:
            try:
                async with asyncio.timeout(PATIENCE):
                    return await asyncio.open_connection(address, port, limit=CHUNK)
            except OSError as error:  # a timeout is one too
                problem = error
        raise _Refused(502, f"{host}:{port} cannot be reached: {problem}")


class _Refused(Exception):
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status

    def response(self) -> bytes:
        """As a program shows it."""
        words = "".join(character if " " <= character <= "~" else "?" for character in str(self))
        body = f"stigmer: {words}\n".encode()
        head = f"HTTP/1.1 {self.status} stigmer: {words}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return head.encode() + body


class _Request:
    """The head of a request to a proxy. Raises `_Refused` for anything that could be read in two ways."""

    def __init__(self, head: bytes) -> None:
        lines = head[:-4].split(b"\r\n")
        parts = lines[0].split(b" ")
        if len(parts) != 3 or not parts[2].startswith(b"HTTP/1.") or any(byte < 32 or byte > 126 for byte in lines[0]):
            raise _Refused(400, "the request is none that a proxy understands")
        if any(b"\n" in line or b"\r" in line or b"\0" in line for line in lines):
            raise _Refused(400, "the request's head holds stray line ends")
        self._method, target = parts[0], parts[1].decode("ascii")
        self._headers = lines[1:]
        self.connect = self._method == b"CONNECT"
        authority = target
        self._path = ""
        if not self.connect:
            if not target.startswith("http://"):
                raise _Refused(400, "only http:// is asked for this way; https:// goes by CONNECT")
            authority, slash, path = target[len("http://") :].partition("/")
            self._path = f"{slash or '/'}{path}"
        name, port = split_port(authority)
        host = host_of(name) if "@" not in authority and "?" not in authority and "#" not in authority else None
        if host is None or (self.connect and port is None):
            raise _Refused(400, "the request names no host that can be told for sure")
        self.host = host
        self.port = port if port is not None else 80
        self._authority = authority

    def forwarded(self) -> bytes:
        """The request as the host itself is asked; one request a connection."""
        dropped = (b"connection:", b"proxy-", b"host:", b"keep-alive:", b"upgrade:", b"te:")
        kept = [line for line in self._headers if not line.lower().startswith(dropped)]
        first = b"%s %s HTTP/1.1" % (self._method, self._path.encode("ascii"))
        host = b"Host: " + self._authority.encode("ascii")
        return b"\r\n".join([first, host, *kept, b"Connection: close", b"", b""])


async def _both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    """Pass bytes on until both sides have said all."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_pass_on(reader, far_writer))
        group.create_task(_pass_on(far_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        if writer.can_write_eof():
            writer.write_eof()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
