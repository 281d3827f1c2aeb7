"""The plain form of running a command: one suite for every kind of place that runs them."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from stigmer_runner.sandbox import CommandLimits, SandboxKind, SpawnFailed, choose_sandbox, end_marked_processes
from stigmer_runner.tools.execute.choosing import ExecutorKind, Wanted, executor
from stigmer_runner.tools.execute.container import ContainerExecutor, ContainerPlace
from stigmer_runner.tools.execute.daytona import DaytonaAccount, DaytonaClient, DaytonaExecutor, DaytonaPlace
from stigmer_runner.tools.execute.engine import Engine, NoContainerEngine, find_engine
from stigmer_runner.tools.shell.executing import TIMED_OUT, Executes, SandboxExecutor
from tests.sandbox.driver import until
from tests.sandbox.ground import KINDS, Ground, require_landlock
from tests.support.containers import require_podman
from tests.support.daytona_double import KEY, Daytona, daytona_double
from tests.support.require import require_tool
from tests.support.waiting import eventually
from tests.tools.bench import new_bench

PLACES = [*(kind.value for kind in KINDS), "container", "daytona"]

MIB = 1024 * 1024


@dataclass(frozen=True)
class Place:
    """One kind, ready to run."""

    kind: str
    executes: Executes
    workspace: Path
    """On this machine."""
    left: Callable[[], Awaitable[object]]
    """What is left running, empty where nothing is."""
    secrets: dict[str, str] = field(default_factory=dict[str, str])

    async def execute(self, command: str, timeout: float | None = None) -> "tuple[int, str, str]":
        told = await self.executes.execute(command, timeout)
        return told.exit_code, told.stdout, told.stderr


SECRETS = {"TOKEN": "it's a $ecret\nof two lines"}


@pytest_asyncio.fixture(params=PLACES)
async def place(request: pytest.FixtureRequest, ground: Ground) -> AsyncIterator[Place]:
    """Each kind in turn."""
    kind: str = request.param
    async with contextlib.AsyncExitStack() as stack:
        match kind:
            case "container":
                engine, tree = await require_podman(ground.base, dict(os.environ))
                yield _container(engine, tree, ground)
            case "daytona":
                yield await _daytona(stack, ground)
            case _:
                yield await _local(stack, SandboxKind(kind), ground)


async def _local(stack: contextlib.AsyncExitStack, kind: SandboxKind, ground: Ground) -> Place:
    if kind is SandboxKind.BUBBLEWRAP:
        require_tool("bwrap")
    if kind is SandboxKind.LANDLOCK:
        require_landlock()
    sandbox = await choose_sandbox(ground.layout(), kind)
    stack.push_async_callback(sandbox.close)
    bench = await new_bench(ground, sandbox, environment=SECRETS)
    stack.push_async_callback(bench.close)
    prefix = bench.session.place.marker_prefix
    return Place(
        kind.value,
        SandboxExecutor(bench.session.place),
        bench.workspace,
        lambda: asyncio.to_thread(end_marked_processes, prefix),
    )


def _container(engine: Engine, tree: Path, ground: Ground) -> Place:
    name = f"stigmer-test-{os.getpid()}-{ground.base.name}"
    limits = CommandLimits(processes=256, memory=512 * MIB, file_size=64 * MIB)
    where = ContainerPlace(
        str(tree), ground.workspace(), name, f"{name}:", SECRETS, limits=limits, shown=(Path("/usr"),)
    )

    async def left() -> object:
        asked = engine.command("ps", "--all", "--quiet", "--filter", f"name={name}")
        process = await asyncio.create_subprocess_exec(
            *asked, stdout=asyncio.subprocess.PIPE, env=dict(engine.environment)
        )
        return (await process.communicate())[0].split()

    return Place("container", ContainerExecutor(engine, where), ground.workspace(), left)


async def _daytona(stack: contextlib.AsyncExitStack, ground: Ground) -> Place:
    service = stack.enter_context(daytona_double(ground.workspace("there")))
    http = await stack.enter_async_context(httpx2.AsyncClient())
    client = DaytonaClient(DaytonaAccount(KEY, service.url), http)
    sandbox_id = await stack.enter_async_context(client.sandbox())
    there = DaytonaPlace(sandbox_id, str(service.directory), SECRETS)
    prefix = f"stigmer-test-{os.getpid()}-{ground.base.name}"
    return Place(
        "daytona",
        DaytonaExecutor(client, there, prefix),
        service.directory,
        lambda: asyncio.to_thread(end_marked_processes, prefix),
    )


async def test_exit_code_and_outputs_are_apart(place: Place) -> None:
    told = await place.executes.execute("echo out; echo err >&2; exit 5")
    assert (told.exit_code, told.stdout, told.stderr, told.timed_out, told.remark) == (5, "out\n", "err\n", False, "")


async def test_it_runs_in_the_workspace(place: Place) -> None:
    assert await place.execute("pwd; echo text >file") == (0, f"{place.workspace}\n", "")
    assert (place.workspace / "file").read_text() == "text\n"


async def test_nothing_carries_over(place: Place) -> None:
    await place.execute("cd /; export A=1")
    assert await place.execute("echo $A; pwd") == (0, f"\n{place.workspace}\n", "")


async def test_values_of_the_run_arrive_as_they_are(place: Place) -> None:
    assert await place.execute('printf %s "$TOKEN"') == (0, SECRETS["TOKEN"], "")


async def test_a_line_is_any_shell(place: Place) -> None:
    line = 'x=\'a "b"\'\nfor i in 1 2; do\n  echo "$i $x"\ndone | tail -1'
    assert await place.execute(line) == (0, '2 a "b"\n', "")


async def test_a_timeout_keeps_what_came_and_leaves_nothing(place: Place) -> None:
    told = await place.executes.execute("echo before; echo wrong >&2; (setsid sleep 1000 &) ; sleep 1000", timeout=1.5)
    assert (told.exit_code, told.stdout, told.timed_out) == (TIMED_OUT, "before\n", True)
    assert told.stderr.removesuffix("Terminated\n") == "wrong\n"  # bash may still say so of its own sleep
    assert "1.5 seconds" in told.remark
    assert not await place.left()


async def test_a_program_that_is_not_there(place: Place) -> None:
    code, _, said = await place.execute("nosuchprogram")
    assert code == 127
    assert "nosuchprogram" in said


async def test_there_is_no_input(place: Place) -> None:
    assert await place.execute("cat; echo end", timeout=20) == (0, "end\n", "")


async def test_bytes_that_are_no_text_are_replaced(place: Place) -> None:
    assert (await place.execute("printf 'a\\377b'"))[1] == "a\ufffdb"


async def test_a_cancel_leaves_nothing(place: Place) -> None:
    running = asyncio.create_task(place.executes.execute("echo there >started; sleep 1000"))
    await until((place.workspace / "started").exists, "it starts")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not await place.left()


async def test_a_megabyte_on_both_outputs_is_whole(place: Place) -> None:
    code, out, err = await place.execute(
        "head -c 1000000 /dev/zero | tr '\\0' a; head -c 1000000 /dev/zero | tr '\\0' b >&2"
    )
    assert (code, len(out), len(err), set(out), set(err)) == (0, 1_000_000, 1_000_000, {"a"}, {"b"})


async def test_some_at_once(place: Place) -> None:
    told = await asyncio.gather(*(place.execute(f"echo {number}") for number in range(4)))
    assert [out for _, out, _ in told] == [f"{number}\n" for number in range(4)]


async def test_a_container_has_no_network_no_powers_and_nothing_of_the_machine(ground: Ground) -> None:
    engine, tree = await require_podman(ground.base, dict(os.environ))
    place = _container(engine, tree, ground)
    told = await place.execute(
        f"ls /sys/class/net; grep CapEff /proc/self/status; cat {ground.token}; touch /made; ls {ground.person}/.ssh; echo $$"
    )
    assert told[1].split() == ["lo", "CapEff:", "0000000000000000", "1"]
    assert told[2].count("No such file") == 2
    assert "Read-only file system" in told[2]


async def test_what_a_crash_leaves_in_a_container_is_found_by_its_mark(ground: Ground) -> None:
    engine, tree = await require_podman(ground.base, dict(os.environ))
    place = _container(engine, tree, ground)
    running = asyncio.create_task(place.execute("setsid sleep 1000 & echo >started; exec sleep 1000"))
    await until((place.workspace / "started").exists, "it starts")
    prefix = f"stigmer-test-{os.getpid()}-{ground.base.name}:"
    ended = await asyncio.to_thread(end_marked_processes, prefix)
    assert sum(process.command == "sleep 1000" for process in ended) == 2
    await running

    async def gone() -> bool:
        return not await place.left()

    await eventually(gone)  # the engine cleans up by itself


async def test_a_container_has_limits(ground: Ground) -> None:
    engine, tree = await require_podman(ground.base, dict(os.environ))
    place = ContainerPlace(
        str(tree),
        ground.workspace(),
        f"stigmer-test-{os.getpid()}-limits",
        limits=CommandLimits(processes=16, memory=64 * MIB, file_size=MIB),
        shown=(Path("/usr"),),
    )
    executes = ContainerExecutor(engine, place)
    forks = await executes.execute("i=0; while [ $i -lt 32 ]; do sleep 5 & i=$((i+1)); done; echo all", timeout=30)
    assert "fork" in forks.stderr.lower()
    assert "all" not in forks.stdout
    memory = await executes.execute("head -c 200000000 /dev/zero | tail", timeout=30)
    assert memory.exit_code != 0
    await executes.execute("head -c 5000000 /dev/zero >big")
    assert (ground.workspace() / "big").stat().st_size == MIB


async def test_an_image_that_is_not_here_is_told(ground: Ground) -> None:
    engine, _ = await require_podman(ground.base, dict(os.environ))
    place = ContainerPlace("localhost/stigmer-no-such-image", ground.workspace(), "stigmer-test-image")
    with pytest.raises(SpawnFailed, match="could not start a container of localhost/stigmer-no-such-image"):
        await ContainerExecutor(engine, place).execute("true")


async def test_without_an_engine_it_says_what_was_tried() -> None:
    with pytest.raises(NoContainerEngine, match="docker is not installed; podman is not installed"):
        await find_engine(lambda _: None)
    with pytest.raises(NoContainerEngine, match="docker does not answer"):
        await find_engine(lambda name: "/bin/false" if name == "docker" else None)


@pytest.fixture
def service(ground: Ground) -> "contextlib.AbstractContextManager[Daytona]":
    return daytona_double(ground.workspace("there"))


async def test_daytona_says_what_is_wrong_and_a_sandbox_is_deleted(
    ground: Ground, service: "contextlib.AbstractContextManager[Daytona]"
) -> None:
    with service as there:
        async with httpx2.AsyncClient() as http:
            client = DaytonaClient(DaytonaAccount(KEY, there.url), http)
            async with client.sandbox() as sandbox_id:
                executes = DaytonaExecutor(client, DaytonaPlace(sandbox_id, str(there.directory)), "test")
                there.say = "zsh: command not found"
                with pytest.raises(SpawnFailed, match="did not run the command: zsh"):
                    await executes.execute("true")
                for status, words in ((404, "may have been deleted"), (500, "answered 500"), (307, "answered 307")):
                    there.refuse_with = status
                    with pytest.raises(SpawnFailed, match=words):
                        await executes.execute("true")
                there.refuse_with, there.say = 0, None
            assert there.sandboxes == {}
            with pytest.raises(SpawnFailed, match="DAYTONA_API_KEY"):
                async with DaytonaClient(DaytonaAccount("wrong", there.url), http).sandbox():
                    raise AssertionError
    async with httpx2.AsyncClient() as http:
        with pytest.raises(SpawnFailed, match="DAYTONA_API_URL"):
            async with DaytonaClient(DaytonaAccount(KEY, there.url), http).sandbox():
                raise AssertionError


async def test_the_kind_that_was_asked_for_is_had_or_refused(
    ground: Ground, service: "contextlib.AbstractContextManager[Daytona]"
) -> None:
    sandbox = await choose_sandbox(ground.layout(), SandboxKind.NONE)
    bench = await new_bench(ground, sandbox)
    place = bench.session.place
    refused = [
        (Wanted(ExecutorKind.CONTAINER), "an `image`"),
        (Wanted(ExecutorKind.DAYTONA), "an account"),
    ]
    for wanted, words in refused:
        with pytest.raises(SpawnFailed, match=words):
            async with executor(wanted, place):
                raise AssertionError
    async with executor(Wanted(), place) as executes:
        assert (await executes.execute("echo here")).stdout == "here\n"
    with service as there:
        wanted = Wanted(
            ExecutorKind.DAYTONA, daytona=DaytonaAccount(KEY, there.url), daytona_directory=str(there.directory)
        )
        async with executor(wanted, place) as executes:
            assert (await executes.execute("echo there")).stdout == "there\n"
    await bench.close()
    await sandbox.close()
