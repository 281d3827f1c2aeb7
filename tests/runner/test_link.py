"""The runner's link against a scripted daemon: a real gRPC server, real terminals in a real sandbox."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, Sandbox
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.home import Home
from stigmer_apis.transport import grpc
from stigmer_runner.errors import DaemonGone, RefusedByDaemon
from stigmer_runner.hosting.host import Host
from stigmer_runner.hosting.hosted import Services
from stigmer_runner.hosting.sandboxes import Sandboxes
from stigmer_runner.hosting.scratch import Scratch
from stigmer_runner.link.link import Link, LinkOptions
from stigmer_runner.tools.shell.state import ShellStates
from tests.runner.shell_bench import output_of, until
from tests.support.require import require_tool
from tests.support.scripted_daemon import Execution, ScriptedDaemon

LIVENESS = 60.0
LIMIT = 256 * 1024


@dataclass
class Runner:
    """A runner in this process."""

    host: Host
    link: Link
    linking: "asyncio.Task[None]"
    serving: "asyncio.Task[None]"


@dataclass
class Stage:
    """A daemon and what runners need."""

    daemon: ScriptedDaemon
    home: Home
    sandboxes: Sandboxes
    states: ShellStates
    workspace: Path

    @asynccontextmanager
    async def runner(self, patience: float = 600.0, token: str = "runner-token") -> AsyncGenerator[Runner]:
        """A runner, linked."""
        host = Host()
        options = LinkOptions(
            self.daemon.socket,
            token,
            "run-1",
            self.home.root,
            patience=patience,
            patience_holding=5 * patience,
            limit_bytes=LIMIT,
        )
        link = Link(options, host, Sandbox(kind="bwrap", walls=True), host.busy)
        services = Services(
            link, self.sandboxes, self.states, Scratch(self.home.root / "tmp"), f"stigmer-test.{os.getpid()}."
        )
        serving = asyncio.create_task(host.serve(services))
        linking = asyncio.create_task(link.run())
        linking.add_done_callback(lambda _: host.shut_down("no daemon"))
        try:
            yield Runner(host, link, linking, serving)
        finally:
            host.shut_down("the test is over")
            async with asyncio.timeout(LIVENESS):
                await serving
                link.leave()
                await asyncio.wait((linking,))

    def execution(self, *lines: str, name: str = "aex-1") -> Execution:
        """An execution of the agent `shell`."""
        return Execution(name, list(lines), self.workspace)


@pytest.fixture
async def stage(short_tmp: Path) -> AsyncGenerator[Stage]:
    """A daemon that serves."""
    require_tool("bwrap")
    home = Home.at(short_tmp / "home", {"HOME": str(short_tmp)})
    home.prepare()
    workspace = short_tmp / "work"
    workspace.mkdir()
    daemon = ScriptedDaemon(home.runner_socket)
    await daemon.start()
    sandboxes, states = Sandboxes(home), ShellStates(home.shell_state)
    try:
        yield Stage(daemon, home, sandboxes, states, workspace)
    finally:
        await sandboxes.close()
        states.close()
        await daemon.stop()


def phase(execution: Execution) -> int:
    """The last phase."""
    return next((e.phase_changed.phase for e in reversed(execution.events) if e.HasField("phase_changed")), 0)


async def test_an_execution_over_the_link(stage: Stage) -> None:
    execution = stage.execution("echo one", "echo two")
    async with stage.runner():
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: execution.ended)
        await stage.daemon.until(lambda: bool(stage.daemon.heartbeats))
    assert output_of(execution.events, "terminal-2") == b"two\r\n"
    assert phase(execution) == EXECUTION_COMPLETED
    hello = stage.daemon.hellos[0]
    assert (hello.runner_id, hello.pid, hello.protocol, hello.sandbox.kind) == ("run-1", os.getpid(), 1, "bwrap")
    assert stage.daemon.heartbeats[0].memory_bytes > 1_000_000


async def test_temporary_files_outlive_a_line(stage: Stage) -> None:
    execution = stage.execution("echo kept > /tmp/note", "cat /tmp/note; ls -A /tmp")
    async with stage.runner():
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: execution.ended)
    assert output_of(execution.events, "terminal-2").split()[:2] == [b"kept", b"note"]


async def test_the_daemon_goes_and_comes_back_and_nothing_is_lost_or_doubled(stage: Stage) -> None:
    execution = stage.execution("for i in $(seq 200); do echo $i; sleep 0.01; done", "echo after")
    async with stage.runner():
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        for _ in range(3):
            seen = len(execution.events)
            await stage.daemon.until(lambda seen=seen: len(execution.events) > seen)
            await stage.daemon.stop()
            await asyncio.sleep(0.15)
            await stage.daemon.start()
        await stage.daemon.until(lambda: execution.ended)
    assert output_of(execution.events, "terminal-1").split() == [str(n).encode() for n in range(1, 201)]
    assert output_of(execution.events, "terminal-2") == b"after\r\n"
    assert len(stage.daemon.hellos) == 4
    assert all(hello.held[0].execution_id == "aex-1" for hello in stage.daemon.hellos[1:])


async def test_what_was_not_acknowledged_is_sent_again(stage: Stage) -> None:
    execution = stage.execution("echo kept", "echo too")
    async with stage.runner():
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.acknowledging = False
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: stage.daemon.held_back > 0)
        await stage.daemon.stop()
        assert execution.events == []
        stage.daemon.acknowledging = True
        await stage.daemon.start()
        await stage.daemon.until(lambda: execution.ended)
    assert output_of(execution.events, "terminal-1") == b"kept\r\n"
    assert phase(execution) == EXECUTION_COMPLETED


async def test_children_are_paused_when_nothing_is_acknowledged(stage: Stage) -> None:
    execution = stage.execution("yes | head -c 3000000; echo; echo done")
    async with stage.runner():
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: len(execution.events) >= 6)
        stage.daemon.acknowledging = False
        await stage.daemon.until(lambda: stage.daemon.held_back > LIMIT)
        held = -1
        while held != stage.daemon.held_back:
            held = stage.daemon.held_back
            await asyncio.sleep(0.3)
        assert held < 2 * LIMIT, "the child does not go on"
        assert not execution.ended
        stage.daemon.acknowledge()
        await stage.daemon.until(lambda: execution.ended)
    output = output_of(execution.events, "terminal-1").replace(b"\r\n", b"\n")
    assert output == (b"y\n" * 1_500_000) + b"\ndone\n"


async def test_a_flood_does_not_delay_others(stage: Stage) -> None:
    flood = stage.execution("yes", name="aex-flood")
    other = stage.execution("echo hello", name="aex-other")
    async with stage.runner():
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(flood)
        await stage.daemon.until(lambda: len(flood.events) > 20)
        stage.daemon.grant(other)
        await stage.daemon.until(lambda: other.ended)
        assert not flood.ended


async def test_a_fenced_lease_is_over(stage: Stage) -> None:
    execution = stage.execution("echo begun; sleep 71000")
    async with stage.runner() as runner:
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: b"begun" in output_of(execution.events, "terminal-1"))
        execution.epoch += 1
        written = len(execution.events)
        command = CommandIssued(command_id="c", send_message=CommandIssued.SendMessage(text="echo more"))
        stage.daemon.deliver("aex-1", command)
        await until(lambda: runner.host.running == 0)
        assert len(execution.events) == written
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and b"sleep\x0071000" in _command_line(pid)]


async def test_a_lease_that_is_not_kept_is_over(stage: Stage) -> None:
    execution = stage.execution("echo begun; sleep 71100")
    async with stage.runner() as runner:
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: b"begun" in output_of(execution.events, "terminal-1"))
        await stage.daemon.stop()
        execution.epoch += 1
        await stage.daemon.start()
        await until(lambda: runner.host.running == 0)
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and b"sleep\x0071100" in _command_line(pid)]


async def test_a_revoked_lease_granted_again_replays(stage: Stage) -> None:
    execution = stage.execution("echo one", "echo begun; sleep 71200", "echo three")
    async with stage.runner():
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: b"begun" in output_of(execution.events, "terminal-2"))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: execution.ended)
    assert phase(execution) == EXECUTION_FAILED
    assert "`echo begun; sleep 71200`" in execution.events[-1].phase_changed.reason
    assert "Not run: `echo three`." in execution.events[-1].phase_changed.reason
    kinds = [event.WhichOneof("body") for event in execution.events]
    assert kinds.count("tool_call_started") == kinds.count("tool_call_finished") == 2
    applied = [event.command_applied.command_id for event in execution.events if event.HasField("command_applied")]
    assert applied == ["cmd-2", "cmd-3"]


async def test_a_command_that_comes_again_is_applied_once(stage: Stage) -> None:
    execution = stage.execution("read x; echo got $x")
    async with stage.runner():
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: any(e.HasField("tool_call_started") for e in execution.events))
        more = CommandIssued(command_id="c1", send_message=CommandIssued.SendMessage(text="echo more"))
        pause = CommandIssued(command_id="c2", pause=CommandIssued.Pause())
        for _ in range(3):
            stage.daemon.deliver("aex-1", more)
            stage.daemon.deliver("aex-1", pause)
        keys = LinkResponse.TerminalInput(execution_id="aex-1", terminal_id="terminal-1", data=b"keys\n")
        size = LinkResponse.TerminalResize(execution_id="aex-1", terminal_id="terminal-1", columns=100, rows=30)
        stage.daemon.send(LinkResponse(terminal_resize=size))
        await stage.daemon.until(lambda: any(e.HasField("terminal_resized") for e in execution.events))
        stage.daemon.send(LinkResponse(terminal_input=keys))
        await stage.daemon.until(lambda: execution.ended)
    assert b"got keys" in output_of(execution.events, "terminal-1")
    assert output_of(execution.events, "terminal-2") == b"more\r\n"
    kinds = [event.WhichOneof("body") for event in execution.events]
    assert kinds.count("command_applied") == 1
    assert kinds.count("command_rejected") == 1


async def test_cancel_over_the_link(stage: Stage) -> None:
    execution = stage.execution("echo begun; sleep 71300")
    async with stage.runner():
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: b"begun" in output_of(execution.events, "terminal-1"))
        cancel = CommandIssued(command_id="c1", cancel=CommandIssued.Cancel(reason="enough"))
        stage.daemon.deliver("aex-1", cancel)
        await stage.daemon.until(lambda: execution.ended)
    assert [event.WhichOneof("body") for event in execution.events][-3:] == [
        "tool_call_finished",
        "command_applied",
        "phase_changed",
    ]
    assert phase(execution) == EXECUTION_CANCELLED


async def test_shut_down_ends_what_runs_and_says_why(stage: Stage) -> None:
    execution = stage.execution("echo begun; sleep 71400", "echo never")
    async with stage.runner() as runner:
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: b"begun" in output_of(execution.events, "terminal-1"))
        stage.daemon.send(LinkResponse(shut_down=LinkResponse.ShutDown(reason="Stigmer was stopped")))
        async with asyncio.timeout(LIVENESS):
            await runner.serving
        assert execution.ended
    assert phase(execution) == EXECUTION_CANCELLED
    assert execution.events[-1].phase_changed.reason == "Stigmer was stopped"


@pytest.mark.parametrize("code", [grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.PERMISSION_DENIED])
async def test_a_refused_runner_leaves(stage: Stage, code: grpc.StatusCode) -> None:
    stage.daemon.refuse = code
    async with stage.runner() as runner:
        with pytest.raises(RefusedByDaemon, match="not you"):
            async with asyncio.timeout(LIVENESS):
                await runner.linking


async def test_a_wrong_token_is_refused(stage: Stage) -> None:
    async with stage.runner(token="wrong") as runner:
        with pytest.raises(RefusedByDaemon, match="unknown token"):
            async with asyncio.timeout(LIVENESS):
                await runner.linking


async def test_without_a_daemon_an_idle_runner_leaves_and_a_busy_one_stays(stage: Stage) -> None:
    execution = stage.execution("echo begun; read x")
    async with stage.runner(patience=0.3) as runner:
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: b"begun" in output_of(execution.events, "terminal-1"))
        await stage.daemon.stop()
        _, pending = await asyncio.wait((runner.linking,), timeout=1.5)
        assert pending, "something runs"
        await stage.daemon.start()
        await stage.daemon.until(lambda: len(stage.daemon.hellos) == 2)
        keys = LinkResponse.TerminalInput(execution_id="aex-1", terminal_id="terminal-1", data=b"\n")
        stage.daemon.send(LinkResponse(terminal_input=keys))
        await stage.daemon.until(lambda: execution.ended)
        await stage.daemon.stop()
        with pytest.raises(DaemonGone):
            async with asyncio.timeout(LIVENESS):
                await runner.linking


async def test_what_no_daemon_has_taken_is_held_longer(stage: Stage) -> None:
    execution = stage.execution("echo never run")
    async with stage.runner(patience=0.3) as runner:
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.acknowledging = False
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: stage.daemon.held_back > 0)
        await stage.daemon.stop()
        _, pending = await asyncio.wait((runner.linking,), timeout=1.0)
        assert pending, "somebody may still take it"
        with pytest.raises(DaemonGone):
            async with asyncio.timeout(LIVENESS):
                await runner.linking


async def test_without_a_home_a_runner_leaves_with_what_it_runs(stage: Stage) -> None:
    execution = stage.execution("echo begun; sleep 71500")
    async with stage.runner() as runner:
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: b"begun" in output_of(execution.events, "terminal-1"))
        await stage.daemon.stop()
        stage.home.root.rename(stage.home.root.with_name("elsewhere"))
        with pytest.raises(DaemonGone, match="gone"):
            async with asyncio.timeout(LIVENESS):
                await runner.linking
    assert not [pid for pid in os.listdir("/proc") if pid.isdigit() and b"sleep\x0071500" in _command_line(pid)]


async def test_another_agent_fails_with_words(stage: Stage) -> None:
    execution = stage.execution("hello")
    execution.workspace = stage.workspace / "gone"
    async with stage.runner():
        await stage.daemon.until(lambda: bool(stage.daemon.hellos))
        stage.daemon.grant(execution)
        await stage.daemon.until(lambda: execution.ended)
    assert phase(execution) == EXECUTION_FAILED
    assert str(execution.workspace) in execution.events[-1].phase_changed.reason


def _command_line(pid: str) -> bytes:
    try:
        return Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return b""
