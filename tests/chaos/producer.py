"""`python -m tests.chaos.producer HOME RUNNER_ID LEDGER SEED [BYTES [PAUSE]]`: a producer as a process of its own, so that a daemon can take it for the last daemon's runner.

BYTES of text stand behind each number, and two appends are at most PAUSE seconds apart. The token is the first line of standard input. Each acknowledgement is a line `EXECUTION NUMBER` in the ledger. SIGTERM makes it finish.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stigmer_apis.home import Home
from tests.chaos.link import LinkProducer, Pace


async def produce(home: Home, runner_id: str, ledger: Path, seed: str, token: str, pace: Pace) -> None:
    """Produce until SIGTERM, then end the executions."""
    with ledger.open("a", buffering=1, encoding="ascii") as book:
        producer = LinkProducer(
            home,
            runner_id,
            token,
            os.getpid(),
            acknowledged=lambda execution, number: print(execution, number, file=book),
            pace=pace,
            random_source=random.Random(seed),
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, producer.finish)
        await producer.run()
    print(f"{producer.links} links")


def main(arguments: Sequence[str]) -> int:
    """The process."""
    root, runner_id, ledger, seed, *given = arguments
    token = sys.stdin.readline().strip()
    pace = Pace(text="x" * int(given[0])) if given else Pace()
    if len(given) > 1:
        pace = replace(pace, pause=float(given[1]))
    asyncio.run(produce(Home.at(Path(root)), runner_id, Path(ledger), seed, token, pace))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
