"""The daemon as its own process, with everything that it started gone in the end."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from stigmer_apis._generated.stigmer.server.v1 import server_pb2, server_pb2_grpc
from stigmer_apis.home import Home
from stigmer_apis.transport import aio, client_options, unix_target
from stigmer_backend.daemon.runner_process import RunnerRecord, read_record, runner_record_path
from tests.access.waiting import DEADLINE_SECONDS

Token = tuple[tuple[str, str], ...]

DAEMON = (sys.executable, "-m", "stigmer_backend.daemon")


class DaemonProcess:
    """`python -m stigmer_backend.daemon` for one home. What it says goes to a file beside the home."""

    def __init__(
        self,
        root: Path,
        command: Sequence[str] = DAEMON,
        *,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = Home.at(root, {})
        self._log = log or root.parent / "server.log"
        self._command = (*command, "--home", str(root))
        self._environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"} | dict(
            environment or {}
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._process is not None
        return self._process

    def start(self) -> "DaemonProcess":
        """Start it, and do not wait."""
        with self._log.open("ab") as words:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=self._environment, cwd="/"
            )
        return self

    async def started(self) -> "DaemonProcess":
        """Start it, and wait until it answers."""
        self.start()
        await self.answers()
        return self

    async def answers(self) -> server_pb2.GetServerInfoResponse:
        """Wait until it answers, and return who it is. Fails with its log when it ends instead."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            with suppress(OSError, aio.AioRpcError):
                async with self.asked() as (server, token):
                    return await server.GetServerInfo(server_pb2.GetServerInfoRequest(), metadata=token, timeout=5)
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the daemon does not answer (code {self.process.poll()}):\n{self.words()}")
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def asked(self, role: str = "operator") -> AsyncGenerator[tuple[server_pb2_grpc.ServerServiceStub, Token]]:
        """Its service about itself, and the metadata that makes the caller a `role`."""
        path = self.home.viewer_token if role == "viewer" else self.home.operator_token
        token = (("authorization", f"Bearer {path.read_text().strip()}"),)
        async with aio.insecure_channel(unix_target(self.home.operator_socket), options=client_options()) as channel:
            yield server_pb2_grpc.ServerServiceStub(channel), token

    async def status(self) -> server_pb2.GetStatusResponse:
        """How it says its parts do."""
        async with self.asked() as (server, token):
            return await server.GetStatus(server_pb2.GetStatusRequest(), metadata=token, timeout=20)

    async def shut_down(self, role: str = "operator", *, keep_runners: bool = False) -> server_pb2.ShutdownResponse:
        """Ask it to stop."""
        async with self.asked(role) as (server, token):
            request = server_pb2.ShutdownRequest(keep_runners=keep_runners)
            return await server.Shutdown(request, metadata=token, timeout=20)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self, seconds: float = DEADLINE_SECONDS) -> int:
        """Wait until it has ended; its exit code."""
        return self.process.wait(seconds)

    def words(self) -> str:
        """All that it said."""
        return self._log.read_text(errors="replace")

    def runner(self) -> RunnerRecord | None:
        """The runner that it noted."""
        return read_record(runner_record_path(self.home))

    def processes(self) -> list[psutil.Process]:
        """Every process that has this home among its arguments, and their children."""
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.pid != os.getpid() and str(self.home.root) in process.cmdline():
                    found += [process, *process.children(recursive=True)]
        return [process for process in found if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]

    def end_everything(self) -> None:
        """Kill it and all that it started."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        if self._process is not None:
            self._process.wait()
