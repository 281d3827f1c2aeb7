"""Connections by hand, for what no library of ours would send."""

import asyncio
import ssl
import struct
from contextlib import suppress
from enum import IntEnum

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What an HTTP/2 connection begins with (RFC 9113, 3.4)."""


class Frame(IntEnum):
    """Types of frames (RFC 9113, 6)."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


END_HEADERS = 0x4


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> bytes:
    """A frame as it is on the wire."""
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def header(name: bytes, value: bytes) -> bytes:
    """A header field, literal and not indexed (RFC 7541, 6.2.2); name and value below 127 bytes."""
    return b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value


def request(path: bytes = b"/stigmer.server.v1.ServerService/GetServerInfo") -> bytes:
    """The headers of a call."""
    fields = [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":path", path),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
    ]
    return b"".join(header(name, value) for name, value in fields)


async def tls(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has greeted with TLS, and says that HTTP/2 follows. Raises `OSError` where it is closed before."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return await asyncio.open_connection("127.0.0.1", port, ssl=context)


async def said_to(reader: asyncio.StreamReader, seconds: float) -> bytes | None:
    """What the other side says until it closes the connection; None where it does not within so many seconds."""
    said = bytearray()
    try:
        async with asyncio.timeout(seconds):
            with suppress(OSError):
                while data := await reader.read(65536):
                    said += data
    except TimeoutError:
        return None
    return bytes(said)


async def keep_alive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer pings and ignore everything else, until the other side closes: a connection that lives and wants nothing."""
    with suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(9)
            payload = await reader.readexactly(int.from_bytes(head[:3]))
            if head[3] == Frame.PING and not head[4]:
                writer.write(frame(Frame.PING, payload, flags=1))
    writer.transport.abort()
