"""A command without a terminal, on the event loop: its two outputs kept apart."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from functools import partial

from stigmer_runner.sandbox.command import CHUNK, DRAIN_TIME, SILENCE, WALLED_SILENCE, Ground
from stigmer_runner.sandbox.descriptors import ChildDescriptors
from stigmer_runner.sandbox.ending import Ended
from stigmer_runner.sandbox.model import ExecutionRequest, ExecutionResult, Outcome
from stigmer_runner.sandbox.walls import Wrapped
from stigmer_runner.sandbox.watching import LimitWatch


def _to_nobody(output: int, data: bytes) -> None:
    return


class PlainProcess:
    """The process and the reading ends of its two outputs. Raises `OSError` where it cannot be started."""

    def __init__(self, wrapped: Wrapped, directory: str, content: bytes, descriptors: ChildDescriptors) -> None:
        with ChildDescriptors() as own:
            read_out, write_out = own.pipe()
            read_err, write_err = own.pipe()
            spawn = partial(
                subprocess.Popen[bytes],
                list(wrapped.arguments),
                stdin=own.holding(content, "stigmer-input"),
                stdout=write_out,
                stderr=write_err,
                cwd=directory,
                env=wrapped.environment,
                pass_fds=descriptors.all,
                start_new_session=wrapped.new_session,
            )
            self._popen = spawn() if wrapped.confinement is None else wrapped.confinement.start(spawn)
            self.outputs = (own.keep(read_out), own.keep(read_err))
        self.pid = self._popen.pid

    def abandon(self) -> None:
        """It was ended before it began: take its end, and read nothing."""
        self._popen.wait()
        for fd in self.outputs:
            os.close(fd)

    def wait(self) -> int:
        """Reap it; only after its end. As a shell says it: 128 + n for signal n."""
        code = self._popen.wait()
        return code if code >= 0 else 128 - code


class Output:
    """One output, read as it comes, kept up to a limit; `hand_over` is given all of it."""

    def __init__(self, fd: int, limit: int, hand_over: Callable[[bytes], None]) -> None:
        self._fd = fd
        self._limit = limit
        self._hand_over = hand_over
        self._loop = asyncio.get_running_loop()
        self.kept = bytearray()
        self.total = 0
        self.closed = asyncio.Event()
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._readable)

    def close(self) -> None:
        """Read no more."""
        if not self.closed.is_set():
            self._loop.remove_reader(self._fd)
            self.closed.set()
        os.close(self._fd)

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._loop.remove_reader(self._fd)
            self.closed.set()
        self.total += len(data)
        self.kept += data[: max(0, self._limit - len(self.kept))]
        if data:
            self._hand_over(data)


class PlainCommand:
    """A command on its way to its `ExecutionResult`."""

    def __init__(self, process: PlainProcess, request: ExecutionRequest, ground: Ground) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._request = request
        self._ground = ground
        told = request.on_output or _to_nobody
        self._outputs = [
            Output(fd, request.output_limit, partial(told, number)) for number, fd in enumerate(process.outputs, 1)
        ]
        self._began = ground.began
        self._ended_at: float | None = None
        self._asked: Outcome | None = None
        self._ending: asyncio.Future[Ended] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._watch: LimitWatch | None = None
        self._limit = ""
        self.exited = asyncio.Event()
        """Set once its process is gone."""
        self._pidfd = os.pidfd_open(process.pid)
        self._loop.add_reader(self._pidfd, self._exited)
        self.life = self._loop.create_task(self._live())

    def begin(self) -> None:
        """Let its time run."""
        if self._ground.anchor is not None:
            self._ground.anchor.hold()
        if self._request.timeout is not None and self._ended_at is None:
            self._timer = self._loop.call_later(self._request.timeout, self._end_soon, Outcome.TIMED_OUT)
        if self._request.limits is not None and self._ended_at is None:
            limits, where = self._request.limits, self._request.workspace
            self._watch = self._ground.watcher.watch(
                self._process.pid, limits, where, self._over_limit, self._ground.kept
            )

    async def cancel(self) -> None:
        """End it and wait for that."""
        self._end_soon(Outcome.CANCELLED)
        if self._ending is not None:
            await asyncio.shield(self._ending)
        await asyncio.wait({self.life})

    async def wait(self) -> ExecutionResult:
        """How it ended."""
        return await asyncio.shield(self.life)

    def _end_soon(self, outcome: Outcome) -> None:
        if self._ended_at is None and self._ending is None:
            self._asked = outcome
            self._ending = self._loop.run_in_executor(self._ground.executor, self._ground.end)

    def _over_limit(self, words: str) -> None:
        self._limit = words
        self._end_soon(Outcome.CANCELLED)

    def _exited(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._ended_at = self._loop.time()
        if self._timer is not None:
            self._timer.cancel()
        if self._watch is not None:
            self._watch.close()
        self.exited.set()

    async def _live(self) -> ExecutionResult:
        await self.exited.wait()
        code = self._process.wait()
        await self._drain()
        ended = await self._ending if self._ending is not None else None
        if self._ground.anchor is not None:
            await self._ground.anchor.gone()
        self._ground.ended()
        starved = self._ground.kept.starved()
        if self._request.limits is not None:
            await self._loop.run_in_executor(self._ground.executor, self._ground.kept.leave)
        for output in self._outputs:
            output.close()
        out, err = self._outputs
        assert self._ended_at is not None
        return ExecutionResult(
            outcome=self._asked or Outcome.EXITED,
            exit_code=code if self._asked is None else None,
            stdout=bytes(out.kept),
            stderr=bytes(err.kept),
            duration=self._ended_at - self._began,
            truncated=any(output.total > len(output.kept) for output in self._outputs),
            killed=ended.killed if ended else (),
            survivors=ended.survivors if ended else (),
            limit=self._limit or (starved if code == 137 else ""),
        )

    async def _drain(self) -> None:
        silence = WALLED_SILENCE if self._ground.walled else SILENCE
        deadline = self._loop.time() + DRAIN_TIME
        for output in self._outputs:
            while not output.closed.is_set() and self._loop.time() < deadline:
                before = output.total
                try:
                    async with asyncio.timeout(silence):
                        await output.closed.wait()
                except TimeoutError:
                    if output.total == before:
                        break
