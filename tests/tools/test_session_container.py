"""The sandbox of a run in a container of its session, with a real engine."""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from stigmer_apis.config import Execution, ExecutionMode
from stigmer_apis.home import Home
from stigmer_runner.hosting.sandboxes import Sandboxes
from stigmer_runner.sandbox import (
    CommandLimits,
    CommandRequest,
    ExecutionRequest,
    InputRefused,
    Outcome,
    SandboxKind,
    SpawnFailed,
)
from stigmer_runner.sandbox.workspace import resolved_layout
from stigmer_runner.tools.execute.engine import Engine
from stigmer_runner.tools.execute.session_container import ContainerSandbox, ContainerSettings
from tests.sandbox.driver import Shell, end, exited, marker, until
from tests.sandbox.ground import CANARY, Ground
from tests.support.containers import require_podman
from tests.support.waiting import eventually

OWNER = "test:container"


class Inside(Shell):
    """Lines in the container of a session."""

    scratch: Path
    read_only: tuple[Path, ...] = ()

    def request(self, line: str) -> CommandRequest:
        return replace(
            super().request(line),
            scratch=self.scratch,
            network=False,
            shown=(Path("/usr"),),
            read_only=self.read_only,
            limits=CommandLimits(processes=256, memory=1 << 29, open_files=512),
            ahead=OWNER,
        )


@pytest_asyncio.fixture
async def engine(ground: Ground) -> tuple[Engine, Path]:
    return await require_podman(ground.base, dict(os.environ))


@pytest_asyncio.fixture
async def inside(ground: Ground, engine: tuple[Engine, Path]) -> AsyncIterator[Inside]:
    sandbox = ContainerSandbox(engine[0], ContainerSettings(str(engine[1])), resolved_layout(ground.layout()))
    shell = Inside(sandbox, ground.workspace())
    shell.scratch = ground.base / "scratch"
    shell.scratch.mkdir()
    yield shell
    await sandbox.close()


async def test_the_commands_of_a_session_share_a_container_and_what_carries_over(inside: Inside) -> None:
    inside.environment = {"TOKEN": "it's a $ecret"}
    first = await inside.run(
        'mkdir sub; cd sub; export A="x y"; touch here; hostname; echo "$TOKEN"; ls /proc | head -1; exit 3'
    )
    name = first.text.splitlines()[0]
    assert exited(first, 3)
    assert first.text.splitlines()[1:] == ["it's a $ecret", "1"]
    assert first.output.endswith(b"\r\n")
    assert (inside.workspace / "sub" / "here").stat().st_uid == os.getuid()
    inside.environment = {}
    second = await inside.run('hostname; pwd; echo "$A|$TOKEN"; echo oops >&2')
    assert second.text.splitlines() == [name, f"{inside.workspace}/sub", "x y|", "oops"]
    assert not list(inside.scratch.glob(".stigmer*"))


async def test_nothing_else_of_the_machine_is_there(inside: Inside, ground: Ground) -> None:
    secrets = [str(ground.home), str(ground.run), str(Path.home() / ".ssh"), "/home"]
    told = await inside.run(
        f"ls -a {' '.join(secrets)} 2>&1; cat /proc/net/dev | wc -l; id -u; grep -i CapEff /proc/self/status; env; touch /new"
    )
    assert CANARY not in told.text
    assert "CapEff:\t0000000000000000" in told.text
    assert "Read-only file system" in told.text
    assert "SSH_AUTH_SOCK" not in told.text


async def test_what_runs_by_itself_is_read_only(inside: Inside) -> None:
    protected = inside.workspace / ".envrc"
    protected.write_text("one")
    inside.read_only = (protected,)
    told = await inside.run("echo two >.envrc; rm -f .envrc; mv .envrc x; true")
    assert protected.read_text() == "one", told.text


async def test_a_timeout_and_a_cancel_end_all_of_it(inside: Inside) -> None:
    told = await inside.run("echo before; sleep 4731 & sleep 4732", timeout=2)
    assert told.result.outcome is Outcome.TIMED_OUT
    assert told.text == "before\n"
    command, output = await inside.start("echo on; setsid sleep 4733 & sleep 4734")
    other, _ = await inside.start("sleep 1; exit 5")
    await until(lambda: b"on" in output, "output")
    with pytest.raises(InputRefused):
        command.write(b"x")
    await command.cancel()
    assert (await end(command)).outcome is Outcome.CANCELLED
    assert (await end(other)).exit_code == 5, "another command of the session goes on"
    assert (
        "sleep 473"
        not in (
            await inside.run(
                "for each in /proc/[0-9]*; do tr '\\0' ' ' <$each/cmdline; echo; done | grep -v 'for each'"
            )
        ).text
    )


