"""A process that writes to a store as hard as it can until it is killed, and notes outside of it what was acknowledged.

Run as `python -m tests.store.ledger_writer STORE LEDGER SEED`. It prints a line at its first acknowledgement. Each step of an
execution is one message in each lane; the creation is one event alone. So heads of lanes differ by one, always.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from stigmer_backend.store import Appended, Lane, StateWrite, Store, StoreOptions
from tests.store.stores import append, create

EXECUTIONS = 6
SIZES = StoreOptions(chunk_bytes=2 << 10, rotate_bytes=24 << 10, index_bytes=16 << 10, hot_executions=3)


class Ledger:
    """Lines of a file: what was promised to somebody. A write survives the process that made it."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._announced = False

    def note(self, what: str, name: str, number: int) -> None:
        """Write a line, and say so once."""
        os.write(self._descriptor, f"{what} {name} {number}\n".encode())
        if not self._announced:
            self._announced = True
            print("acknowledged", flush=True)


def read_ledger(path: Path) -> dict[tuple[str, str], int]:
    """The highest number noted for each thing."""
    found: dict[tuple[str, str], int] = {}
    for line in path.read_text().splitlines():
        what, name, number = line.split()
        found[what, name] = max(found.get((what, name), 0), int(number))
    return found


async def write_execution(store: Store, ledger: Ledger, name: str, chance: random.Random) -> None:
    """Create an execution if it is not there, send its last step again, and go on from there."""
    known = await store.read_state(lambda state: state.get("execution", name))
    if known is None:
        await create(store, name)
        ledger.note("events", name, 1)
    mark = await store.mark(name, "runner")
    assert mark is not None
    step = mark.producer_seq
    again = await store.append([append(name, step, step=step)])
    assert again == [Appended(0, True)], again
    while True:
        step += 1
        size = chance.choice((5, 20, 200, 2000))
        group = [
            append(name, step, step=step, size=size),
            append(name, step - 1, step=step, lane=Lane.ENGINE, size=size),
        ]
        placed = await store.append(group, urgent=chance.random() < 0.5)
        assert placed == [Appended(step, False), Appended(step - 1, False)], placed
        ledger.note("events", name, step)
        if chance.random() < 0.02:
            await store.settle(name)


async def write_state(store: Store, ledger: Ledger, chance: random.Random) -> None:
    """Put one record again and again, with others around it."""

    def change(state: StateWrite) -> int:
        state.put("filler", f"f-{chance.randrange(300)}", chance.randbytes(50), created_ns=1, summary=b"s")
        return state.put("counter", "c", b"", created_ns=1, summary=b"")

    while True:
        ledger.note("version", "c", await store.write(change))


async def main(directory: Path, ledger: Ledger, chance: random.Random) -> None:
    store = await Store.open(directory, options=SIZES)
    async with asyncio.TaskGroup() as group:
        group.create_task(write_state(store, ledger, chance))
        for number in range(EXECUTIONS):
            group.create_task(write_execution(store, ledger, f"aex-{number}", chance))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Ledger(Path(sys.argv[2])), random.Random(sys.argv[3])))
