"""Everything of a home, exported from another machine over TLS, imported into a fresh home: the same board, tails, resources, versions.

What is done is done by commands, as a person does it; what came of it is read by a client in this process, which takes a tenth of the time.
"""

import asyncio
import json
import tarfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.client import Client
from tests.chaos.daemon import client_of
from tests.chaos.reading import everything
from tests.load.living import free_port
from tests.support.workstation import Workstation, new_workstation

SECRET = "a-secret-that-no-archive-has"
AGENT = """
apiVersion: agentic.stigmer.ai/v1
kind: Agent
metadata: {name: digger}
spec:
  instructions: "%s"
  skill_refs: [{kind: skill, slug: digging, version: stable}]
  env_spec: {data: {TOKEN: {value: %s, is_secret: true}}}
"""
ASK = """
document: {dsl: 1.0.0, namespace: tests, name: asker, version: 1.0.0}
do:
  - ask:
      call: agent
      with: {agent: shell, message: echo of a child}
  - last: {set: {said: "${ .message }"}}
"""
TICK = """
document: {dsl: 1.0.0, namespace: tests, name: ticker, version: 1.0.0}
schedule: {every: {seconds: 3600}}
do:
  - one: {set: {x: 1}}
"""
KINDS = (
    ApiResourceKind.agent,
    ApiResourceKind.agent_instance,
    ApiResourceKind.skill,
    ApiResourceKind.workflow,
    ApiResourceKind.workflow_instance,
    ApiResourceKind.session,
)


@pytest.fixture(scope="module")
def first() -> Generator[Workstation]:
    """The home that has everything, whose daemon listens with TLS. It is only looked at."""
    with new_workstation(STIGMER_SERVER_LISTEN=f"127.0.0.1:{free_port()}") as workstation:
        folder = workstation.home.parent / "files"
        folder.mkdir()
        fill(workstation, folder)
        yield workstation


@pytest.fixture
def second() -> Generator[Workstation]:
    """The home of somebody else."""
    with new_workstation() as workstation:
        yield workstation


async def test_what_a_damaged_disk_took_is_left_out_named_and_deleted_and_all_the_rest_goes_out(
    second: Workstation,
) -> None:
    folder = second.home.parent / "agents"
    folder.mkdir()
    for name in ("one", "two", "three"):
        (folder / f"{name}.yaml").write_text(
            f"apiVersion: agentic.stigmer.ai/v1\nkind: Agent\nmetadata: {{name: digger-{name}}}\nspec: {{instructions: dig as the MARK-{name}}}\n"
        )
    second.run("apply", "-f", str(folder))
    second.run("server", "stop")
    for database in (second.home / "data").glob("state*.fs"):
        stored = database.read_bytes()
        assert b"MARK-two" in stored
        database.write_bytes(stored.replace(b"MARK-two", b"mark-two"))
        database.with_name(f"{database.name}.index").unlink(missing_ok=True)

    listed = second.run("get", "agents").stdout.decode()
    assert "digger-two (damaged)" in listed
    assert "digger-one" in listed
    async with client_of(second) as client:
        (damage,) = [
            each.agent.metadata.annotations["stigmer.damage"]
            async for each in client.resources.all(ApiResourceKind.agent)
            if each.agent.metadata.slug == "digger-two"
        ]
    assert "lost to a damaged disk" in damage
    archive = second.home.parent / "all.tar.gz"
    exported = second.run("export", "--all", "--format", "archive", "-o", str(archive), code=79)
    assert b"left out: the agent digger-two: its record is lost" in exported.stderr
    agents = [json.loads(text)["metadata"]["slug"] for name, text in members(archive).items() if "/Agent/" in name]
    assert {"digger-one", "digger-three"} <= set(agents)
    assert "digger-two" not in agents
    second.run("get", "agent", "digger-two", code=79)

    told = second.run("delete", "agent", "digger-two", "--yes").stdout.decode()
    assert "agent/digger-two deleted" in told
    assert "it was damaged; `stigmer pack`" in told
    assert "with agent-instance/digger-two-default" in told
    second.run("pack")
    assert b"is whole" in second.run("verify").stdout
    second.run("apply", "-f", str(folder / "two.yaml"))


def members(archive: Path) -> dict[str, bytes]:
    """The files of an archive."""
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {name: file.read() for name, file in files.items() if file is not None}


def fill(workstation: Workstation, folder: Path) -> None:
    """One of each kind that archives hold, with a past."""
    skill = folder / "digging"
    skill.mkdir()
    for text, tag in (("one", "stable"), ("two", "next")):
        (skill / "SKILL.md").write_text(f"---\nname: digging\ndescription: digs\n---\n{text}\n")
        workstation.run("skill", "push", str(skill), "--tag", tag)
    for name, text in (("ask", ASK), ("tick", TICK), ("agent", AGENT % ("dig slowly, and answer", SECRET))):
        (folder / f"{name}.yaml").write_text(text)
    workstation.run(
        "apply", *(word for name in ("agent", "ask", "tick") for word in ("-f", str(folder / f"{name}.yaml")))
    )
    (folder / "agent.yaml").write_text(AGENT % ("dig deeply, and answer", SECRET))
    workstation.run("apply", "-f", str(folder / "agent.yaml"))
    workstation.run("schedule", "trigger", "ticker")
    workstation.run("run", "workflow/asker")
    workstation.run("run", "shell", "-m", "echo a run of its own")
    asyncio.run(ended(workstation))


