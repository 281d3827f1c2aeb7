"""The clock of the machine jumps, also while no daemon runs: what is made later is listed later."""

import time
from itertools import pairwise
from pathlib import Path

from stigmer_backend.resources.kinds import EXECUTIONS
from tests.support.served_backend import serve_backend

HOUR = 3600.0
YEARS = 10 * 365 * 24 * HOUR


async def test_no_jump_of_the_clock_changes_an_order(short_tmp: Path) -> None:
    made: list[str] = []
    for jump in (0.0, HOUR, -HOUR, YEARS, 0.0, -YEARS):

        def clock(jump: float = jump) -> float:
            return time.time() + jump

        async with serve_backend(short_tmp / "h", clock=clock) as served:
            made += [(await served.run(f"echo {number}")).metadata.id for number in range(2)]
            rows = await served.store.read_state(lambda state: state.page(EXECUTIONS.table, limit=100))
            assert [row.id for row in rows] == made[::-1]
            assert all(newer.created_ns > older.created_ns for newer, older in pairwise(rows))
