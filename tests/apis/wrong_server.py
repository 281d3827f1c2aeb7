"""Something at a unix socket that is no Stigmer server."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class WrongServer:
    """How often it was called."""

    callers: int = 0
    ended: threading.Event = field(default_factory=threading.Event)


@contextmanager
def wrong_server(path: Path, says: bytes, *, holds: bool = False) -> Generator[WrongServer]:
    """Whoever connects to `path` is told `says`; then the connection ends, or with `holds` stays open and silent."""
    server = WrongServer()
    held: list[socket.socket] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(0.05)
        thread = threading.Thread(target=_answer, args=(listener, says, held if holds else None, server))
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            thread.join()
            path.unlink()
            for connection in held:
                connection.close()


def _answer(listener: socket.socket, says: bytes, held: list[socket.socket] | None, server: WrongServer) -> None:
    while not server.ended.is_set():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        server.callers += 1
        connection.settimeout(5)
        with suppress(OSError):
            connection.sendall(says)
        if held is None:
            connection.close()
        else:
            held.append(connection)
