"""A line in its terminal, on the event loop: bytes out, bytes in, and its end."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from stigmer_runner.sandbox import waiting
from stigmer_runner.sandbox.anchor import Anchor
from stigmer_runner.sandbox.ending import Ended
from stigmer_runner.sandbox.environment import state_after
from stigmer_runner.sandbox.errors import CommandEnded, InputQueueFull
from stigmer_runner.sandbox.interface import OutputSink
from stigmer_runner.sandbox.model import CommandRequest, CommandResult, InputWait, Outcome
from stigmer_runner.sandbox.report import Report, ReportPipe
from stigmer_runner.sandbox.terminal import Terminal, set_size
from stigmer_runner.sandbox.watching import Kept, LimitWatch, Watcher

CHUNK = 64 * 1024
"""Bytes of one read; the kernel returns 4 to 20 KB."""

BURST = 4
"""Reads of one wake-up: more starve the other terminals of the loop (measured: 254 to 1,452 microseconds at 16)."""

INPUT_LIMIT = 64 * 1024
"""Bytes that may wait for the command to read them."""

SILENCE = 0.1
"""Seconds without output after the end, past which whoever still holds the terminal is not waited for."""

WALLED_SILENCE = 1.0
"""The same where walls end everybody: there the terminal always closes."""

DRAIN_TIME = 2.0
"""Seconds that a drain may take where somebody goes on writing."""

DRAIN_BYTES = 1024 * 1024
"""Bytes that it may bring."""


@dataclass(frozen=True)
class Ground:
    """What a command stands on."""

    began: float
    """When it was started, by the loop's clock."""
    walled: bool
    given: dict[str, str]
    """The environment that its shell was given."""
    end: Callable[[], Ended]
    """Ends everything; blocks."""
    ended: Callable[[], None]
    """Looks after what it left, once it is over."""
    executor: Executor
    """Where that may block."""
    watcher: Watcher
    """Who looks whether it keeps its limits."""
    kept: Kept
    """What is known of its processes."""
    anchor: Anchor | None = None
    """What everything of the command lives and dies with."""


