"""The daemon's own Temporal: a development server on this machine, its database with the data. Adopted by the next daemon where this one is killed."""

import asyncio
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Never, TypeGuard, cast
from urllib.parse import urlsplit

from stigmer_apis.home import Home
from stigmer_backend.daemon.processes import WatchedProcess, identity_of

RECORD = "temporal.json"
"""Below the data: which process it is and where it answers. Runners read it."""
DATABASE = "temporal.db"
LOG = "temporal.log"
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0
_GOODBYE = 5.0
_ANSWERS_WITHIN = 60.0
_LOOK = 0.1
_HOST = "127.0.0.1"
_ADDRESS = re.compile(rf"{re.escape(_HOST)}:[1-9][0-9]{{0,4}}")

_log = logging.getLogger(__name__)


class TemporalMissing(Exception):
    """The program cannot be found; the message says how to mend that."""


@dataclass(frozen=True, slots=True)
class TemporalRecord:
    """A server that was started."""

    pid: int
    identity: str
    """Tells its process from a later one with the same pid."""
    address: str


class TemporalServer:
    """Keeps one server alive. `run` it, cancel that, then `end` it or `leave` it."""

    def __init__(self, home: Home, program: str, namespace: str, pages: str = "") -> None:
        """`pages`: where on this machine it shows its pages, `http://localhost:8233`; without it shows none."""
        self._home = home
        self._pages = pages
        self._program = program
        self._namespace = namespace
        self._record: TemporalRecord | None = None
        self._process: WatchedProcess | None = None
        self._detail = "not started yet"
        self._port = 0
        """Where the last one answered: runners that outlived it look there again."""

    @property
    def detail(self) -> str:
        """How it stands, in words; empty when it answers."""
        return self._detail

    @property
    def record(self) -> TemporalRecord | None:
        """The server; None where there is none now."""
        return self._record

    async def run(self) -> Never:
        """Keep it alive until cancelled; it lives on then."""
        if self._adopt():
            await self._watch()
        delay = _FIRST_DELAY
        while True:
            try:
                await self._start()
            except (TemporalMissing, OSError, TimeoutError) as error:
                self._detail = str(error)
                _log.error("%s", error)
            else:
                delay = _FIRST_DELAY
                await self._watch()
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)

    async def end(self) -> None:
        """End it, and wait until it is gone."""
        process = self._process
        if process is None:
            return
        process.send(signal.SIGTERM)
        if not await process.gone_within(_GOODBYE):
            process.send(signal.SIGKILL)
            await process.wait()
        self._bury("it was stopped")

    def leave(self) -> None:
        """Let it live on, for the next daemon to adopt."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _adopt(self) -> bool:
        record = _read(self._path)
        if record is not None:
            self._port = int(record.address.rpartition(":")[2])
        process = None if record is None else WatchedProcess.of_pid(record.pid, record.identity)
        if record is None or process is None:
            return False
        self._record, self._process, self._detail = record, process, ""
        _log.info("adopted the Temporal server at %s (pid %d)", record.address, record.pid)
        return True

    async def _start(self) -> None:
        program = shutil.which(self._program)
        if program is None:
            raise TemporalMissing(
                f"there is no program {self._program!r}: install Temporal's command line, name it in backend.local.temporal.program, "
                "or set backend.local.temporal.managed to false and .address to a server that runs"
            )
        port = self._port = _free_port(self._port)
        address = f"{_HOST}:{port}"
        command = (
            program, "server", "start-dev", *_pages(self._pages), "--ip", _HOST, "--port", str(port),
            "--db-filename", str(self._home.data / DATABASE), "--namespace", self._namespace, "--log-level", "warn",
        )  # fmt: skip
        child = await asyncio.to_thread(self._spawn, command)
        process = self._process = WatchedProcess.of_child(child)
        self._detail = "starting"
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                while not await _answers(port):
                    if await process.gone_within(_LOOK):
                        raise OSError(f"the Temporal server ended at once: see {self._home.logs / LOG}")
        except (OSError, TimeoutError):
            process.send(signal.SIGKILL)
            await process.wait()
            self._process = None
            raise
        record = self._record = TemporalRecord(child.pid, identity_of(child.pid) or "", address)
        await asyncio.to_thread(_write, self._path, record)
        self._detail = ""
        _log.warning(
            "started a Temporal server at %s (pid %d): it asks nobody who they are, so every account of this machine can reach it",
            address,
            child.pid,
        )

    def _spawn(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        with open(self._home.logs / LOG, "ab", opener=_private) as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self._home.data,
                env={name: value for name, value in os.environ.items() if name in ("HOME", "PATH", "TMPDIR", "LANG")},
            )

    async def _watch(self) -> None:
        process = self._process
        assert process is not None
        await process.wait()
        self._bury(f"the Temporal server ended; its log is {self._home.logs / LOG}")
        _log.error("%s", self._detail)

    def _bury(self, why: str) -> None:
        if self._process is not None:
            self._process.close()
        self._process = self._record = None
        self._detail = why
        self._path.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        return self._home.data / RECORD


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(_HOST, port)
    except OSError:
        return False
    writer.close()
    return True


def _pages(address: str) -> tuple[str, ...]:
    port = urlsplit(address).port if address else None
    return ("--headless",) if port is None else ("--ui-ip", _HOST, "--ui-port", str(port))


def _free_port(wanted: int) -> int:
    """`wanted` where nobody has it, else any; 0 wants any."""
    for port in (wanted, 0):
        with socket.socket() as found:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                found.bind((_HOST, port))
            except OSError:
                continue
            return int(found.getsockname()[1])
    raise OSError("no port of this machine is free")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read(path: Path) -> TemporalRecord | None:
    try:
        document: object = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    fields = cast("dict[str, object]", document)
    pid, identity, address = fields.get("pid"), fields.get("identity"), fields.get("address")
    if isinstance(pid, int) and pid > 1 and isinstance(identity, str) and _is_address(address):
        return TemporalRecord(pid, identity, address)
    return None


def _is_address(address: object) -> TypeGuard[str]:
    return isinstance(address, str) and _ADDRESS.fullmatch(address) is not None


def _write(path: Path, record: TemporalRecord) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
    os.replace(fresh, path)
