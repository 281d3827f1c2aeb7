"""Everything of a home, exported from another machine over TLS, imported into a fresh home: the same board, tails, resources, versions."""

import json
import socket
import tarfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

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
KINDS = ("agents", "agent-instances", "skills", "workflows", "workflow-instances", "sessions")


@pytest.fixture(scope="module")
def first() -> Generator[Workstation]:
    """The home that has everything. It is only looked at."""
    with new_workstation() as workstation:
        folder = workstation.home.parent / "files"
        folder.mkdir()
        fill(workstation, folder)
        yield workstation


@pytest.fixture
def second() -> Generator[Workstation]:
    """The home of somebody else."""
    with new_workstation() as workstation:
        yield workstation


def test_what_a_damaged_disk_took_is_left_out_and_named_and_all_the_rest_goes_out(second: Workstation) -> None:
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
    (damage,) = [
        one["metadata"]["annotations"]["stigmer.damage"]
        for one in said(second, "get", "agents", "-o", "json")
        if one["metadata"]["slug"] == "digger-two"
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
    assert "every byte of" in second.run("doctor", code=None).stdout.decode()
    assert "damaged" not in second.run("get", "agents").stdout.decode()
    second.run("apply", "-f", str(folder / "two.yaml"))


def members(archive: Path) -> dict[str, bytes]:
    """The files of an archive."""
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {name: file.read() for name, file in files.items() if file is not None}


def said(workstation: Workstation, *words: str) -> Any:
    """What a command prints as JSON."""
    return json.loads(workstation.run(*words).stdout)


def fill(workstation: Workstation, folder: Path) -> None:
    """One of each kind that archives hold, with a past."""
    skill = folder / "digging"
    skill.mkdir()
    for text, tag in (("one", "stable"), ("two", "next")):
        (skill / "SKILL.md").write_text(f"---\nname: digging\ndescription: digs\n---\n{text}\n")
        workstation.run("skill", "push", str(skill), "--tag", tag)
    for instructions in ("dig slowly, and answer", "dig deeply, and answer"):
        (folder / "agent.yaml").write_text(AGENT % (instructions, SECRET))
        workstation.run("apply", "-f", str(folder / "agent.yaml"))
    for name, text in (("ask", ASK), ("tick", TICK)):
        (folder / f"{name}.yaml").write_text(text)
        workstation.run("apply", "-f", str(folder / f"{name}.yaml"))
    workstation.run("schedule", "trigger", "ticker")
    workstation.run("run", "workflow/asker")
    workstation.run("run", "shell", "-m", "echo a run of its own")
    workstation.until(lambda: phases(workstation) == {"EXECUTION_COMPLETED"}, "the runs have ended")


def phases(workstation: Workstation) -> set[str]:
    """Of all runs."""
    return {row["phase"] for row in said(workstation, "get", "executions", "-o", "json")}


def board(workstation: Workstation) -> list[dict[str, Any]]:
    """The rows of the board, but for the id of the built-in agent, which is each home's own."""
    rows = said(workstation, "get", "executions", "-o", "json")
    return [{key: value for key, value in row.items() if key != "agentId"} for row in rows]


def test_all_of_a_home_comes_from_another_machine(first: Workstation, second: Workstation, short_tmp: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"localhost:{probe.getsockname()[1]}"
    first.run("server", "stop")
    first.run("server", "start", "--listen", address)
    key = first.run("apikey", "create", "laptop", "--role", "viewer").stdout.splitlines()[-1]
    second.run("backend", "switch", "cloud", "--endpoint", address)
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

    assert board(second) == board(first)
    for row in board(first)[:2]:
        assert second.events(row["executionId"]) == first.events(row["executionId"])
    for kind in KINDS:
        assert own(said(second, "get", kind, "-o", "json")) == own(said(first, "get", kind, "-o", "json"))
    for named in (("agent", "digger"), ("skill", "digging")):
        mine, theirs = (said(one, "history", *named, "-o", "json") for one in (second, first))
        assert [own([next(iter(one["resource"].values()))]) for one in mine] == [
            own([next(iter(one["resource"].values()))]) for one in theirs
        ]
        assert [one["timeUnixMicros"] for one in mine] == [one["timeUnixMicros"] for one in theirs]
        assert len(mine) == 2
    for version in ("stable", "next"):
        assert said(second, "skill", "get", "digging", "--version", version, "-o", "json") == said(
            first, "skill", "get", "digging", "--version", version, "-o", "json"
        )
    (mine,), (theirs,) = (said(one, "schedule", "list", "-o", "json") for one in (second, first))
    assert mine["paused"]
    assert (mine["starts"], mine["lastExecutionId"]) == (theirs["starts"], theirs["lastExecutionId"])
    wex = next(row["executionId"] for row in board(first) if row.get("workflowName") == "asker")
    assert said(second, "get", "workflow-executions", wex, "-o", "json") == said(
        first, "get", "workflow-executions", wex, "-o", "json"
    )
    assert second.run("run", "workflow/asker").returncode == 0


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


def test_a_run_of_a_workflow_comes_with_what_it_started_and_stands_on(
    first: Workstation, second: Workstation, short_tmp: Path
) -> None:
    wex = next(row["executionId"] for row in board(first) if row.get("workflowName") == "asker")
    archive = short_tmp / "one.tar.gz"
    first.run("export", wex, "--format", "archive", "-o", str(archive))
    second.run("import", str(archive))
    rows = board(second)
    assert [row["executionId"] for row in rows][-1] == wex
    assert [row.get("parentExecutionId") for row in rows] == [wex, None]
    renamed = second.run("import", str(archive), "--taken", "rename").stdout.decode()
    assert renamed.splitlines()[-1].endswith(" same")
