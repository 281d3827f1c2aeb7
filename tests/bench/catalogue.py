"""Which benchmarks there are, in the order of the report."""

from tests.bench.measures import (
    appending,
    boards,
    engine,
    latency,
    lines,
    listing,
    opening,
    resources,
    resting,
    starting,
    streaming,
    terminals,
    updating,
    wire,
)
from tests.bench.run import Benchmark

BENCHMARKS: tuple[Benchmark, ...] = (
    Benchmark("append", appending.append_bursts),
    Benchmark("latency", latency.append_latency),
    Benchmark("client-latency", latency.client_latency),
    Benchmark("updates", updating.status_updates),
    Benchmark("pages", listing.pages),
    Benchmark("resources", resources.many_resources),
    Benchmark("open", opening.open_time),
    Benchmark("tail", wire.tail_throughput),
    Benchmark("calls", wire.calls),
    Benchmark("terminal", terminals.throughput),
    Benchmark("write-latency", terminals.write_latency),
    Benchmark("steps", engine.steps),
    Benchmark("replay", engine.replay),
    Benchmark("lines", lines.own_time),
    Benchmark("lines-app", lines.own_time_in_app),
    Benchmark("output", lines.much_output),
    Benchmark("version", starting.version),
    Benchmark("screen", starting.first_screen),
    Benchmark("rest", resting.memory_and_idle),
    Benchmark("keys", streaming.key_latency),
    Benchmark("boards", boards.long_boards),
)
