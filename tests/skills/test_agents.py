"""Agents that use skills, from the push to the script in the sandbox."""

import json
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec, SubAgent
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.errors import ManyInvalid
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from stigmer_tui.cli.skill_packing import pack
from tests.loop.stage import Stage


def skill(place: Path, name: str, *, words: str = "Run `scripts/dig.sh DEPTH`.", front: str = "") -> Path:
    """The folder of a skill with a script and a page."""
    folder = place / "skills" / name
    (folder / "scripts").mkdir(parents=True, exist_ok=True)
    text = f"---\nname: {name}\ndescription: Digs with {name}.\n{front}---\n{words}\n"
    (folder / "SKILL.md").write_text(text)
    (folder / "depths.md").write_text("At most nine metres.\n")
    script = folder / "scripts" / "dig.sh"
    script.write_text('#!/bin/sh\necho "a hole of $1 metres in $(pwd)"\n')
    script.chmod(0o755)
    return folder


def to(name: str, version: str = "") -> ApiResourceReference:
    """A reference to a skill."""
    return ApiResourceReference(kind=ApiResourceKind.skill, slug=name, version=version)


async def push(stage: Stage, folder: Path, tag: str = "") -> str:
    """Push a folder; what came of it."""
    packed = pack(folder, "")
    _, outcome = await stage.client.skills.push(packed.name, packed.archive, tag=tag)
    return outcome


def unpacked(stage: Stage, name: str, digest: str) -> Path:
    """Where a version is unpacked."""
    return stage.workstation.home / "skills" / digest[:16] / name


def asked(stage: Stage, number: int = 0) -> str:
    """What the model was sent with a request, as it went over the wire."""
    return json.dumps(stage.provider.requests[number].body, ensure_ascii=False)


