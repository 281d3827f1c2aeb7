"""Four real servers, started as programs inside the sandbox."""

import subprocess
from pathlib import Path

from stigmer_runner.mcp.definition import Choice, Definition, Program
from stigmer_runner.sandbox import Sandbox
from tests.mcp.stand import server_program, standing
from tests.sandbox.ground import CANARY, Ground


async def test_time(ground: Ground, walled: Sandbox) -> None:
    definition = Definition("time", Program(server_program("mcp-server-time"), ("--local-timezone", "UTC")))
    async with standing(ground, walled, [definition]) as stand:
        tools = await stand.tools()
        assert stand.servers.problems() == []
        assert sorted(tools) == ["mcp__time__convert_time", "mcp__time__get_current_time"]
        text = await stand.text(
            "mcp__time__convert_time", source_timezone="Asia/Tokyo", time="12:00", target_timezone="UTC"
        )
        assert "03:00" in text
        assert "timezone" in (await stand.error("mcp__time__get_current_time", timezone="Nowhere/Land")).lower()


def repository(ground: Ground) -> Path:
    """A repository with a file that it does not know."""
    workspace = ground.workspace()
    subprocess.run(["git", "init", "-q", str(workspace)], check=True)
    (workspace / "a.txt").write_text("hello\n")
    return workspace


async def test_git_in_the_workspace(ground: Ground, walled: Sandbox) -> None:
    workspace = repository(ground)
    definition = Definition("git", Program(server_program("mcp-server-git"), ("--repository", str(workspace))))
    async with standing(ground, walled, [definition], workspace=workspace) as stand:
        assert "mcp__git__git_status" in await stand.tools(), stand.servers.problems()
        assert "a.txt" in await stand.text("mcp__git__git_status", repo_path=str(workspace))
        assert "outside" in await stand.error("mcp__git__git_status", repo_path=str(ground.person))


async def test_the_filesystem_behind_walls(ground: Ground, walled: Sandbox) -> None:
    """Told to serve more than the workspace, it finds nothing there: the walls hold it."""
    workspace = ground.workspace()
    person = str(ground.person)
    given = Program(server_program("mcp-server-filesystem"), (str(workspace), person))
    async with standing(ground, walled, [Definition("files", given)], workspace=workspace) as stand:
        await stand.text("mcp__files__write_file", path=str(workspace / "new.txt"), content="written\n")
        assert (workspace / "new.txt").read_text() == "written\n"
        assert "written" in await stand.text("mcp__files__read_text_file", path=str(workspace / "new.txt"))
        assert CANARY not in await stand.error("mcp__files__read_text_file", path=f"{person}/.netrc")
        assert ".netrc" not in (await stand.call("mcp__files__list_directory", path=person)).text


async def test_everything(ground: Ground, walled: Sandbox) -> None:
    """Text, pictures, progress, and a question to the person."""
    definition = Definition("everything", Program(server_program("mcp-server-everything")))
    async with standing(ground, walled, [definition], answers=["always"]) as stand:
        tools = await stand.tools()
        assert "mcp__everything__echo" in tools, stand.servers.problems()
        assert "good morning" in await stand.text("mcp__everything__echo", message="good morning")
        picture = await stand.call("mcp__everything__get-tiny-image")
        assert [image.media_type for image in picture.images] == ["image/png"]
        await stand.text("mcp__everything__trigger-long-running-operation", duration=1, steps=4)
        progress = [event.tool_call_progress for event in stand.bench.of("tool_call_progress")]
        assert progress
        assert progress[-1].fraction == 1.0
        assert {each.call_id for each in progress} == {"call-3"}


async def test_elicitation_is_put_to_the_person(ground: Ground, walled: Sandbox) -> None:
    definition = Definition("everything", Program(server_program("mcp-server-everything")))
    async with standing(ground, walled, [definition], answers=["this session", "Ada"]) as stand:
        name = "mcp__everything__trigger-elicitation-request"
        assert name in await stand.tools()
        stand.answers += ["decline"]
        await stand.call(name)
        asked = [question.text for question in stand.questions[1:]]
        assert len(asked) >= 2
        assert all(text.startswith("The MCP server everything asks: ") for text in asked)


async def test_filters(ground: Ground, walled: Sandbox) -> None:
    """What the agent enables, and of that what a sub-agent chooses."""
    program = Program(server_program("mcp-server-time"))
    definition = Definition("time", program, enabled=("get_current_time", "gone"))
    async with standing(ground, walled, [definition]) as stand:
        assert list(await stand.tools()) == ["mcp__time__get_current_time"]
        assert stand.servers.problems() == ["The MCP server time has no tool gone"]
        assert await stand.tools(Choice(frozenset())) == {}
        other = Choice(frozenset({"time"}), {"time": frozenset({"convert_time"})})
        assert await stand.tools(other) == {}
