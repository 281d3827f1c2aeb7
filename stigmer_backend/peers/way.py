"""The way to the daemon that leads: found in the database, connected once, given up when another leads."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

from stigmer_apis.api_keys import compose
from stigmer_apis.client.remote import Remote
from stigmer_apis.errors import StigmerError, Unavailable
from stigmer_apis.transport import aio, archive_options, grpc
from stigmer_backend.store.roll import Lead, Presence

WAIT_SECONDS = 5.0
"""How long a call waits for a daemon that leads, before it is refused."""
LOOK_SECONDS = 0.1
"""How often it is looked who leads."""

READY_SECONDS = 0.01
"""How often it is looked whether a connection has come about."""

_log = logging.getLogger(__name__)


class Way:
    """Leads to whoever leads. `keep` it running; `lead` is asked of the database by somebody else."""

    def __init__(self, lead: Callable[[], Lead | None], here: Presence, wait: float = WAIT_SECONDS) -> None:
        """`here`: this daemon, for the machine that it is on."""
        self._find = lead
        self._here = here
        self._wait = wait
        self._lead: Lead | None = None
        self._channel: aio.Channel | None = None
        self._why = "no daemon leads the database yet"
        self._changed = asyncio.Event()
        self._calls: set[asyncio.Task[object]] = set()

    @property
    def lead(self) -> Lead | None:
        """Who leads, where there is a way to it."""
        return self._lead if self._channel is not None else None

    @property
    def why_not(self) -> str:
        """Why there is no way; empty where there is one."""
        return "" if self._channel is not None else self._why

    async def keep(self) -> None:
        """Follow who leads, until cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await self._give_up("this daemon does not pass calls on any more")

    async def channel(self) -> tuple[Lead, aio.Channel]:
        """A channel to the daemon that leads, which is connected. Raises `Unavailable` in words where there is none in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait):
                while True:
                    changed, lead, channel = self._changed, self._lead, self._channel
                    if lead is None or channel is None:
                        await changed.wait()
                    elif await _ready(channel, changed):
                        return lead, channel
        lead = self._lead
        why = f"the daemon that leads, {lead.presence.name}, does not answer" if lead is not None else self._why
        raise Unavailable(why, remedy="try again in a moment: another one takes its place when it is gone")

    @asynccontextmanager
    async def used(self) -> AsyncGenerator[None]:
        """Inside the block a call is passed on: it is ended, as `Unavailable`, when another takes the lead."""
        task = asyncio.current_task()
        assert task is not None
        changed = self._changed
        self._calls.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not changed.is_set():
                raise
            task.uncancel()
            raise Unavailable(
                "another daemon takes the lead, and this may or may not have been done", remedy="try again in a moment"
            ) from None
        finally:
            self._calls.discard(task)

    async def _look(self) -> None:
        lead = self._find()
        if lead == self._lead:
            return
        await self._give_up("another daemon takes the lead")
        if lead is None:
            return
        try:
            channel = await self._dial(lead.presence)
        except StigmerError as error:
            if self._why != error.message:
                _log.warning("there is no way to the daemon that leads: %s", error.message)
            self._why = error.message
            return
        self._lead, self._channel = lead, channel
        self._tell()
        _log.info("passes calls on to %s", lead.presence.name)

    async def _dial(self, to: Presence) -> aio.Channel:
        """Raises `StigmerError` where there is no way."""
        if to.socket and to.machine == self._here.machine and not to.only_address and os.access(to.socket, os.W_OK):
            return aio.insecure_channel(f"unix:{to.socket}", options=archive_options())
        if to.address:
            key = compose(bytes(32), bytes.fromhex(to.fingerprint) if to.fingerprint else None)
            return await Remote(to.address, key).channel(archive_options())
        raise Unavailable(
            f"{to.name} leads the database, and does not say where it is reached (its setting `server.listen`)"
        )

    async def _give_up(self, why: str) -> None:
        channel, self._channel, self._lead = self._channel, None, None
        if channel is None:
            return
        self._why = why
        self._tell()
        for task in self._calls:
            task.cancel()
        await channel.close()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def _ready(channel: aio.Channel, changed: asyncio.Event) -> bool:
    """Wait until `channel` is connected. False where that is of no use any more."""
    while not changed.is_set():
        state = channel.get_state(try_to_connect=True)
        if state is grpc.ChannelConnectivity.READY:
            return True
        if state is grpc.ChannelConnectivity.SHUTDOWN:
            return False
        await asyncio.sleep(READY_SECONDS)
    return False
