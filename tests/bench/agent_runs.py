"""Agents that a scripted model drives, for measuring: a home, a provider in a process of its own, and what their runs told."""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.client import Client, TailBatch
from tests.bench.run import Unavailable
from tests.bench.screen import ProgramScreen
from tests.bench.screen import started as program
from tests.chaos.daemon import DaemonProcess, client_of, daemon_pids, runner_pids
from tests.loop.stage import Stage, opened
from tests.support.workstation import Workstation

AGENT = "worker"
PATIENCE = 120.0
NO_WALLS = {"STIGMER_EXECUTION_MODE": "local"}


@asynccontextmanager
async def agent_stage(*, walls: bool = True) -> AsyncGenerator[Stage]:
    """A home with the agent `worker`, whose every call is allowed. Without `walls` nothing confines its commands."""
    with opened(**({} if walls else NO_WALLS)) as workstation:
        directory = Path(tempfile.mkdtemp(dir=workstation.home.parent / "projects"))
        await DaemonProcess.start(workstation).answers()
        async with client_of(workstation) as client:
            stage = Stage(workstation, client, directory)
            rule = Policy.Rule(decision=Policy.DECISION_ALLOW, tool="*")
            await stage.agent(AGENT, AgentSpec(policy=Policy(preset="auto", rules=[rule])))
            yield stage


def port_of(workstation: Workstation) -> int:
    """Where the home's daemon looks for a provider."""
    return int(workstation.environment["OLLAMA_BASE_URL"].rpartition(":")[2])


@asynccontextmanager
async def scripted(stage: Stage, turns: Sequence[Mapping[str, object]]) -> AsyncGenerator[None]:
    """The model says these turns; it is a process of its own."""
    script = stage.workstation.home.parent / "script.yaml"
    script.write_text(json.dumps({"turns": list(turns)}))
    provider = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stigmer_runner.models.scripted",
        str(script),
        str(port_of(stage.workstation)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert provider.stdout is not None
        await provider.stdout.readline()
        yield
    finally:
        provider.terminate()
        await provider.wait()


def shell_turn(command: str) -> Mapping[str, object]:
    """The model wants a command to be run."""
    return {"calls": [{"name": "shell", "args": {"command": command, "wait": 600}}]}


def project(stage: Stage) -> Path:
    """A new empty project."""
    return Path(tempfile.mkdtemp(dir=stage.directory))


async def started(stage: Stage, message: str, directory: Path | None = None) -> str:
    """Begin a run, in a project of its own where none is named; its id."""
    directory = directory or project(stage)
    return (await stage.client.run(AGENT, message, workspace=str(directory))).metadata.id


async def events_until(client: Client, execution_id: str, last: Callable[[Event], bool]) -> list[Event]:
    """The events of a run up to the first for which `last` holds, or to its end."""
    events: list[Event] = []
    async with asyncio.timeout(PATIENCE):
        async for item in client.tail(execution_id):
            if isinstance(item, TailBatch):
                for event in item.events:
                    events.append(event)
                    if last(event):
                        return events
    return events


def is_over(event: Event) -> bool:
    """Whether the model has given its last answer."""
    return event.HasField("phase_changed") and event.phase_changed.phase >= 3


def times_of(events: Sequence[Event], body: str) -> list[float]:
    """When events of one kind were written, in seconds."""
    return [event.time_unix_micros / 1e6 for event in events if event.WhichOneof("body") == body]


@contextmanager
def opened_run(workstation: Workstation, execution_id: str, shows: str) -> Generator[ProgramScreen]:
    """The app with a run open, whose screen `shows` something."""
    with program(workstation.command("tui", "--attach", execution_id), workstation.environ()) as screen:
        screen.until(lambda text: shows in text, "the run")
        screen.settle()
        yield screen


def cpu_of(workstation: Workstation) -> float:
    """Seconds of CPU that the daemon and the runner have used, without their children's."""
    times = [psutil.Process(pid).cpu_times() for pid in (*daemon_pids(workstation), *runner_pids(workstation))]
    return sum(each.user + each.system for each in times)


def need_bwrap() -> None:
    """Raises `Unavailable` where there are no walls."""
    if shutil.which("bwrap") is None:
        raise Unavailable("there is no bubblewrap (bwrap)")
