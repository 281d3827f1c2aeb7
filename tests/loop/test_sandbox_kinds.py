"""What a run asks for around its commands: had, or refused in words that help."""

import itertools
import tempfile
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.config import ExecutionMode
from stigmer_runner.hosting.around import Around, around
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from stigmer_runner.sandbox import SpawnFailed
from tests.loop.stage import Stage, on_stage, opened
from tests.support.daytona_double import KEY, Daytona, daytona_double
from tests.support.waiting import eventually

KINDS = ("walls", "container", "daytona", "none")


def chosen(mode: ExecutionMode, of_run: str = "", of_agent: str = "") -> Around | str:
    """The kind, or why there is none."""
    try:
        return around(mode, Policy(sandbox=of_agent), Policy(sandbox=of_run))
    except SpawnFailed as error:
        return str(error)


def test_a_run_gets_what_it_asks_for_and_never_less_than_settings_want() -> None:
    assert chosen(ExecutionMode.AUTO) is Around.BEST
    assert chosen(ExecutionMode.AUTO, of_agent="container") is Around.CONTAINER
    assert chosen(ExecutionMode.AUTO, "walls", of_agent="container") is Around.WALLS
    assert chosen(ExecutionMode.LANDLOCK, "walls") is Around.LANDLOCK
    allowed = {
        mode: {kind for kind in KINDS if isinstance(chosen(mode, kind), Around)}
        for mode in (ExecutionMode.SANDBOX, ExecutionMode.LANDLOCK, ExecutionMode.CONTAINER, ExecutionMode.LOCAL)
    }
    assert allowed == {
        ExecutionMode.SANDBOX: {"walls", "container", "daytona"},
        ExecutionMode.LANDLOCK: {"walls", "container", "daytona"},
        ExecutionMode.CONTAINER: {"container", "daytona"},
        ExecutionMode.LOCAL: set(KINDS),
    }


def test_an_agent_alone_cannot_take_its_walls_away() -> None:
    for mode, of_run in itertools.product((ExecutionMode.AUTO, ExecutionMode.SANDBOX), ("", "walls")):
        assert chosen(mode, of_run, of_agent="none") is not Around.NONE
    assert "start it with `--sandbox none`" in str(chosen(ExecutionMode.AUTO, of_agent="none"))
    assert chosen(ExecutionMode.AUTO, "none", of_agent="none") is Around.NONE


async def test_on_the_line_and_in_a_manifest(stage: Stage) -> None:
    rules = [Policy.Rule(decision=Policy.DECISION_ALLOW, tool="shell")]
    bare = AgentSpec(policy=Policy(sandbox="none", rules=rules))
    look = Turn("", calls=(ScriptedCall("shell", {"command": "readlink /proc/self/ns/pid"}),))
    async with stage.playing(Script.of(look, Turn("Done."), look, Turn("Done."))):
        await stage.agent("bare", bare)
        line = ("run", "bare", "-m", "Look.", "-w", str(stage.directory))
        assert "--sandbox none" in stage.workstation.run(*line, code=80).stderr.decode()
        assert (
            "STIGMER_SANDBOX_IMAGE" in stage.workstation.run(*line, "--sandbox", "container", code=80).stderr.decode()
        )
        seen: list[bytes] = []
        for kind in ("none", "walls"):
            made = stage.workstation.run(*line, "--sandbox", kind, "--detach").stdout.decode().strip()
            told = await stage.ended(made)
            (started,) = told.of("tool_call_started")
            assert started.tool_call_started.sandbox.walls is (kind == "walls")
            seen += [b"".join(each.terminal_output.data for each in told.of("terminal_output"))]
            assert f"Sandbox:  {kind}" in stage.workstation.run("describe", "execution", made).stdout.decode()
    assert len(set(seen)) == 2, "its processes are not the machine's"
    assert "Sandbox:  none" in stage.workstation.run("describe", "agent", "bare").stdout.decode()


async def test_in_daytona_by_its_double() -> None:
    """Against the double of its HTTP interface: the service itself was never asked."""
    with opened() as bare:
        async with on_stage(bare) as stage:
            refused = bare.run("run", "shell", "-m", "true", "--sandbox", "daytona", code=80).stderr.decode()
            assert "DAYTONA_API_KEY" in refused
            assert "stigmer secrets provider set daytona" in refused
    with tempfile.TemporaryDirectory() as base, daytona_double(Path(base, "there")) as service:
        service.directory.mkdir()
        with opened(DAYTONA_API_KEY=KEY, DAYTONA_API_URL=service.url) as home:
            async with on_stage(home) as stage:
                await _in_daytona(stage, service)
            assert KEY.encode() not in (home.home / "logs" / "runner.log").read_bytes()


async def _in_daytona(stage: Stage, service: Daytona) -> None:
    (stage.directory / "in").write_text("from here")
    (stage.directory / ".envrc").write_text("as before")
    line = "pwd; cat in; env | grep -c DAYTONA; echo x >made; echo bad >.envrc; mkdir sub; cd sub; export A=3"
    lines = (line, "pwd; echo A=$A; rm ../in; exit 4")
    turns = [Turn("", calls=(ScriptedCall("shell", {"command": each}),)) for each in lines]
    script = Script.of(*turns, Turn("Done."))
    async with stage.playing(script):
        await stage.agent("far", AgentSpec(policy=Policy(preset="auto", sandbox="daytona")))
        told = await stage.ended((await stage.run("far", "Work.")).metadata.id)
    first, second = (each.terminal_output.data.decode().replace("\r\n", "\n") for each in told.of("terminal_output"))
    there = str(service.directory / "workspace")
    assert first.splitlines()[:3] == [
        there,
        "from here0",
        "[not brought back, since they run by themselves or changed here meanwhile: .envrc]",
    ]
    assert second == f"{there}/sub\nA=3\n"
    assert (stage.directory / "made").read_text() == "x\n"
    assert (stage.directory / ".envrc").read_text() == "as before"
    assert not (stage.directory / "in").exists()
    assert [each.tool_call_started.sandbox.kind for each in told.of("tool_call_started")] == ["daytona", "daytona"]
    assert service.without_network == ["sandbox-1"], "a model's commands have no network"
    await eventually(lambda: not service.sandboxes)  # it is deleted with the run