async def test_an_agent_takes_a_skill_runs_its_script_and_reads_its_files(stage: Stage, tmp_path: Path) -> None:
    assert await push(stage, skill(tmp_path, "digging", front="allowed-tools: Bash(rm:*)\n")) == "created"
    digest = (await stage.client.skills.get("digging")).status.version_hash
    folder = unpacked(stage, "digging", digest)
    script = Script.of(
        Turn("I take it.", calls=(ScriptedCall("skill", {"name": "digging"}),)),
        Turn(
            "I dig.",
            calls=(
                ScriptedCall("shell", {"command": f"{folder}/scripts/dig.sh 3"}),
                ScriptedCall("read", {"path": f"{folder}/depths.md"}),
                ScriptedCall("shell", {"command": f"echo changed > {folder}/depths.md; touch {folder}/more; ls {folder}/../.."}),
                ScriptedCall("write", {"path": f"{folder}/depths.md", "content": "changed"}),
                ScriptedCall("read", {"path": f"{folder}/../../../config.yaml"}),
                ScriptedCall("skill", {"name": "flying"}),
            ),
            expect="Run `scripts/dig.sh DEPTH`.",
        ),
        Turn("Dug."),
    )  # fmt: skip
    async with stage.playing(script):
        await stage.agent("digger", AgentSpec(skill_refs=[to("digging")]))
        execution = await stage.run("digger", "Dig.")
        told = await stage.ended(execution.metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        results = told.results()
        assert "Digs with digging." in asked(stage)
        assert "DEPTH" not in asked(stage)
    assert "- depths.md" in results["call-1"]
    assert str(folder) in results["call-1"]
    assert "Bash(rm:*)" not in results["call-1"]
    remarks = [event.log_line.text for event in told.of("log_line")]
    assert any("Bash(rm:*)" in text and "allows nothing" in text for text in remarks), remarks
    output = b"".join(event.terminal_output.data for event in told.of("terminal_output")).decode()
    assert f"a hole of 3 metres in {stage.directory}" in output
    assert "At most nine metres." in results["call-3"]
    assert output.count("Read-only file system") == 2, output
    assert "outside the workspace" in results["call-5"]
    assert "outside" in results["call-6"]
    assert "there are: digging" in results["call-7"]
    assert (folder / "depths.md").read_text() == "At most nine metres.\n"
    assert not (folder / "more").exists()


async def test_what_a_skill_would_like_to_be_allowed_is_asked_for_all_the_same(stage: Stage, tmp_path: Path) -> None:
    await push(stage, skill(tmp_path, "wanting", front="allowed-tools: Bash(*) shell write\n"))
    script = Script.of(
        Turn("I take it.", calls=(ScriptedCall("skill", {"name": "wanting"}),)),
        Turn("I write.", calls=(ScriptedCall("write", {"path": "made.txt", "content": "made"}),)),
        Turn("No."),
    )
    async with stage.playing(script):
        policy = Policy(preset="read-only")
        await stage.agent("wanter", AgentSpec(skill_refs=[to("wanting")], policy=policy))
        execution = await stage.run("wanter", "Write.")
        told = await stage.ended(execution.metadata.id)
    assert told.phase == EXECUTION_COMPLETED, told
    assert not (stage.directory / "made.txt").exists()
    assert not told.of("approval_requested")


async def test_the_same_bytes_make_no_version_and_a_tag_holds_an_agent_back(stage: Stage, tmp_path: Path) -> None:
    folder = skill(tmp_path, "tagged", words="The old way.")
    assert await push(stage, folder, "stable") == "created"
    assert await push(stage, folder, "stable") == "unchanged"
    (folder / "scripts" / "dig.sh").touch()
    assert await push(stage, folder) == "unchanged"
    skill(tmp_path, "tagged", words="The new way.")
    assert await push(stage, folder) == "updated"
    old = (await stage.client.skills.get("tagged", "stable")).status.version_hash
    assert old != (await stage.client.skills.get("tagged")).status.version_hash
    for agent, version, words in (
        ("by-tag", "stable", "The old way."),
        ("by-hash", old, "The old way."),
        ("newest", "", "The new way."),
        ("latest", "latest", "The new way."),
    ):
        script = Script.of(Turn("I take it.", calls=(ScriptedCall("skill", {"name": "tagged"}),)), Turn("Done."))
        async with stage.playing(script):
            await stage.agent(agent, AgentSpec(skill_refs=[to("tagged", version)]))
            told = await stage.ended((await stage.run(agent, "Go.")).metadata.id)
        assert words in told.results()["call-1"], agent


async def test_a_sub_agent_is_told_of_its_own_skills(stage: Stage, tmp_path: Path) -> None:
    await push(stage, skill(tmp_path, "mine"))
    await push(stage, skill(tmp_path, "theirs"))
    helper = SubAgent(
        name="helper", description="helps", instructions="Help with what is asked.", skill_refs=[to("theirs")]
    )
    script = Script.of(
        Turn("Help me.", calls=(ScriptedCall("delegate", {"agent": "helper", "task": "help"}),)),
        Turn("Helped."),
        Turn("Done."),
    )
    async with stage.playing(script):
        await stage.agent("leader", AgentSpec(skill_refs=[to("mine")], sub_agents=[helper]))
        told = await stage.ended((await stage.run("leader", "Go.")).metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert "Digs with mine." in asked(stage)
        assert "Digs with theirs." not in asked(stage)
        assert "Digs with theirs." in asked(stage, 1)
        assert "Digs with mine." not in asked(stage, 1)


async def test_an_agent_cannot_name_a_skill_that_is_not_there(stage: Stage) -> None:
    with pytest.raises(ManyInvalid) as refused:
        await stage.agent("nowhere", AgentSpec(skill_refs=[to("never-pushed")]))
    assert "never-pushed" in str(refused.value.violations)


async def test_a_run_whose_skill_is_gone_says_which_and_what_to_do_and_the_next_one_goes_on(
    stage: Stage, tmp_path: Path
) -> None:
    folder = skill(tmp_path, "gone")
    await push(stage, folder)
    async with stage.playing(Script.of(Turn("Done."))):
        await stage.agent("looser", AgentSpec(skill_refs=[to("gone")]))
        await stage.client.resources.delete(ApiResourceKind.skill, "gone", force=True)
        failed = await stage.run("looser", "Go.")
        told = await stage.ended(failed.metadata.id)
        assert told.phase == EXECUTION_FAILED
        assert "skill 'gone'" in told.reason
        assert "stigmer skill push DIR --name gone" in told.reason
        await push(stage, folder)
        again = await stage.client.run("looser", "Go.", session_id=failed.spec.session_id)
        assert (await stage.ended(again.metadata.id)).phase == EXECUTION_COMPLETED
