"""The workflow of the benchmark on Temporal's development server, where there is one."""

import tempfile
from pathlib import Path

from stigmer_apis.ids import new_id
from stigmer_runner.engine.chronicle import Completed, SilentChronicle
from stigmer_runner.engine.journal import MemoryJournal
from tests.bench.rounds import timed
from tests.bench.workflow_steps import activities, plan, rounds
from tests.engines.conftest import cluster_of
from tests.engines.server import TemporalServer, program


async def rounds_a_second(count: int) -> float | None:
    """Rounds a second of one run of so many, after a short one; None where there is no program `temporal`."""
    path = program()
    if path is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        server = TemporalServer(path, Path(folder))
        server.start()
        engine = cluster_of(server)
        try:
            taken = 0.0
            for size in (5, count):
                made = plan(new_id("wex"), rounds(size))
                with timed() as watch:
                    ended = await engine.run(made, activities(), MemoryJournal(), SilentChronicle()).execute()
                if not isinstance(ended, Completed):
                    raise AssertionError(f"the workflow did not come to its end: {ended}")
                taken = watch.seconds
            return count / taken
        finally:
            await engine.close()
            server.stop()
