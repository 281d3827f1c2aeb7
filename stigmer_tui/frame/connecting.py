"""The client: connected until the app ends; what keeps it from that is said."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING

from stigmer_apis.errors import StigmerError
from stigmer_apis.home import Home

if TYPE_CHECKING:
    from stigmer_apis.client import Client, Connection
    from stigmer_apis.client.remote import Remote

# The client and what reads a run are imported once the first screen is drawn: gRPC takes as long to load as everything else here.

RETRY_SECONDS = 2.0
"""After connecting failed."""


class Connecting:
    """Holds the one client of the app."""

    def __init__(
        self,
        home: Home,
        changed: Callable[[], None],
        *,
        start_daemon: bool,
        read_only: bool = False,
        label: str = "",
        remote: "Callable[[], Remote | None] | None" = None,
    ) -> None:
        """`changed` is told when there are other words to show. `read_only`: as a viewer, whose every change the server refuses. `label`: what is
        said as long as all is well. `remote`: asked for the server on another machine, if it is to be that; blocking."""
        self._remote = remote
        self._home = home
        self._changed = changed
        self._start_daemon = start_daemon
        self._read_only = read_only
        self._label = label
        self._connected = asyncio.Event()
        self._client: Client | None = None
        self.words = label
        """What stands between this and the server; empty while all is well."""
        self.lost = False
        """Whether that is a trouble, and not only the beginning."""

    async def run(self, begin: Callable[[], None], meanwhile: "Callable[[Client], Awaitable[None]]") -> None:
        """Be connected until it is cancelled. `begin` is called each time that the client is there, and `meanwhile` goes on as long as it is."""
        from stigmer_apis.client import Client

        role = "viewer" if self._read_only else "operator"
        while True:
            try:
                remote = await asyncio.to_thread(self._remote) if self._remote is not None else None
            except StigmerError as error:
                self._say(str(error), lost=True)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            client = Client(self._home, role=role, start_daemon=self._start_daemon, remote=remote)
            stop_listening = client.connection.listen(self._told)
            try:
                async with client:
                    self._client = client
                    self._connected.set()
                    await asyncio.to_thread(import_module, "stigmer_tui.screens.run")
                    begin()
                    await meanwhile(client)
            except StigmerError as error:
                self._say(str(error), lost=True)
            finally:
                stop_listening()
            await asyncio.sleep(RETRY_SECONDS)

    async def client(self) -> "Client":
        """The client, once it is connected for the first time."""
        while self._client is None:
            await self._connected.wait()
        return self._client

    def _told(self, connection: "Connection") -> None:
        match connection.state.value:
            case "lost":
                self._say(f"{connection.reason}; connecting again …", lost=True)
            case "stopped":
                self._say(connection.reason, lost=True)
            case "connecting":
                self._say(f"{connection.reason} …")
            case _:
                self._say(connection.notice)

    def _say(self, words: str, *, lost: bool = False) -> None:
        self.words, self.lost = words or self._label, lost
        self._changed()
