"""MCP servers that come as containers, run by a real Podman."""

import asyncio
import os
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_runner.mcp.contained import client_of
from stigmer_runner.mcp.definition import Container, Definition, Volume, definitions_of
from stigmer_runner.mcp.servers import Waits
from stigmer_runner.sandbox import MARKER_VARIABLE, CommandLimits, Sandbox
from stigmer_runner.tools.execute import engine as engines
from stigmer_runner.tools.execute.engine import Engine
from tests.mcp.stand import LIAR, standing
from tests.sandbox.ground import CANARY, Ground
from tests.support.containers import require_podman

ECHO = "mcp__boxed__echo"
SLOWLY = Waits(start=60.0)


@pytest.fixture
async def tree(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file tree for containers; Podman is found with the settings that belong to it."""
    found, tree = await require_podman(ground.base, dict(os.environ))
    monkeypatch.setenv("CONTAINERS_CONF", found.environment["CONTAINERS_CONF"])
    return tree


def boxed(tree: Path, kind: str = "honest", *, volumes: tuple[Volume, ...] = (), **environment: str) -> Definition:
    """A server of ours in a container."""
    program = ("python3", "-I", "-c", LIAR.read_text(), kind)
    return Definition(
        "boxed", Container(str(tree), program, environment, (Volume("/usr", "/usr", read_only=True), *volumes))
    )


async def left(execution_id: str) -> list[bytes]:
    """Containers of the run that there still are."""
    engine = await engines.find_engine()
    asked = engine.command("ps", "--all", "--quiet", "--filter", f"name=stigmer-{execution_id}")
    process = await asyncio.create_subprocess_exec(*asked, stdout=asyncio.subprocess.PIPE, env=dict(engine.environment))
    return (await process.communicate())[0].split()


async def test_it_is_approved_runs_and_is_gone_with_the_run(ground: Ground, unwalled: Sandbox, tree: Path) -> None:
    async with standing(ground, unwalled, [boxed(tree)], waits=SLOWLY) as stand:
        assert await stand.text(ECHO, text="hello") == "hello"
        (question,) = stand.questions
        assert f"container: {tree}" in question.text
        assert "without the network" in question.text or "with the network" in question.text
        assert "it sees /usr as /usr, read-only" in question.text
        assert len(await left(stand.bench.session.place.execution_id)) == 1
    assert await left(stand.bench.session.place.execution_id) == []


async def test_one_that_dies_is_started_again(ground: Ground, unwalled: Sandbox, tree: Path) -> None:
    async with standing(ground, unwalled, [boxed(tree, "dies once")], waits=SLOWLY) as stand:
        assert "exit code 7" in await stand.error(ECHO, text="one")
    assert await left(stand.bench.session.place.execution_id) == []


async def test_a_volume_around_stigmers_directories_is_refused(ground: Ground, unwalled: Sandbox, tree: Path) -> None:
    shows = boxed(tree, volumes=(Volume(str(ground.person), "/home"),))
    async with standing(ground, unwalled, [shows]) as stand:
        assert await stand.tools() == {}
        assert "would show directories of Stigmer's own" in stand.servers.problems()[0]
        assert stand.questions == []


async def test_without_an_engine_it_says_what_to_install(
    ground: Ground, unwalled: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none() -> Engine:
        return await engines.find_engine(lambda _: None)

    monkeypatch.setattr("stigmer_runner.mcp.servers.find_engine", none)  # a machine that is not ours
    async with standing(ground, unwalled, [Definition("boxed", Container("image:1"))]) as stand:
        assert await stand.tools() == {}
        assert "Install Podman, or start Docker's daemon" in stand.servers.problems()[0]
        assert stand.questions == []


def test_values_stand_in_no_argument_and_the_policy_closes_the_network() -> None:
    engine = Engine("podman", "/usr/bin/podman", {})
    container = Container("image:1", ("--verbose",), {"TOKEN": "${TOKEN}"}, network="other", ports=("80:8080/tcp",))
    for network in (False, True):
        command, environment = client_of(
            engine,
            container,
            "stigmer-x",
            {"TOKEN": CANARY},
            frozenset({"TOKEN"}),
            CommandLimits(processes=7),
            network=network,
            where="the MCP server boxed",
            marker="a:b",
        )
        assert environment == {"TOKEN": CANARY, MARKER_VARIABLE: "a:b"}
        assert not any(CANARY in each for each in command)
        assert ("--network=none" in command) is not network
        assert ("--publish=127.0.0.1:80:8080/tcp" in command) is network
        assert command[-3:] == ["--", "image:1", "--verbose"]


def test_all_that_the_definition_says_is_taken_and_shown() -> None:
    agent = Agent()
    server = agent.spec.mcp_servers.add(name="boxed")
    docker = server.docker
    docker.image, docker.network = "image:1", "inner"
    docker.args.append("serve")
    docker.env_placeholders["KEY"] = "${KEY}"
    docker.volumes.add(host_path="/srv", container_path="/data")
    docker.ports.add(host_port=8080, container_port=80)
    (definition,) = definitions_of(agent, (), {})
    told = definition.told("in a container")
    for words in ('container: image:1 "serve"', "it sees /srv as /data", "KEY", "inner", "8080:80/tcp"):
        assert words in told
