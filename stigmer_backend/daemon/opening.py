"""How the daemon comes to its store; while another daemon has it, this one serves by way of that one."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from stigmer_apis.home import Home
from stigmer_backend.access import Tokens
from stigmer_backend.daemon.ending import Ending
from stigmer_backend.daemon.forwarding import ForwardingDaemon
from stigmer_backend.daemon.networking import Network
from stigmer_backend.daemon.options import ServeOptions
from stigmer_backend.daemon.presence import OwnPresence
from stigmer_backend.store import OpenRefused, Store
from stigmer_backend.store.uri import place_of

_log = logging.getLogger(__name__)


class _Waiting:
    """What the store asks, again and again and on a thread of its own, whether to go on waiting for who has the database."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._told: set[str] = set()
        self._given_up = False
        self.begun = asyncio.Event()
        """Somebody has it."""

    def goes_on(self, holder: str) -> bool:
        """Whether to; says who is waited for in the log, once."""
        if holder not in self._told:
            self._told.add(holder)
            _log.warning("standing by: the database is in use by %s", holder)
            self._loop.call_soon_threadsafe(self.begun.set)
        return not self._given_up

    def give_up(self) -> None:
        """Go on no longer."""
        self._given_up = True


async def open_store(home: Home, options: ServeOptions, ending: Ending, own: OwnPresence) -> Store:
    """The open store. Where another daemon has the database and this one may stand by: once that is gone; until then this one passes on what it is asked.

    Raises `DatabaseInUse` where it is asked to stop before, `HomeError` where its disk is not mounted, and what `Store.open_at` raises.
    """
    await asyncio.to_thread(home.require_disk, place_of(options.storage, home.data).directory)
    if not options.standby:
        return await Store.open_at(options.storage, home.data, options=replace(options.store, roll=own.roll))
    waiting = _Waiting()
    chosen = replace(options.store, standby=waiting.goes_on, roll=own.roll)
    opening = asyncio.create_task(Store.open_at(options.storage, home.data, options=chosen))
    meanwhile = asyncio.create_task(_serve_meanwhile(waiting, home, options, ending, own))
    try:
        await asyncio.wait({opening, meanwhile}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.give_up()
        meanwhile.cancel()
    try:
        with suppress(asyncio.CancelledError):
            await meanwhile
    except BaseException:
        with suppress(OpenRefused):
            await (await opening).close()
        raise
    return await opening


async def _serve_meanwhile(
    waiting: _Waiting, home: Home, options: ServeOptions, ending: Ending, own: OwnPresence
) -> None:
    """Return when this daemon was asked to stop, and its part is over."""
    await waiting.begun.wait()
    tokens = await asyncio.to_thread(Tokens.open, home)
    network = await asyncio.to_thread(Network.prepare, home, options.network)
    await ForwardingDaemon(home, options, tokens, network, ending, own).run()
