"""Runs the agent loop with a real sandbox on a journal in memory."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.durable.agent_loop import AgentLoop
from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.durable.messages import AgentRequest
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import RunOutcome
from stigmer_runner.engine.embedded import EmbeddedRun, RunPlan
from stigmer_runner.engine.journal import MemoryJournal
from stigmer_runner.sandbox import Sandbox, SandboxKind, SandboxLayout, choose_sandbox
from stigmer_runner.tools.shell.command_line import RunCommandLine, ShellPlace
from stigmer_runner.tools.shell.state import ShellStates
from stigmer_runner.tools.shell.terminals import Terminals

LIVENESS = 60.0
EXECUTION = "aex-test"
SESSION = "ses-test"


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass
class Place:
    """A workspace with a sandbox, for any number of runs."""

    root: Path
    sandbox: Sandbox
    context: dict[str, str] = field(default_factory=dict[str, str])
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    """Names and values that the context has besides, and that nothing may show."""

    @property
    def workspace(self) -> Path:
        """Where lines run."""
        return self.root / "workspace"

    @property
    def states_root(self) -> Path:
        """Where shell states are kept."""
        return self.root / "run" / "shell"

    def shell_place(self) -> ShellPlace:
        """For the activity."""
        prefix = f"stigmer-test.{os.getpid()}."
        context = {**self.context, **self.secrets}
        return ShellPlace(EXECUTION, SESSION, self.workspace, self.sandbox, prefix, context, self.secrets)


@asynccontextmanager
async def place_at(root: Path, kind: SandboxKind = SandboxKind.BUBBLEWRAP) -> AsyncGenerator[Place]:
    """A place below `root`."""
    for directory in (root / "workspace", root / "run", root / "home"):
        directory.mkdir()
    layout = SandboxLayout(
        home=root / "home",
        run_directory=root / "run",
        person_home=Path.home(),
        path=os.environ["PATH"],
        environment=dict(os.environ),
    )
    sandbox = await choose_sandbox(layout, kind)
    try:
        yield Place(root, sandbox)
    finally:
        await sandbox.close()


class ShellRun:
    """One run of the agent loop; another one made from its records is what a new runner does."""

    def __init__(self, place: Place, *lines: str, timeout: float = 0.0, journal: MemoryJournal | None = None) -> None:
        self.journal = journal or MemoryJournal()
        self.terminals = Terminals()
        self._states = ShellStates(place.states_root)
        self._place = place
        activity = RunCommandLine(place.shell_place(), self._states, self.terminals, now)
        request = AgentRequest(EXECUTION, command_timeout_seconds=timeout)
        plan = RunPlan(AgentLoop, EXECUTION, (request, lines[0].encode()))
        self.run = EmbeddedRun(plan, Activities([activity]), self.journal, ExecutionChronicle(now))
        for number, line in enumerate(lines[1:], 2):
            self.send(line, f"cmd-{number}")

    def send(self, line: str, command_id: str) -> None:
        """A person's further line."""
        self.run.signal("send_message", line.encode(), command_id, command_id=command_id)

    async def outcome(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """Run to the end."""
        try:
            async with asyncio.timeout(LIVENESS):
                await self._states.load(SESSION, self._place.workspace)
                return await self.run.execute(history)
        finally:
            self._states.close()

    @property
    def events(self) -> list[Event]:
        """What happened."""
        return self.journal.events

    def kinds(self) -> list[str]:
        """The kinds of events, in order."""
        return [str(event.WhichOneof("body")) for event in self.events]

    def output(self, terminal_id: str = "terminal-1") -> bytes:
        """What a terminal received."""
        return output_of(self.events, terminal_id)


def output_of(events: Sequence[Event], terminal_id: str) -> bytes:
    """What a terminal received."""
    return b"".join(
        event.terminal_output.data
        for event in events
        if event.HasField("terminal_output") and event.terminal_output.terminal_id == terminal_id
    )


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(LIVENESS):
        while True:
            if condition():
                return
            await asyncio.sleep(0.002)