async def there(engine: Engine, among: set[str] | None = None) -> set[str]:
    """Names of the containers that there are; of these, where some are named."""
    names = set((await engine.say(engine.command("ps", "--all", "--format", "{{.Names}}"), 20))[1].split())
    return names if among is None else names & among


def made_by(sandbox: object) -> set[str]:
    """Names of the containers that a sandbox has."""
    assert isinstance(sandbox, ContainerSandbox)
    return {made.name for made in sandbox._made.values()}  # pyright: ignore[reportPrivateUsage]


async def test_the_container_ends_with_the_run(inside: Inside, engine: tuple[Engine, Path]) -> None:
    await inside.run("true")
    names = made_by(inside.sandbox)
    assert await there(engine[0], names) == names
    await inside.sandbox.forget(OWNER)
    assert not await there(engine[0], names)
    assert exited(await inside.run("true")), "the next command has a new one"


@contextlib.asynccontextmanager
async def keeping(ground: Ground, engine: tuple[Engine, Path], ttl: float) -> AsyncGenerator[Inside]:
    """A session whose container stays after a run."""
    settings = ContainerSettings(str(engine[1]), cleanup=False, ttl=ttl)
    sandbox = ContainerSandbox(engine[0], settings, resolved_layout(ground.layout()))
    shell = Inside(sandbox, ground.workspace())
    shell.scratch = ground.base / "scratch"
    shell.scratch.mkdir()
    yield shell
    names = made_by(sandbox)
    await sandbox.close()
    assert not await there(engine[0], names), "with the runner it ends"


async def test_a_container_that_is_kept_serves_the_next_run(ground: Ground, engine: tuple[Engine, Path]) -> None:
    """`STIGMER_SANDBOX_CLEANUP=false`."""
    async with keeping(ground, engine, 3600.0) as shell:
        await shell.run("touch /run/was-here")
        names = made_by(shell.sandbox)
        await shell.sandbox.forget(OWNER)
        assert await there(engine[0], names) == names
        assert (await shell.run("ls /run")).text.split() == ["was-here"]
        assert made_by(shell.sandbox) == names


async def test_a_container_that_nothing_used_for_long_is_removed(ground: Ground, engine: tuple[Engine, Path]) -> None:
    """`STIGMER_SANDBOX_TTL`."""
    async with keeping(ground, engine, 0.5) as shell:
        await shell.run("true")
        names = made_by(shell.sandbox)
        assert names
        await eventually(lambda: not made_by(shell.sandbox))
        await shell.sandbox.forget(OWNER)
        assert not await there(engine[0], names)


async def test_the_plain_form(inside: Inside) -> None:
    request = ExecutionRequest(
        "echo out; echo err >&2; exit 4", inside.workspace, marker(), network=False, shown=(Path("/usr"),)
    )
    result = await inside.sandbox.execute(request)
    assert (result.exit_code, result.stdout, result.stderr) == (4, b"out\n", b"err\n")
    result = await inside.sandbox.execute(replace(request, command=["printf", "%s", "a b"], marker=marker()))
    assert result.stdout == b"a b"
    result = await inside.sandbox.execute(replace(request, command="sleep 4735", marker=marker(), timeout=1.0))
    assert result.outcome is Outcome.TIMED_OUT


async def test_the_mode_decides(ground: Ground, engine: tuple[Engine, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(root=ground.home, run=ground.run)
    sandboxes = Sandboxes(home, ExecutionMode.CONTAINER)
    async with sandboxes.looked_at() as told:
        assert "STIGMER_SANDBOX_IMAGE" in told.reason
    await sandboxes.close()

    async def found() -> Engine:
        return engine[0]

    monkeypatch.setattr("stigmer_runner.tools.execute.engine.find_engine", found)
    sandboxes = Sandboxes(home, ExecutionMode.CONTAINER, containers=Execution(sandbox_image=str(engine[1])))
    async with sandboxes.looked_at() as told:
        assert told.kind is SandboxKind.CONTAINER
        assert told.walls
    await sandboxes.close()


async def test_an_image_that_is_not_there_is_said(ground: Ground, engine: tuple[Engine, Path]) -> None:
    settings = ContainerSettings("stigmer.invalid/none:1", pull=False)
    sandbox = ContainerSandbox(engine[0], settings, resolved_layout(ground.layout()))
    shell = Shell(sandbox, ground.workspace())
    with pytest.raises(SpawnFailed, match="STIGMER_SANDBOX_IMAGE"):
        async with asyncio.timeout(60):
            await shell.run("true", network=False)
    await sandbox.close()
