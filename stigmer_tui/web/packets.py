"""How an app's process speaks with who serves it (Textual's web driver): a letter, four bytes of length, the data.

`D` is what a terminal is written, or has typed; `M` is news as JSON.
"""

import asyncio
import json
from collections.abc import Mapping

DATA, META = b"D", b"M"
BEGINS = b"__GANGLION__\n"
"""The line behind which packets come."""
LARGEST = 16 * 1024 * 1024
"""No frame of a screen is larger: what claims to be is no packet."""
_PRELUDE_LINES = 10


def packet(kind: bytes, data: bytes) -> bytes:
    """One of them."""
    return kind + len(data).to_bytes(4, "big") + data


def news(what: Mapping[str, object]) -> bytes:
    """A packet of news."""
    return packet(META, json.dumps(what).encode())


async def begun(stream: asyncio.StreamReader) -> bool:
    """Read up to where packets begin; False where none do."""
    for _ in range(_PRELUDE_LINES):
        line = await stream.readline()
        if line == BEGINS or not line:
            return bool(line)
    return False


async def read_packet(stream: asyncio.StreamReader) -> tuple[bytes, bytes] | None:
    """The next one; None at the end, and where what comes is none."""
    try:
        head = await stream.readexactly(5)
        size = int.from_bytes(head[1:], "big")
        return (head[:1], await stream.readexactly(size)) if size <= LARGEST else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
