"""A daemon's store as a process that writes as hard as it can, and notes outside of it what was acknowledged.

Run as `python -m tests.postgres.writer DATABASE DIRECTORY LEDGER SEED`, as a standby. It prints a line when the store is open, and when it stopped
by itself, why.
"""

import asyncio
import random
import sys
from dataclasses import replace
from pathlib import Path

from stigmer_backend.store import Store, StoreStopped
from tests.store.ledger_writer import SIZES, Ledger, write_execution, write_state

EXECUTIONS = 4


async def main(uri: str, directory: Path, ledger: Ledger, chance: random.Random) -> None:
    """Write until the store stops."""

    def wait(holder: str) -> bool:
        return bool(holder)

    store = await Store.open_at(uri, directory, options=replace(SIZES, standby=wait))
    print("open", flush=True)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(write_state(store, ledger, chance))
            for number in range(EXECUTIONS):
                group.create_task(write_execution(store, ledger, f"aex-{number}", chance))
    except* StoreStopped as stopped:
        print(f"stopped: {stopped.exceptions[0]}", flush=True)
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Ledger(Path(sys.argv[3])), random.Random(sys.argv[4])))
