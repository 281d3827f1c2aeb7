"""How every part of the daemon does, put together for `GetStatus`."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from stigmer_apis import __version__
from stigmer_apis._generated.stigmer.server.v1.server_pb2 import GetStatusResponse
from stigmer_apis.home import Home
from stigmer_backend.daemon.supervisor import Standing
from stigmer_backend.executions.runners import RunnerFacts
from stigmer_backend.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where the answers come from."""

    home: Home
    sockets: Sequence[Path]
    store: Store
    runners: Callable[[], Sequence[RunnerFacts]]
    """The connected ones."""
    standing: Callable[[], Standing]
    """The supervised one."""
    executions: Callable[[], tuple[int, int]]
    """How many there are, and how many of them live."""
    open_streams: Callable[[], int]
    addresses: Callable[[], Sequence[str]] = lambda: ()
    """On the network."""
    telemetry: Callable[[], GetStatusResponse.Component | None] = lambda: None
    """What is told to tools that watch."""
    engine: Callable[[], GetStatusResponse.Component | None] = lambda: None
    daemons: Callable[[], Sequence[GetStatusResponse.Daemon]] = lambda: ()
    """On the same database."""
    clock: Callable[[], float] = time.monotonic
    started: float = field(default_factory=time.monotonic)
    """When the daemon started, by `clock`."""


async def status_of(parts: Parts) -> GetStatusResponse:
    """The status now. Looks at the files of the store, on a thread."""
    executions, live = parts.executions()
    return GetStatusResponse(
        version=__version__,
        pid=os.getpid(),
        home=str(parts.home.root),
        uptime_seconds=parts.clock() - parts.started,
        sockets=[*(str(path) for path in parts.sockets), *parts.addresses()],
        memory_bytes=psutil.Process().memory_info().rss,
        store=await _store(parts),
        runners=_runners(parts),
        executions=executions,
        live_executions=live,
        open_streams=parts.open_streams(),
        telemetry=parts.telemetry(),
        engine=parts.engine(),
        daemons=parts.daemons(),
    )


async def _store(parts: Parts) -> GetStatusResponse.Component:
    failure = parts.store.failure
    disk = await asyncio.to_thread(bytes_on_disk, parts.home.data, parts.home.workspaces)
    told = [f"stopped: {failure}"] if failure is not None else parts.store.report.lines()
    if parts.store.place:
        told = [f"It is in the {parts.store.place}.", *told]
    healthy = failure is None and not parts.store.report.damage
    return GetStatusResponse.Component(name="store", healthy=healthy, detail=" ".join(told), disk_bytes=disk)


def _runners(parts: Parts) -> list[GetStatusResponse.Runner]:
    """The connected runners as they report themselves, and the supervised one when it is not among them."""
    standing = parts.standing()
    told = [_connected(facts, parts, standing) for facts in parts.runners()]
    supervised = standing.record
    if supervised is not None and any(runner.runner_id == supervised.runner_id for runner in told):
        return told
    detail = standing.detail or "it is not connected"
    if supervised is None:
        return [*told, GetStatusResponse.Runner(connected=False, detail=detail)]
    missing = GetStatusResponse.Runner(
        runner_id=supervised.runner_id,
        pid=supervised.pid,
        connected=False,
        memory_bytes=memory_of(supervised.pid),
        uptime_seconds=max(0.0, parts.clock() - standing.since),
        detail=detail,
    )
    return [*told, missing]


def _connected(facts: RunnerFacts, parts: Parts, standing: Standing) -> GetStatusResponse.Runner:
    supervised = standing.record is not None and standing.record.runner_id == facts.runner_id
    return GetStatusResponse.Runner(
        runner_id=facts.runner_id,
        pid=facts.pid,
        version=facts.version,
        connected=True,
        memory_bytes=facts.memory_bytes,
        running=facts.running,
        uptime_seconds=max(0.0, parts.clock() - standing.since) if supervised else facts.connected_seconds,
        sandbox=facts.sandbox,
        walls=facts.walls,
        detail=facts.sandbox_reason,
        labels=facts.labels,
        host=facts.host,
        draining=facts.draining,
    )


def memory_of(pid: int) -> int:
    """The resident memory of a process, in bytes; 0 where it is gone."""
    try:
        return psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return 0


def bytes_on_disk(directory: Path, but: Path) -> int:
    """What the files below `directory` take on the disk, those below `but` left out. Files that go meanwhile count as nothing."""
    return sum(_sizes(directory, but))


def _sizes(directory: Path, but: Path) -> Iterator[int]:
    try:
        entries = list(os.scandir(directory))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                if Path(entry.path) != but:
                    yield from _sizes(Path(entry.path), but)
            else:
                yield entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue
