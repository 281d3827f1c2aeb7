"""`python -m tests.engines.worker_process ADDRESS FOLDER`: workers that may be killed, on a server of Temporal.

A line `NUMBER EXECUTION` on standard input begins a process that plays the scenario of that number as that execution, or goes on where a killed one
left it; its id is answered. What it appends is kept in `FOLDER/EXECUTION.journal`; once it has ended, `FOLDER/EXECUTION.end` says `held`, or what is wrong.
Processes are forked from this one, which has imported everything: beginning one takes no time.
"""

import asyncio
import os
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalBatch, JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.journal import MemoryJournal
from tests.engines.conftest import cluster_at
from tests.interpreter.test_scenarios import SCENARIOS

_LENGTH = struct.Struct(">I")
PATIENCE = 150.0
"""Seconds: the cluster gives a step of a killed worker to another after 60."""


class FileJournal(MemoryJournal):
    """A journal that outlives its process."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def append(
        self, records: Sequence[JournalRecord], events: Sequence[Event], *, urgent: bool, final: bool = False
    ) -> "asyncio.Future[None]":
        """See `JournalSink.append`."""
        body = JournalBatch(records=records).SerializeToString()
        with self._path.open("ab", buffering=0) as file:
            file.write(_LENGTH.pack(len(body)) + body)
        return super().append(records, events, urgent=urgent, final=final)


def kept(path: Path) -> list[JournalRecord]:
    """What was appended; a group that is not whole is none."""
    data = path.read_bytes() if path.exists() else b""
    found: list[JournalRecord] = []
    while len(data) >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(data)
        body, data = data[_LENGTH.size : _LENGTH.size + length], data[_LENGTH.size + length :]
        if len(body) == length:
            found += JournalBatch.FromString(body).records
    return found


async def play(address: str, folder: Path, number: int, execution_id: str) -> str:
    """`held`, or what is wrong with the end."""
    engine = cluster_at(address, f"worker-{os.getpid()}")
    path = folder / f"{execution_id}.journal"
    history = kept(path)
    scenario = SCENARIOS[number]
    try:
        scenario.held(await scenario.play(engine, execution_id, FileJournal(path), PATIENCE).outcome(history))
    except (AssertionError, TimeoutError) as error:
        return f"{scenario.about}: {error!r}"
    finally:
        await engine.close()
    return "held"


def main(arguments: Sequence[str]) -> None:
    """Serve until standard input ends."""
    address, folder = arguments[0], Path(arguments[1])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        number, execution_id = line.split()
        pid = os.fork()
        if pid == 0:
            said = asyncio.run(play(address, folder, int(number), execution_id))
            unfinished = folder / f"{execution_id}.ending"
            unfinished.write_text(said)
            unfinished.rename(folder / f"{execution_id}.end")
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
