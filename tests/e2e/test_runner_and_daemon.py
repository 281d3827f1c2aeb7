"""A daemon process, a runner process and a client: command lines from the request to the event, through kills and restarts."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path

import psutil
import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import TOOL_OUTCOME_ENDED, TOOL_OUTCOME_UNKNOWN, Event
from stigmer_apis.client import Client, TailBatch
from stigmer_apis.errors import StigmerError
from tests.chaos.daemon import DaemonProcess, client_of
from tests.chaos.daemon import runner_pids as looking_like_runners
from tests.chaos.reading import Story, everything, story_of
from tests.support.require import require_tool
from tests.support.scale import scaled
from tests.support.workstation import Workstation, new_workstation

LIVENESS = 60.0
SEED = "runner and daemon"
COUNT = 40
COUNTING = f"for i in $(seq {COUNT}); do echo $i; echo $i >> ledger; sleep 0.01; done"


@pytest.fixture
def workstation() -> Generator[Workstation]:
    """A home of its own."""
    require_tool("bwrap")
    with new_workstation() as made:
        yield made


@pytest.fixture
async def client(workstation: Workstation) -> AsyncGenerator[Client]:
    """A client; the daemon was started by the test, not by it."""
    await DaemonProcess.start(workstation).answers()
    async with client_of(workstation) as made:
        yield made


def runner_pids(workstation: Workstation) -> list[int]:
    """Pids of the runners; a child that a runner is about to make something else of looks like it for a moment."""
    found = set(looking_like_runners(workstation))
    return sorted(pid for pid in found if _parent(pid) not in found)


def _parent(pid: int) -> int:
    try:
        return psutil.Process(pid).ppid()
    except psutil.NoSuchProcess:
        return 0


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    async with asyncio.timeout(LIVENESS):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


async def story_to_the_end(client: Client, execution_id: str) -> Story:
    """What the execution did."""
    async with asyncio.timeout(LIVENESS):
        return story_of(await everything(client, execution_id, follow=True))


async def until_printed(client: Client, execution_id: str, text: bytes) -> None:
    """Return once the execution's terminals have printed `text`."""
    printed = b""
    async with asyncio.timeout(LIVENESS):
        async for item in client.tail(execution_id):
            if isinstance(item, TailBatch):
                printed += b"".join(event.terminal_output.data for event in item.events)
            if text in printed:
                return
    raise AssertionError(f"ended without printing {text!r}: {printed!r}")


def living(*words: str) -> list[int]:
    """Pids of processes with this command line."""
    return [process.pid for process in psutil.process_iter() if _command_line(process) == list(words)]


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


async def test_a_command_line_from_the_request_to_its_events(client: Client) -> None:
    execution = await client.run("shell", "echo $((6*7)); cd /usr; exit 3")
    story = await story_to_the_end(client, execution.metadata.id)
    assert story.phase == EXECUTION_COMPLETED
    (command,) = story.commands
    assert command.output == b"42\r\n"
    assert command.finished is not None
    assert (command.finished.exit_code, command.finished.directory) == (3, "/usr")
    again = await client.run("shell", "pwd", session_id=execution.spec.session_id)
    assert (await story_to_the_end(client, again.metadata.id)).commands[0].output == b"/usr\r\n"


async def test_executions_of_ten_sessions_at_once(client: Client) -> None:
    executions = await asyncio.gather(*(client.run("shell", f"sleep 0.1; echo {n}") for n in range(10)))
    stories = await asyncio.gather(*(story_to_the_end(client, each.metadata.id) for each in executions))
    assert [story.commands[0].output for story in stories] == [f"{n}\r\n".encode() for n in range(10)]


async def test_a_persons_keys_and_size_reach_the_program(client: Client) -> None:
    execution_id = (await client.run("shell", "read -p 'who? ' name; echo hello $name; stty size")).metadata.id
    await until_printed(client, execution_id, b"who? ")
    async with client.attach(execution_id, columns=101, rows=31) as session:
        await session.write(b"ada\r")
        story = await story_to_the_end(client, execution_id)
    assert b"hello ada\r\n31 101\r\n" in story.commands[0].output


async def test_a_cancelled_run_leaves_no_process(client: Client) -> None:
    execution_id = (await client.run("shell", "setsid sleep 4321 & echo up; sleep 4321")).metadata.id
    await until_printed(client, execution_id, b"up")
    answer = await client.cancel(execution_id, "enough", 30.0)
    assert answer.phase == EXECUTION_CANCELLED
    assert not living("sleep", "4321")
    story = await story_to_the_end(client, execution_id)
    assert (story.phase, story.reason) == (EXECUTION_CANCELLED, "enough")
    assert story.issued == story.settled


