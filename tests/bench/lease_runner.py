"""A runner whose executions do what a benchmark wants: the real link and the daemon's real journal, and no sandbox."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, Sandbox
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkRequest, LinkResponse
from stigmer_apis.home import Home
from stigmer_runner.link.link import Link, LinkOptions
from stigmer_runner.link.outbox import Outbox

Work = Callable[[str, Outbox], Awaitable[None]]
"""Runs an execution, given its id and where it appends; returns once its end is appended."""


class LeaseRunner:
    """Does `work` for every lease; a `LinkHandler`."""

    def __init__(self, home: Home, runner_id: str, token: str, work: Work) -> None:
        self._work = work
        self._runs: dict[str, asyncio.Task[None]] = {}
        options = LinkOptions(home.runner_socket, token, runner_id)
        self._link = Link(options, self, Sandbox(kind="none", reason="a benchmark runs no commands"))

    async def run(self) -> None:
        """Serve leases until the daemon says to leave."""
        await self._link.run()

    @property
    def running(self) -> int:
        """Executions under way."""
        return sum(not run.done() for run in self._runs.values())

    def granted(self, grant: LinkResponse.LeaseGranted, outbox: Outbox) -> None:
        """Do the work."""
        self._runs[grant.execution_id] = asyncio.create_task(self._run(grant.execution_id, outbox))

    async def _run(self, execution_id: str, outbox: Outbox) -> None:
        await self._work(execution_id, outbox)
        self._link.close(outbox)

    def command(self, execution_id: str, command: CommandIssued) -> None:
        """Nobody asks for anything."""

    def terminal_input(self, execution_id: str, terminal_id: str, keys: bytes) -> None:
        """There are no terminals."""

    def undo_ended(self, request: LinkResponse.UndoEnded, answer: Callable[[LinkRequest.EndedUndone], None]) -> None:
        """Nothing is kept here."""

    def terminal_resized(self, execution_id: str, terminal_id: str, columns: int, rows: int) -> None:
        """There are no terminals."""

    def shut_down(self, reason: str) -> None:
        """Leave."""
        self._link.leave()


def run_leases(arguments: Sequence[str], work: Work) -> int:
    """The process: `HOME RUNNER_ID ...`, the token as the first line of standard input."""
    token = sys.stdin.readline().strip()
    asyncio.run(LeaseRunner(Home.at(Path(arguments[0])), arguments[1], token, work).run())
    return 0
