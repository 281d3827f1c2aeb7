"""Keeps one runner alive: adopts the last daemon's, starts one where there is none, starts it again when it dies."""

import asyncio
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Never, Protocol

from stigmer_apis.home import Home
from stigmer_apis.ids import Prefix, new_id
from stigmer_backend.access import Tokens
from stigmer_backend.daemon.processes import WatchedProcess, identity_of
from stigmer_backend.daemon.runner_process import (
    RunnerNotStarted,
    RunnerRecord,
    forget_record,
    read_record,
    runner_command,
    runner_environment,
    runner_record_path,
    start_runner,
    write_record,
)

_SIGNALS = {known.value: known.name for known in signal.Signals}

_log = logging.getLogger(__name__)


class Connections(Protocol):
    """The runners that are connected, as the backend knows them."""

    def is_connected(self, runner_id: str) -> bool:
        """Whether the runner's link is open now."""
        ...

    async def revoke(self, runner_id: str, reason: str) -> None:
        """The runner is gone: take its leases away at once. A runner that is unknown is none's."""
        ...

    async def nobody_left(self, reason: str) -> None:
        """No runner of an earlier daemon lives: what they held is free at once."""
        ...

    async def shut_down(self, reason: str) -> None:
        """Tell every connected runner to end what it runs and to leave."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorOptions:
    """Times, in seconds."""

    adoption: float = 10.0
    """How long the runner of the last daemon may take to connect, before it is replaced."""
    first_delay: float = 0.2
    """Between a runner's death and the next start; twice as long after each further death."""
    longest_delay: float = 10.0
    """But never longer than this."""
    healthy: float = 60.0
    """A runner that lived for so long begins again with the first delay."""
    unreachable: float = 60.0
    """A runner that lives and is not connected for so long is replaced."""
    look: float = 2.0
    """How often it is looked whether the runner is connected."""
    goodbye: float = 8.0
    """How long a runner that was told to leave may take, before it is sent SIGTERM."""
    terminate: float = 3.0
    """And then, before it is sent SIGKILL."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the supervised runner stands."""

    record: RunnerRecord | None
    """Its process; None where there is none now."""
    since: float
    """When that process was started or adopted, by the supervisor's clock; 0 without one."""
    detail: str
    """In words for a person; empty when all is well."""


