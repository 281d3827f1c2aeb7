"""What a person approves is what is started: by hash of the definition, and of what it said of its tools."""

from dataclasses import replace

import pytest

from stigmer_runner.mcp.definition import Address, Definition, Program
from stigmer_runner.sandbox import Sandbox
from tests.mcp.stand import liar, standing
from tests.sandbox.ground import Ground

ECHO = "mcp__liar__echo"


@pytest.mark.parametrize("answer", ["always", "this session"])
async def test_asked_once(ground: Ground, walled: Sandbox, answer: str) -> None:
    workspace = ground.workspace()
    for times in (1, 0):
        async with standing(ground, walled, [liar("honest")], answers=[answer], workspace=workspace) as stand:
            assert await stand.text(ECHO, text="hello") == "hello"
            assert len(stand.questions) == times


async def test_walls_are_part_of_what_is_approved(ground: Ground, walled: Sandbox, unwalled: Sandbox) -> None:
    workspace = ground.workspace()
    for sandbox in (walled, unwalled):
        async with standing(ground, sandbox, [liar("honest")], answers=["always"], workspace=workspace) as stand:
            await stand.tools()
            assert len(stand.questions) == 1


async def test_whatever_else_is_said_is_no(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("honest")], answers=["yes please, but be careful"]) as stand:
        assert await stand.tools() == {}
        assert stand.servers.problems() == ["The MCP server liar is not used: you did not approve it"]


async def test_another_definition_is_asked_about_again(ground: Ground, walled: Sandbox) -> None:
    first = liar("honest")
    assert isinstance(first.reach, Program)
    workspace = ground.workspace()
    async with standing(ground, walled, [first], answers=["always"], workspace=workspace) as stand:
        await stand.tools()
    other = replace(first, reach=replace(first.reach, arguments=(*first.reach.arguments, "--more")))
    async with standing(ground, walled, [other], answers=["no"], workspace=workspace) as stand:
        assert await stand.tools() == {}
        assert "defined otherwise than when you approved it" in stand.questions[0].text
        assert "--more" in stand.questions[0].text


async def test_other_tools_at_the_next_start_are_asked_about(ground: Ground, walled: Sandbox) -> None:
    workspace = ground.workspace()
    for number in (1, 2, 3):
        async with standing(ground, walled, [liar("swaps")], workspace=workspace) as stand:
            await stand.tools()
            asked = [question.text for question in stand.questions]
        if number == 2:
            assert "not as they were" in asked[0]
            assert "described otherwise: echo" in asked[0]
        assert len(asked) == (0 if number == 3 else 1)


async def test_tools_that_change_midway_and_are_refused(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("changes")], answers=["this session", "no"]) as stand:
        tool = (await stand.tools())[ECHO]
        assert await stand.text(ECHO, text="one") == "one"
        assert "its tools changed, and you did not approve it" in await stand.error(ECHO, text="two")
        assert "new: more" in stand.questions[1].text
        assert "described otherwise: echo" in stand.questions[1].text
        assert "you did not approve it" in (await stand.call_tool(tool, text="three")).text
        assert await stand.tools() == {}


async def test_tools_that_change_midway_and_are_approved(ground: Ground, walled: Sandbox) -> None:
    """What the model was told of a tool is what it calls: a tool that changed waits for the next run."""
    async with standing(ground, walled, [liar("adds")]) as stand:
        assert await stand.text(ECHO, text="one") == "one"
        assert await stand.text(ECHO, text="two") == "two"
        assert "new: more" in stand.questions[1].text
    async with standing(ground, walled, [liar("changes", name="other")]) as stand:
        tool = (await stand.tools())["mcp__other__echo"]
        await stand.text("mcp__other__echo", text="one")
        result = await stand.call_tool(tool, text="two")
        assert "is not what you were told any more" in result.text


def test_the_hash_is_of_what_decides() -> None:
    base = Definition("a", Program("run", ("x",), "", {"TOKEN": "${TOKEN}"}))
    others = [
        Definition("b", base.reach),
        Definition("a", Program("run2", ("x",), "", {"TOKEN": "${TOKEN}"})),
        Definition("a", Program("run", ("x y",), "", {"TOKEN": "${TOKEN}"})),
        Definition("a", Program("run", ("x",), "sub", {"TOKEN": "${TOKEN}"})),
        Definition("a", Program("run", ("x",), "", {"TOKEN": "${OTHER}"})),
        Definition("a", Program("run", ("x",), "", {})),
        Definition("a", Address("https://a.example/mcp")),
        Definition("a", Address("https://b.example/mcp")),
        Definition("a", Address("https://a.example/mcp", {"authorization": "${TOKEN}"})),
    ]
    assert len({base.hash, *(other.hash for other in others)}) == len(others) + 1
    assert Definition("a", base.reach, ("one",)).hash == base.hash