async def test_kills_at_random_moments(workstation: Workstation, tmp_path: Path) -> None:
    dice = random.Random(SEED)
    daemon = DaemonProcess.start(workstation)
    await daemon.answers()
    unknown = 0
    for turn in range(scaled(8, 100)):
        workspace = tmp_path / str(turn)
        workspace.mkdir()
        async with client_of(workstation) as client:
            execution_id = (await client.run("shell", COUNTING, workspace=str(workspace))).metadata.id
            await client.send_message(execution_id, "echo after")
            reader = asyncio.create_task(everything(client, execution_id, follow=True))
            await asyncio.sleep(dice.uniform(0, 0.9))
            runners = runner_pids(workstation)
            kill_runner = bool(turn % 2)
            if kill_runner:
                for pid in runners:
                    workstation.kill(pid)
            else:
                daemon.kill()
                daemon = DaemonProcess.start(workstation)
            async with asyncio.timeout(LIVENESS):
                events = await reader
            assert events == await everything(client, execution_id, follow=False)
        unknown += check_counting(events, workspace / "ledger", interrupted=kill_runner)
        if not kill_runner:
            assert runner_pids(workstation) == runners, "the runner outlives the daemon"
    assert unknown >= 2, "the dice never hit a running line"


def check_counting(events: list[Event], ledger: Path, *, interrupted: bool) -> bool:
    """What was printed is what ran; whether the line's outcome is unknown."""
    story = story_of(events)
    first = story.commands[0]
    assert first.finished is not None
    numbers = [f"{n}\r\n" for n in range(1, COUNT + 1)]
    written = ledger.read_text().split() if ledger.exists() else []
    assert written == [str(n) for n in range(1, len(written) + 1)], "the line ran once"
    if first.finished.outcome == TOOL_OUTCOME_UNKNOWN:
        assert interrupted
        assert "".join(numbers).encode().startswith(first.output), "what it had printed is kept"
        assert story.phase == EXECUTION_FAILED
        assert "Not run: `echo after`." in story.reason
        return True
    assert first.finished.outcome == TOOL_OUTCOME_ENDED
    assert first.output == "".join(numbers).encode()
    assert len(written) == COUNT
    if story.phase == EXECUTION_FAILED:
        assert interrupted
        assert "`echo after`" in story.reason
        return True
    assert story.commands[1].output == b"after\r\n"
    assert story.issued == story.settled
    return False


async def test_children_of_a_killed_runner_are_ended_by_the_next(workstation: Workstation, client: Client) -> None:
    execution_id = (await client.run("shell", "(trap '' TERM HUP; sleep 5432) & echo up; sleep 5432")).metadata.id
    await until_printed(client, execution_id, b"up")
    for pid in runner_pids(workstation):
        workstation.kill(pid)
    story = await story_to_the_end(client, execution_id)
    assert story.phase == EXECUTION_FAILED
    assert story.commands[0].output == b"up\r\n"
    assert not living("sleep", "5432")


async def test_stopping_the_server_cancels_what_runs_and_says_why(workstation: Workstation, client: Client) -> None:
    execution_id = (await client.run("shell", "echo up; sleep 6543")).metadata.id
    await until_printed(client, execution_id, b"up")
    await client.shutdown()
    await until(lambda: not runner_pids(workstation))
    assert not living("sleep", "6543")
    await DaemonProcess.start(workstation).answers()
    story = await story_to_the_end(client, execution_id)
    assert story.phase == EXECUTION_CANCELLED
    assert story.reason
    assert story.commands[0].output == b"up\r\n"


async def test_a_runner_that_is_kept_is_adopted_with_what_it_runs(workstation: Workstation, client: Client) -> None:
    execution_id = (
        await client.run("shell", "echo up; until [ -e go ]; do sleep 0.05; done; echo went on")
    ).metadata.id
    await until_printed(client, execution_id, b"up")
    runners = runner_pids(workstation)
    await client.shutdown(keep_runners=True)
    await until(lambda: not client_answers(workstation))
    await DaemonProcess.start(workstation).answers()
    workspace = workstation.home / "data" / "workspace"
    (next(workspace.iterdir()) / "go").touch()
    story = await story_to_the_end(client, execution_id)
    assert story.phase == EXECUTION_COMPLETED
    assert story.commands[0].output == b"up\r\nwent on\r\n"
    assert runner_pids(workstation) == runners


def client_answers(workstation: Workstation) -> bool:
    """Whether a daemon of this home lives."""
    return bool(workstation.processes_of("stigmer_backend.daemon"))


async def test_a_second_runner_of_a_home_leaves_at_once(workstation: Workstation, client: Client) -> None:
    await story_to_the_end(client, (await client.run("shell", "true")).metadata.id)
    (pid,) = runner_pids(workstation)
    command = psutil.Process(pid).cmdline()
    second = await asyncio.create_subprocess_exec(
        *command[:-1], "run-second", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd="/"
    )
    async with asyncio.timeout(LIVENESS):
        _, said = await second.communicate(b"token\n")
    assert second.returncode == 3
    assert str(pid) in said.decode()


async def test_unknown_agents_and_ended_executions_are_refused_with_words(client: Client) -> None:
    execution_id = (await client.run("shell", "true")).metadata.id
    await story_to_the_end(client, execution_id)
    with pytest.raises(StigmerError, match="ended"):
        await client.send_message(execution_id, "echo late")