async def ended(workstation: Workstation) -> None:
    """Wait for the ends of all runs."""
    async with client_of(workstation) as client:
        for row in (await client.list_executions()).executions:
            await everything(client, row.execution_id, follow=True)


async def board(client: Client) -> list[dict[str, Any]]:
    """The rows of the board, but for the id of the built-in agent, which is each home's own."""
    rows = [MessageToDict(row) for row in (await client.list_executions()).executions]
    return [{key: value for key, value in row.items() if key != "agentId"} for row in rows]


async def workflow_run(client: Client) -> str:
    """The run of the workflow that asks."""
    return next(row["executionId"] for row in await board(client) if row.get("workflowName") == "asker")


async def held(client: Client) -> Mapping[str, object]:
    """What a home holds, of all that an archive brings along."""
    rows = await board(client)
    found: dict[str, object] = {"board": rows}
    for row in rows[:2]:
        name: str = row["executionId"]
        found[f"events of {name}"] = [MessageToDict(each) for each in await everything(client, name, follow=False)]
    for kind in KINDS:
        listed = [MessageToDict(each) async for each in client.resources.all(kind)]
        found[ApiResourceKind.Name(kind)] = own([next(iter(each.values())) for each in listed])
    for kind, name in ((ApiResourceKind.agent, "digger"), (ApiResourceKind.skill, "digging")):
        versions = [MessageToDict(each) for each in (await client.resources.versions(kind, name)).versions]
        assert len(versions) == 2
        found[f"versions of {name}"] = [
            (each["timeUnixMicros"], own([next(iter(each["resource"].values()))])) for each in versions
        ]
    for version in ("stable", "next"):
        found[f"skill in {version}"] = MessageToDict(await client.skills.get("digging", version))
    found["run of a workflow"] = MessageToDict(await client.workflows.get(await workflow_run(client)))
    return found


async def test_all_of_a_home_comes_from_another_machine(
    first: Workstation, second: Workstation, short_tmp: Path
) -> None:
    key = first.run("apikey", "create", "laptop", "--role", "viewer").stdout.splitlines()[-1]
    second.run("backend", "switch", "cloud", "--endpoint", first.environment["STIGMER_SERVER_LISTEN"])
    second.run("backend", "login", stdin=key)
    archive = short_tmp / "all.tar.gz"
    told = second.run("export", "--all", "--format", "archive", "-o", str(archive)).stderr.decode()
    assert "4 runs" in told
    assert "left out: secret values" in told
    assert "left out: journals of runs" in told
    content = members(archive)
    assert SECRET.encode() not in b"".join(content.values())
    assert json.loads(content["archive.json"])["left_out"][0].startswith("secret values")

    second.run("backend", "switch", "local")
    imported = second.run("import", str(archive)).stdout.decode()
    assert "created skill digging" in imported
    assert "created workflow ticker: its schedule is paused" in imported
    assert second.run("import", str(archive)).stdout.decode().splitlines()[-1].endswith(" same")
    async with client_of(first) as there, client_of(second) as here:
        was, now = await held(there), await held(here)
        for what, content_there in was.items():
            assert now[what] == content_there, what
        (mine,), (theirs,) = [(await one.workflows.schedules()).schedules for one in (here, there)]
    assert mine.paused
    assert (mine.starts, mine.last_execution_id) == (theirs.starts, theirs.last_execution_id)
    second.run("run", "workflow/asker")


def own(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Resources without those that every home makes by itself, and without secret values."""
    made = [one for one in resources if not one["metadata"]["slug"].startswith(("shell", "assistant"))]
    for one in made:
        for value in one["spec"].get("envSpec", {}).get("data", {}).values():
            value.pop("value", None)
    for one in made:
        one["spec"].pop("metadata", None)  # Of a session: which directory it works in.
        one["spec"].pop("agentInstanceId", None)
    return made


async def test_a_run_of_a_workflow_comes_with_what_it_started_and_stands_on(
    first: Workstation, second: Workstation, short_tmp: Path
) -> None:
    async with client_of(first) as client:
        wex = await workflow_run(client)
    archive = short_tmp / "one.tar.gz"
    first.run("export", wex, "--format", "archive", "-o", str(archive))
    second.run("import", str(archive))
    async with client_of(second) as client:
        rows = await board(client)
    assert [row["executionId"] for row in rows][-1] == wex
    assert [row.get("parentExecutionId") for row in rows] == [wex, None]
    renamed = second.run("import", str(archive), "--taken", "rename").stdout.decode()
    assert renamed.splitlines()[-1].endswith(" same")
