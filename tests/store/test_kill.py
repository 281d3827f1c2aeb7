"""A killed process loses nothing that it acknowledged, and stores nothing twice."""

import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stigmer_backend.store import Lane, Mark, UnknownExecution
from tests.store.ledger_writer import EXECUTIONS, SIZES, read_ledger
from tests.store.stores import opened, read_all
from tests.support.scale import scaled

pytestmark = pytest.mark.timeout(scaled(300, 7200))

KILLS = scaled(20, 1000)
KILLS_OF_A_STORE = 100
LONGEST_RUN = 0.12
"""Seconds from the first acknowledgement to the latest kill: several rotations."""


def run_and_kill(directory: Path, ledger: Path, chance: random.Random) -> None:
    """Let a writer run for a random while after its first acknowledgement, and kill it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.store.ledger_writer", str(directory), str(ledger), str(chance.random())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        first = writer.stdout.readline()
        time.sleep(chance.random() * LONGEST_RUN)
        writer.kill()
        assert first == b"acknowledged\n", writer.stderr.read().decode()


async def check(directory: Path, ledger: Path) -> tuple[str, int, int]:
    """Compare the store with the ledger, and return its incarnation, what was replayed, and what was cut."""
    promised = read_ledger(ledger)
    async with opened(directory, chunk_bytes=SIZES.chunk_bytes, rotate_bytes=SIZES.rotate_bytes) as store:
        assert not store.report.clean
        for number in range(EXECUTIONS):
            name = f"aex-{number}"
            try:
                events, engine = await read_all(store, name), await read_all(store, name, Lane.ENGINE)
            except UnknownExecution:
                assert ("events", name) not in promised
                assert await store.read_state(lambda state, name=name: state.get("execution", name)) is None
                continue
            assert len(events) >= promised.get(("events", name), 0), "an acknowledged event is lost"
            assert len(engine) == len(events) - 1, "a group was torn in two"
            for found in (events, engine):
                for seq, text in enumerate(found, 1):
                    assert re.fullmatch(rb"%d:\.+\n" % seq, text), "an event is doubled or out of place"
            assert await store.mark(name, "runner") == Mark(1, len(events))
            assert await store.head(name) == len(events)
        counter = await store.read_state(lambda state: state.get("counter", "c"))
        assert (counter.version if counter else 0) >= promised.get(("version", "c"), 0), (
            "an acknowledged change is lost"
        )
        return store.incarnation, store.report.replayed_records, len(store.report.cuts)


async def test_nothing_acknowledged_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    """A store is begun anew after each hundred: every check reads all that is there."""
    chance = random.Random(1)
    replayed = cuts = kills = 0
    for number in range(-(-KILLS // KILLS_OF_A_STORE)):
        directory, ledger = tmp_path / f"data-{number}", tmp_path / f"ledger-{number}"
        incarnations: set[str] = set()
        for _ in range(min(KILLS_OF_A_STORE, KILLS - number * KILLS_OF_A_STORE)):
            run_and_kill(directory, ledger, chance)
            kills += 1
            if chance.random() < 0.2:
                run_and_kill(directory, ledger, chance)
                kills += 1
            incarnation, again, cut = await check(directory, ledger)
            incarnations.add(incarnation)
            replayed += again
            cuts += cut
        assert len(incarnations) == 1
    assert kills >= KILLS
    assert replayed > 0
    print(f"{kills} kills; {replayed} records replayed, {cuts} torn ends cut")
