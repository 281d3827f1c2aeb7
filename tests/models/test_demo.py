"""The demonstration: its script fits the project, the tools, and every provider's route."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import cast

from stigmer_runner.models.demo import demo_script, write_project
from stigmer_runner.models.port import AssistantMessage, Message, ToolMessage, UserMessage
from stigmer_runner.models.scripted import Script
from stigmer_runner.tools.registry import ALL
from tests.models.conftest import asking, collect, request

DEMO = demo_script()


def mended(project: Path) -> bool:
    """Whether the project's tests do."""
    command = [sys.executable, "-m", "unittest", "-v"]
    return subprocess.run(command, cwd=project, capture_output=True, timeout=60, check=False).returncode == 0


def test_the_edit_mends_the_project(tmp_path: Path) -> None:
    write_project(tmp_path)
    assert not mended(tmp_path)
    edits = [call for turn in DEMO.conversations[0].turns for call in turn.calls if call.name == "edit"]
    assert len(edits) == 1
    args = cast(dict[str, object], edits[0].args)
    path = tmp_path / str(args["path"])
    for edit in cast(list[dict[str, str]], args["edits"]):
        assert path.read_text().count(edit["old"]) == 1
        path.write_text(path.read_text().replace(edit["old"], edit["new"]))
    assert mended(tmp_path)


def test_every_call_is_one_that_the_tools_take() -> None:
    tools = {tool.spec.name: tool for tool in ALL}
    for turn in DEMO.conversations[0].turns:
        for call in turn.calls:
            assert not isinstance(call.args, str)
            tools[call.name].check(call.args)


async def test_it_runs_to_its_end(provider_name: str) -> None:
    quick = tuple(dataclasses.replace(turn, delay=0.0, token_delay=0.0) for turn in DEMO.conversations[0].turns)
    conversation: list[Message] = [UserMessage("Please mend the failing test.")]
    said: list[AssistantMessage] = []
    async with asking(Script.of(*quick)) as (_, models):
        while not said or said[-1].tool_calls:
            _, done = await collect(models, request(provider_name, *conversation))
            said.append(done.message)
            conversation.append(done.message)
            conversation += [ToolMessage(call.id, call.name, "ok") for call in done.message.tool_calls]
    assert len(said) == len(quick)
    assert "demonstration" in said[0].text
    assert "demonstration" in said[-1].text
