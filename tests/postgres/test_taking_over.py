"""Several daemons on one database: one writes, and when it is gone the next takes over, with everything that was acknowledged, once."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue

import pytest

from stigmer_backend.store import DatabaseInUse, Lane, Store, StoreLocked
from tests.postgres.writer import EXECUTIONS
from tests.store.ledger_writer import read_ledger
from tests.store.stores import read_all
from tests.support.postgres_server import database_for
from tests.support.scale import scaled

TAKEN_OVER_SECONDS = 15.0
"""What the next daemon may take, whatever became of the one before."""

WORD_SECONDS = 60.0


@dataclass(slots=True)
class Writer:
    """A process that writes; lines that it says."""

    process: subprocess.Popen[str]
    lines: Queue[str]

    def hear(self, seconds: float = WORD_SECONDS) -> str:
        """Its next line."""
        try:
            return self.lines.get(timeout=seconds)
        except Empty:
            raise AssertionError("the writer says nothing") from None

    def hear_until(self, beginning: str) -> str:
        """Its next line that begins so."""
        while not (line := self.hear()).startswith(beginning):
            pass
        return line


@contextmanager
def writing(uri: str, root: Path, name: str) -> Generator[Writer]:
    """A writer, killed at the end."""
    command = [sys.executable, "-m", "tests.postgres.writer", uri, root / name, root / f"{name}.ledger", name]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    lines: Queue[str] = Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line.rstrip())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield Writer(process, lines)
    finally:
        process.kill()
        process.send_signal(signal.SIGCONT)
        process.wait()
        reader.join()
        if process.stdout is not None:
            process.stdout.close()


async def check(uri: str, root: Path, *names: str) -> None:
    """Everything that any of the writers was promised is there once, in its place, and lanes belong together."""
    store = await Store.open_at(uri, root / "looking")
    try:
        ledgers = [read_ledger(root / f"{name}.ledger") for name in names]
        for number in range(EXECUTIONS):
            name = f"aex-{number}"
            promised = max(ledger.get(("events", name), 0) for ledger in ledgers)
            if not promised:
                continue
            events, engine = await read_all(store, name), await read_all(store, name, Lane.ENGINE)
            assert len(events) >= promised
            assert len(engine) == len(events) - 1
            for found in (events, engine):
                assert [int(line.partition(b":")[0]) for line in found] == list(range(1, len(found) + 1))
        version = max(ledger.get(("version", "c"), 0) for ledger in ledgers)
        record = await store.read_state(lambda state: state.get("counter", "c"))
        assert version == 0 or (record is not None and record.version >= version)
    finally:
        await store.close()


def acknowledged(root: Path, name: str) -> int:
    """How much a writer was promised so far."""
    path = root / f"{name}.ledger"
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def until_written(root: Path, name: str, lines: int) -> None:
    """Wait until a writer was promised so much more."""
    wanted, deadline = acknowledged(root, name) + lines, time.monotonic() + WORD_SECONDS
    while acknowledged(root, name) < wanted:
        assert time.monotonic() < deadline, "the writer stands still"
        time.sleep(0.02)


async def test_a_killed_daemon_is_followed_by_the_next_with_all_that_was_promised(tmp_path: Path) -> None:
    uri = database_for(tmp_path)
    for turn in range(scaled(1, 100)):
        first, second = f"a{turn}", f"b{turn}"
        with writing(uri, tmp_path, first) as one, writing(uri, tmp_path, second) as other:
            one_first = await asyncio.to_thread(_who_opened, one, other)
            killed, left = (one, second) if one_first else (other, first)
            heir = other if one_first else one
            until_written(tmp_path, first if one_first else second, 100)
            killed.process.kill()
            begun = time.monotonic()
            assert heir.hear() == "open"
            assert time.monotonic() - begun < TAKEN_OVER_SECONDS
            until_written(tmp_path, left, 100)
        await check(uri, tmp_path, first, second)


def _who_opened(one: Writer, other: Writer) -> bool:
    """Whether it is `one` that has the database."""
    deadline = time.monotonic() + WORD_SECONDS
    while time.monotonic() < deadline:
        for writer in (one, other):
            try:
                assert writer.hear(0.05) == "open"
            except AssertionError:
                continue
            return writer is one
    raise AssertionError("nobody opened the database")


@pytest.mark.timeout(240)
async def test_a_frozen_daemon_is_replaced_and_fenced_when_it_thaws(tmp_path: Path) -> None:
    uri = database_for(tmp_path)
    with writing(uri, tmp_path, "frozen") as frozen:
        assert frozen.hear() == "open"
        until_written(tmp_path, "frozen", 50)
        with writing(uri, tmp_path, "heir") as heir:
            await asyncio.sleep(1)
            assert heir.lines.empty(), "two write at once"
            frozen.process.send_signal(signal.SIGSTOP)
            begun = time.monotonic()
            assert heir.hear() == "open"
            assert time.monotonic() - begun < TAKEN_OVER_SECONDS
            until_written(tmp_path, "heir", 50)
            frozen.process.send_signal(signal.SIGCONT)
            said = frozen.hear_until("stopped: ")
            assert "taken over by" in said
            assert "stand by" in said
            frozen.process.wait(WORD_SECONDS)
            until_written(tmp_path, "heir", 50)
    await check(uri, tmp_path, "frozen", "heir")


async def test_a_second_daemon_is_refused_unless_it_stands_by(tmp_path: Path) -> None:
    uri = database_for(tmp_path)
    store = await Store.open_at(uri, tmp_path / "one")
    with pytest.raises(DatabaseInUse, match=r"in use by process .* on .*stand by"):
        await Store.open_at(uri, tmp_path / "two")
    with pytest.raises(StoreLocked):
        await Store.open_at(uri, tmp_path / "one")
    await store.close()
    again = await Store.open_at(uri, tmp_path / "two")
    assert again.report.clean
    assert not again.report.incarnation_changed
    assert again.incarnation == store.incarnation
    await again.close()
