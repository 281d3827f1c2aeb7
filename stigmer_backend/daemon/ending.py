"""How the daemon is asked to stop: by a signal, or by `Shutdown`."""

import asyncio
import logging
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from stigmer_backend.daemon.exits import Exit

_log = logging.getLogger(__name__)


class Runners(Enum):
    """What becomes of the runner when the daemon stops."""

    ASKED = "asked"
    """It is asked to end what it runs and to leave, and made to when it does not."""
    KEPT = "kept"
    """It and what it runs are left alone: the next daemon adopts it."""
    ENDED = "ended"
    """It is sent SIGTERM: nothing that it would still have to say can be kept."""


@dataclass(frozen=True, slots=True)
class Request:
    """A wish that the daemon stops."""

    reason: str
    """Who wishes it, in words for the log and the runner."""
    runners: Runners
    """What becomes of the runner."""
    code: Exit = Exit.STOPPED
    """The exit code of a daemon that stops for this reason."""


class Ending:
    """Where the wish to stop arrives. The first one counts."""

    def __init__(self) -> None:
        self._asked: asyncio.Future[Request] = asyncio.get_running_loop().create_future()

    def ask(self, reason: str, runners: Runners = Runners.ASKED, code: Exit = Exit.STOPPED) -> None:
        """Ask the daemon to stop, soon and in order."""
        if not self._asked.done():
            _log.info("stopping: %s", reason)
            self._asked.set_result(Request(reason, runners, code))

    @property
    def is_asked(self) -> bool:
        """Whether somebody asked. From any thread."""
        return self._asked.done()

    @property
    def code(self) -> Exit:
        """With which exit code the daemon is to stop; `STOPPED` as long as nobody asks."""
        return self._asked.result().code if self._asked.done() else Exit.STOPPED

    @property
    def trouble(self) -> str:
        """Why it is to stop, where that is nobody's wish."""
        return self._asked.result().reason if self.code is not Exit.STOPPED else ""

    async def asked(self) -> Request:
        """Wait until somebody asks."""
        return await asyncio.shield(self._asked)


@contextmanager
def signals_ask(ending: Ending) -> Generator[None]:
    """Inside the block SIGTERM and SIGINT ask for the end, and SIGHUP does nothing: the terminal that is gone was never ours.

    SIGHUP has a handler that does nothing, instead of being ignored, because what is ignored stays so in every child.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.ask, f"{number.name} came")
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