@dataclass(slots=True)
class _Runner:
    record: RunnerRecord
    process: WatchedProcess
    since: float


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Supervises the runner of one home. `run` it, cancel that, then `end` the runner or `leave` it."""

    home: Home
    tokens: Tokens
    connections: Connections
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """What the runner's environment is chosen from."""
    command: Callable[[Home, str], tuple[str, ...]] = runner_command
    """The command that is a runner, by home and runner id."""
    options: SupervisorOptions = field(default_factory=SupervisorOptions)
    clock: Callable[[], float] = time.monotonic
    new_runner_id: Callable[[], str] = field(default_factory=lambda: lambda: new_id(Prefix.RUNNER))
    _runner: _Runner | None = None
    _detail: str = "not started yet"

    def standing(self) -> Standing:
        """How the runner stands now."""
        if self._runner is None:
            return Standing(None, 0.0, self._detail)
        return Standing(self._runner.record, self._runner.since, self._detail)

    async def run(self) -> Never:
        """Keep a runner alive until cancelled; the runner lives on then."""
        if await self._adopt():
            await self._watch()
        await self.connections.nobody_left("no runner of an earlier daemon is alive")
        delay = self.options.first_delay
        while True:
            began = self.clock()
            if await self._start():
                await self._watch()
            if self.clock() - began >= self.options.healthy:
                delay = self.options.first_delay
            self._detail += f"; started again in {delay:g} s"
            _log.info("the runner is started again in %g s", delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, self.options.longest_delay)

    async def end(self, reason: str, *, ask: bool = True) -> None:
        """End the runner: ask it over its link unless not to, then by SIGTERM, then by SIGKILL. Returns when it is gone."""
        runner = self._runner
        if runner is None:
            return
        if ask and self.connections.is_connected(runner.record.runner_id):
            await self.connections.shut_down(reason)
            if not await runner.process.gone_within(self.options.goodbye):
                _log.warning("runner %s did not leave when it was told to", runner.record.runner_id)
        await self._make_end(runner.process)
        await self._bury(runner, reason)

    def leave(self) -> None:
        """Let the runner live on, for the next daemon to adopt."""
        if self._runner is not None:
            self._runner.process.close()
            self._runner = None

    async def _adopt(self) -> bool:
        """Take over the runner of the last daemon, if it lives and connects in time. Else it is gone when this returns."""
        record = await asyncio.to_thread(read_record, runner_record_path(self.home))
        if record is None:
            await self._noted(self.tokens.revoke_runners)
            return False
        process = WatchedProcess.of_pid(record.pid, record.identity)
        if process is None:
            _log.info("the last runner (%s, pid %d) is gone", record.runner_id, record.pid)
            await self._forget(record, "its process is gone")
            return False
        runner = self._runner = _Runner(record, process, self.clock())
        self._detail = "waiting for the last daemon's runner to connect again"
        await self._noted(lambda: self.tokens.revoke_runners(but=record.runner_id))
        if await self._connects(runner):
            self._detail = ""
            _log.info("adopted runner %s (pid %d)", record.runner_id, record.pid)
            return True
        _log.warning("the last runner (%s, pid %d) did not connect again: replacing it", record.runner_id, record.pid)
        await self._make_end(process)
        await self._bury(runner, "it did not connect to the new daemon in time")
        return False

    async def _connects(self, runner: _Runner) -> bool:
        """Whether it connects within the time given, and lives."""
        if not self.tokens.knows_runner(runner.record.runner_id):
            return False
        deadline = self.clock() + self.options.adoption
        while self.clock() < deadline:
            if self.connections.is_connected(runner.record.runner_id):
                return True
            if await runner.process.gone_within(min(0.05, self.options.adoption)):
                return False
        return self.connections.is_connected(runner.record.runner_id)

    async def _start(self) -> bool:
        """Start a runner. False, with the reason logged and shown, when it cannot be started."""
        starting = asyncio.create_task(asyncio.to_thread(self._start_blocking, self.new_runner_id()))
        try:
            try:
                self._began(*await asyncio.shield(starting))
            except asyncio.CancelledError:
                self._began(*await starting)
                raise
        except (RunnerNotStarted, OSError) as error:
            _log.error("%s", error)
            self._detail = str(error)
            return False
        return True

    def _start_blocking(self, runner_id: str) -> tuple[RunnerRecord, subprocess.Popen[bytes]]:
        """Once there is a child, nothing may be raised: it has to be watched."""
        token = self.tokens.issue_runner(runner_id)
        child = start_runner(
            self.command(self.home, runner_id),
            token,
            runner_environment(self.environ, self.home),
            self.home.logs / "runner.log",
        )
        record = RunnerRecord(runner_id, child.pid, identity_of(child.pid) or "")
        try:
            write_record(runner_record_path(self.home), record)
        except OSError as error:
            _log.warning("the next daemon will not find runner %s: %s", runner_id, error)
        return record, child

    def _began(self, record: RunnerRecord, child: subprocess.Popen[bytes]) -> None:
        self._runner = _Runner(record, WatchedProcess.of_child(child), self.clock())
        self._detail = "starting"
        _log.info("started runner %s (pid %d)", record.runner_id, record.pid)

    async def _watch(self) -> None:
        """Return when the runner is gone and buried. One that lives and does not connect for too long is ended."""
        runner = self._runner
        assert runner is not None
        seen = self.clock()
        while not await runner.process.gone_within(self.options.look):
            if self.connections.is_connected(runner.record.runner_id):
                seen = self.clock()
                self._detail = ""
            elif self.clock() - seen >= self.options.unreachable:
                _log.warning("runner %s lives and is not connected: replacing it", runner.record.runner_id)
                await self._make_end(runner.process)
        await self._bury(runner, f"its process {_how_it_ended(runner.process.exit_code)}")

    async def _make_end(self, process: WatchedProcess) -> None:
        process.send(signal.SIGTERM)
        if not await process.gone_within(self.options.terminate):
            process.send(signal.SIGKILL)
            await process.wait()

    async def _bury(self, runner: _Runner, reason: str) -> None:
        """The process is gone: so are its leases, its token and its record."""
        self._runner = None
        self._detail = reason
        runner.process.close()
        _log.info("runner %s (pid %d) is gone: %s", runner.record.runner_id, runner.record.pid, reason)
        await self._forget(runner.record, reason)

    async def _forget(self, record: RunnerRecord, reason: str) -> None:
        await self.connections.revoke(record.runner_id, reason)
        await self._noted(self.tokens.revoke_runners)
        await self._noted(lambda: forget_record(runner_record_path(self.home)))

    async def _noted(self, write: Callable[[], None]) -> None:
        """Write something down that the daemon can do without, such as on a full disk: the next daemon finds it out by itself."""
        try:
            await asyncio.to_thread(write)
        except OSError as error:
            _log.warning("what became of a runner could not be written down: %s", error)


def _how_it_ended(code: int | None) -> str:
    """In words."""
    if code is None:
        return "ended"
    if code < 0:
        return f"was ended by {_SIGNALS.get(-code, f'signal {-code}')}"
    return f"ended with code {code}"
