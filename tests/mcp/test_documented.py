"""The files of docs/mcp.md, applied and run as they stand there."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_COMPLETED
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from tests.docs.blocks import ROOT, blocks_of
from tests.loop.stage import Stage, on_stage, opened
from tests.mcp.stand import SERVERS, server_program
from tests.support.require import require_tool


@pytest.fixture
async def stage() -> AsyncGenerator[Stage]:
    """A home whose programs are the person's, the real servers among them."""
    require_tool("bwrap")
    with opened(PATH=f"{SERVERS}:{os.environ['PATH']}") as workstation:
        async with on_stage(workstation) as made:
            yield made


def written(directory: Path) -> Path:
    """The file that the page tells to write."""
    (block,) = [each for each in blocks_of(ROOT / "docs" / "mcp.md") if each.options.get("file") == "clock.yaml"]
    file = directory / "clock.yaml"
    file.write_text(block.text)
    return file


async def test_the_page(stage: Stage) -> None:
    server_program("mcp-server-time")
    applied = stage.workstation.run("apply", "-f", str(written(stage.directory)))
    assert applied.returncode == 0, applied.stderr
    noon = {"source_timezone": "Asia/Tokyo", "time": "12:00", "target_timezone": "America/Lima"}
    script = Script.of(
        Turn("Looking.", calls=(ScriptedCall("mcp__clock__convert_time", noon),)),
        Turn("It is ten in the evening.", expect="22:00"),
    )
    wanted = AgentExecution()
    wanted.spec.agent_id, wanted.spec.message = "timekeeper", "It is noon in Tokyo. What time is it in Lima?"
    wanted.spec.execution_config.model_name = "ollama/scripted"
    wanted.spec.options.policy.CopyFrom(Policy(preset="auto"))
    async with stage.playing(script):
        execution_id = await stage.start(wanted)
        told = await stage.until(execution_id, lambda told: bool(told.questions))
        assert "program: mcp-server-time" in told.questions[0].text
        assert "in the sandbox, without the network" in told.questions[0].text
        await stage.client.steering.answer(execution_id, "always", told.questions[0].attention_id)
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert "22:00" in told.results()["call-1"]
        offered = stage.provider.requests[0].body
        assert "mcp__clock__convert_time" in str(offered)
        assert "get_current_time" not in str(offered)
    approved = stage.workstation.home / "mcp" / "approved.json"
    assert approved.stat().st_mode & 0o777 == 0o600