class TerminalCommand:
    """See `interface.RunningCommand`."""

    def __init__(self, terminal: Terminal, report: ReportPipe, request: CommandRequest, ground: Ground) -> None:
        self._loop = asyncio.get_running_loop()
        self._terminal = terminal
        self._fd = terminal.child_fd
        self._report = report
        self._request = request
        self._ground = ground
        self._on_output: OutputSink | None = None
        self._input = bytearray()
        self._paused = False
        self._reading = False
        self._total = 0
        self._eof = asyncio.Event()
        self._failure: Exception | None = None
        self._began = ground.began
        self._duration: float | None = None
        self._asked: Outcome | None = None
        self._ending: asyncio.Future[Ended] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watch: LimitWatch | None = None
        self._limit = ""
        self._begun = asyncio.Event()
        self.exited = asyncio.Event()
        """Set once its process is gone; its output may still be on the way."""
        os.set_blocking(self._fd, False)
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._exited)
        self._result: asyncio.Future[CommandResult] = self._loop.create_future()
        self.life = self._loop.create_task(self._live())
        """Done once nothing of it is left; its result may be known before."""
        self.life.add_done_callback(self._lived)

    @property
    def pid(self) -> int:
        assert self._terminal.pid is not None
        return self._terminal.pid

    def assign(self, request: CommandRequest, ground: Ground) -> None:
        """It runs another line than it was made for: before `begin` alone."""
        self._request, self._ground, self._began = request, ground, ground.began

    def begin(self, on_output: OutputSink) -> None:
        """Hand over output from now on; before, none is read and the command does not end."""
        self._on_output = on_output
        if self._ground.anchor is not None:
            self._ground.anchor.hold()
        if self._request.timeout is not None and not self._over:
            self._timer = self._loop.call_later(self._request.timeout, self._end_soon, Outcome.TIMED_OUT)
        if self._request.limits is not None and not self._over:
            limits, where = self._request.limits, self._request.workspace
            self._watch = self._ground.watcher.watch(self.pid, limits, where, self._over_limit, self._ground.kept)
        self._start_reading()
        self._begun.set()

    def write(self, data: bytes) -> None:
        if self._over:
            raise CommandEnded("the command has ended: nothing reads its input any more")
        if len(self._input) + len(data) > INPUT_LIMIT:
            raise InputQueueFull(
                f"the command does not read its input ({len(self._input)} bytes wait already): "
                "send less, wait until it reads, or cancel it"
            )
        self._input += data
        self._flush()

    def resize(self, columns: int, rows: int) -> None:
        if not self._terminal.closed:
            set_size(self._fd, columns, rows)

    def pause_reading(self) -> None:
        self._paused = True
        if not self._over:
            self._stop_reading()

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            self._start_reading()

    def waiting_for(self) -> InputWait | None:
        return None if self._over else waiting.waiting_for(self._fd, self._terminal.ptyproc.device)

    async def cancel(self) -> None:
        self._end_soon(Outcome.CANCELLED)
        if self._ending is not None:
            await asyncio.shield(self._ending)
        await asyncio.wait({self.life})

    async def wait(self) -> CommandResult:
        return await asyncio.shield(self._result)

    @property
    def _over(self) -> bool:
        return self._duration is not None

    def _start_reading(self) -> None:
        if not self._reading and not self._eof.is_set():
            self._reading = True
            self._loop.add_reader(self._fd, self._readable)

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def _readable(self) -> None:
        pieces: list[bytes] = []
        for _ in range(BURST):
            try:
                data = os.read(self._fd, CHUNK)
            except BlockingIOError:
                break
            except OSError:  # EIO: the last holder of the terminal is gone
                data = b""
            if not data:
                self._stop_reading()
                self._eof.set()
                break
            pieces.append(data)
        if pieces:
            taken = b"".join(pieces)
            self._total += len(taken)
            self._hand_over(taken)

    def _hand_over(self, data: bytes) -> None:
        if self._on_output is None or self._failure is not None:
            return
        try:
            self._on_output(data)
        except Exception as error:
            self._failure = error
            self._end_soon(Outcome.CANCELLED)
            raise

    def _flush(self) -> None:
        try:
            while self._input:
                written = os.write(self._fd, self._input)
                del self._input[:written]
        except BlockingIOError:
            self._loop.add_writer(self._fd, self._flush)
            return
        except OSError:  # the terminal is gone: the end of the command is on its way
            self._input.clear()
        self._loop.remove_writer(self._fd)

    def _end_soon(self, outcome: Outcome) -> None:
        if self._over or self._ending is not None:
            return
        self._asked = outcome
        self._ending = self._loop.run_in_executor(self._ground.executor, self._ground.end)

    def _over_limit(self, words: str) -> None:
        self._limit = words
        self._end_soon(Outcome.CANCELLED)

    def _exited(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._terminal.ptyproc.wait()
        self._duration = self._loop.time() - self._began
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.close()
        self._report.drain()
        self.exited.set()

    async def _live(self) -> None:
        await self.exited.wait()
        await self._begun.wait()
        await self._drain()
        ended = await self._ending if self._ending is not None else None
        report, left = self._report.last(), self._report.left or not self._eof.is_set()
        starved = self._ground.kept.starved()
        # Where its shell and its supervisor came to their own ends, and left nobody, there is but the frame around them, which the kernel
        # takes a moment to take down.
        by_itself = ended is None and self._failure is None and report is not None and not self._killed()
        alone = by_itself and not left and not self._ground.kept.grouped
        if not alone:
            await self._settle()
        self._close(report, ended, left, starved)
        if alone:
            await self._settle()

    async def _settle(self) -> None:
        """See to it that nothing of it goes on."""
        if self._ground.anchor is not None:
            await self._ground.anchor.gone()
        self._ground.ended()
        if self._request.limits is not None:
            await self._loop.run_in_executor(self._ground.executor, self._ground.kept.leave)

    def _close(self, report: Report | None, ended: Ended | None, left: bool, starved: str) -> None:
        """Give the terminal up, and say how it ended."""
        self._report.close()
        self._stop_reading()
        self._loop.remove_writer(self._fd)
        self._terminal.release()
        if self._failure is not None:
            raise self._failure
        self._result.set_result(self._conclude(report, ended, left, starved))

    def _killed(self) -> bool:
        """Whether its supervisor did not come to its own end."""
        code = self._terminal.ptyproc.exitstatus
        return code is None or code >= 128

    def _lived(self, life: "asyncio.Task[None]") -> None:
        if life.cancelled():
            self._result.cancel()
        elif (error := life.exception()) is not None and not self._result.done():
            self._result.set_exception(error)
            self._result.exception()  # counts as seen: whoever waits still gets it, nobody need to

    async def _drain(self) -> None:
        """Take what was written before the end: until the terminal closes, or nothing more comes, or it is too much."""
        self._start_reading()
        silence = WALLED_SILENCE if self._ground.walled else SILENCE
        deadline, limit = self._loop.time() + DRAIN_TIME, self._total + DRAIN_BYTES
        while not self._eof.is_set() and self._loop.time() < deadline and self._total < limit:
            before = self._total
            try:
                async with asyncio.timeout(silence):
                    await self._eof.wait()
            except TimeoutError:
                if self._total == before:
                    return

    def _conclude(self, report: Report | None, ended: Ended | None, left: bool, starved: str) -> CommandResult:
        assert self._duration is not None
        process = self._terminal.ptyproc
        if self._asked is not None and ended is not None:
            return CommandResult(
                outcome=self._asked,
                exit_code=None,
                signal=None,
                duration=self._duration,
                state=self._request.state,
                killed=ended.killed,
                survivors=ended.survivors,
                limit=self._limit,
            )
        code = process.exitstatus if process.exitstatus is not None else 128 + (process.signalstatus or 0)
        number = code - 128 if 128 < code <= 192 and _by_signal(report, code) else None
        state = self._request.state
        if report is not None:
            injected = self._request.environment
            state = state_after(report.directory, report.exported, given=self._ground.given, injected=injected)
        return CommandResult(
            outcome=Outcome.EXITED if number is None else Outcome.SIGNALLED,
            exit_code=code,
            signal=number,
            duration=self._duration,
            state=state,
            background_left=left,
            limit=_told_by_signal(number) or (starved if code == _KILLED else ""),
        )


_KILLED = 128 + signal.SIGKILL


def _told_by_signal(number: int | None) -> str:
    return "it wrote a file larger than it may" if number == signal.SIGXFSZ else ""


def _by_signal(report: Report | None, code: int) -> bool:
    """Whether 128 + n means signal n: always where the shell could say nothing, and where it ran its exit trap with
    another status than the one that it ended with, which bash does when a signal ends it."""
    if report is None:
        return True
    return report.cause == "trap" and report.status % 256 != code
