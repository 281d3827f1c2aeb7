"""Where small runners connect: what the supervisor takes for the backend's connections."""

import asyncio
from types import TracebackType

from stigmer_apis.home import Home
from stigmer_backend.access import Tokens
from tests.daemon.small_runner import SOCKET


class Presence:
    """Knows who is connected, by a real socket and real tokens, and notes who was revoked."""

    def __init__(self, home: Home, tokens: Tokens) -> None:
        self._path = home.root / SOCKET
        self._tokens = tokens
        self._here: dict[str, asyncio.StreamWriter] = {}
        self.revoked: list[tuple[str, str]] = []
        self.refused: list[str] = []
        self.freed = 0

    async def __aenter__(self) -> "Presence":
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._met, self._path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in list(self._here.values()):
            writer.close()
        await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    def is_connected(self, runner_id: str) -> bool:
        return runner_id in self._here

    async def revoke(self, runner_id: str, reason: str) -> None:
        self.revoked.append((runner_id, reason))

    async def nobody_left(self, reason: str) -> None:
        self.freed += 1

    async def shut_down(self, reason: str) -> None:
        for writer in self._here.values():
            writer.write(b"leave\n")

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            runner_id, _, token = (await reader.readline()).decode().strip().partition(" ")
            known = self._tokens.authenticate(token)
            if known is None or known.runner_id != runner_id:
                self.refused.append(runner_id)
                return
            self._here[runner_id] = writer
            await reader.read()
            self._here.pop(runner_id, None)
        finally:
            writer.close()
