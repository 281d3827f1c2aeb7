"""Runs of `shell` whose lines are queued behind a gate, so that what is timed begins at a known moment."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis.client import Client, TailBatch, TailItem

GATE = "until [ -e go ]; do sleep 0.01; done"


@dataclass(slots=True)
class GatedRun:
    """A run with lines that wait."""

    client: Client
    execution_id: str
    workspace: Path
    items: "AsyncGenerator[TailItem, None]"
    finished: int = 0
    output_bytes: int = 0
    events: list[tuple[float, Event]] = field(default_factory=list[tuple[float, Event]])
    """What came after the gate opened, with the time (as `time.time`) at which this client had it."""

    def open(self) -> float:
        """Let the lines run. Returns the time at which the gate opened, as `time.time`."""
        (self.workspace / "go").touch()
        return time.time()

    async def after(self, lines: int) -> float:
        """Return once so many lines behind the gate have finished, with the time of that."""
        async for item in self.items:
            if not isinstance(item, TailBatch):
                continue
            now = time.time()
            for event in item.events:
                body = event.WhichOneof("body")
                if body == "terminal_output":
                    self.output_bytes += len(event.terminal_output.data)
                    continue
                self.events.append((now, event))
                self.finished += body == "tool_call_finished"
            if self.finished > lines:
                return now
        raise AssertionError(f"the run ended after {self.finished} lines")


@asynccontextmanager
async def gated_run(client: Client, workspace: Path, lines: Sequence[str]) -> AsyncGenerator[GatedRun]:
    """A run with `lines` queued behind the gate, which is running."""
    execution_id = (await client.run("shell", GATE, workspace=str(workspace))).metadata.id
    items = client.tail(execution_id)
    run = GatedRun(client, execution_id, workspace, items)
    async for item in items:
        if isinstance(item, TailBatch) and any(e.WhichOneof("body") == "tool_call_started" for e in item.events):
            break
    for line in lines:
        await client.send_message(execution_id, line)
    await asyncio.sleep(0.1)
    try:
        yield run
    finally:
        await items.aclose()
