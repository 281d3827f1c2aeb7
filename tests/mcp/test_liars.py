"""Servers that misbehave: each is told in words, and the session goes on with the others."""

import asyncio

import pytest

from stigmer_runner.mcp.definition import Definition, Program
from stigmer_runner.mcp.listing import LONGEST_DESCRIPTION
from stigmer_runner.mcp.results import LONGEST_TEXT
from stigmer_runner.mcp.servers import Waits
from stigmer_runner.sandbox import Sandbox
from tests.mcp.stand import Stand, liar, standing
from tests.sandbox.ground import Ground

ECHO = "mcp__liar__echo"
SOON = Waits(start=30.0, call=2.0)


async def honest_goes_on(stand: Stand) -> None:
    """Another server of the same run still does what it is asked."""
    assert await stand.text("mcp__honest__echo", text="still here") == "still here"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("dies at start", "exit code 3; the last that it said: no configuration found"),
        ("silent", "did not answer within 4 seconds"),
        ("array", "it answered what no server may: tools.1.inputSchema.type: Input should be 'object'"),
        ("endless list", "its list of tools has no end"),
    ],
)
async def test_servers_that_never_begin(ground: Ground, walled: Sandbox, kind: str, words: str) -> None:
    waits = Waits(start=4.0 if kind == "silent" else 30.0)
    async with standing(ground, walled, [liar(kind), liar("honest", name="honest")], waits=waits) as stand:
        assert list(await stand.tools()) == ["mcp__honest__echo"]
        (problem,) = stand.servers.problems()
        assert problem.startswith("The MCP server liar is not used: ")
        assert words in problem
        await honest_goes_on(stand)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("dies", "exit code 7; the last that it said: out of luck"),
        ("hangs", "no sign of life for 2 seconds; the call was cancelled"),
        ("wrong id", "no sign of life for 2 seconds"),
        ("malformed", "it answered what no server may"),
        ("huge line", "a message of more than 16 MiB"),
        ("chatters", "more than 5000 messages in a row that answer nothing"),
        ("prattles", "more than 200 lines that are no messages"),
    ],
)
async def test_calls_that_go_wrong(ground: Ground, walled: Sandbox, kind: str, words: str) -> None:
    async with standing(ground, walled, [liar(kind), liar("honest", name="honest")], waits=SOON) as stand:
        said = await stand.error(ECHO, text="hello")
        assert said.startswith("The MCP server liar: ")
        assert words in said
        await honest_goes_on(stand)


@pytest.mark.parametrize("program", ["no-such-program", "/etc/hostname"])
async def test_a_program_that_cannot_run(ground: Ground, walled: Sandbox, program: str) -> None:
    async with standing(ground, walled, [Definition("gone", Program(program))]) as stand:
        assert await stand.tools() == {}
        (problem,) = stand.servers.problems()
        assert "its program could not be started" in problem
        assert program in problem


async def test_a_name_that_policies_could_take_for_another(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("honest", name="git/hub")]) as stand:
        assert await stand.tools() == {}
        assert "give it another name" in stand.servers.problems()[0]
        assert stand.questions == []


async def test_a_missing_value(ground: Ground, walled: Sandbox) -> None:
    program = Program("python3", environment={"TOKEN": "Bearer ${TOKEN}"})
    async with standing(ground, walled, [Definition("keyed", program)]) as stand:
        assert await stand.tools() == {}
        (problem,) = stand.servers.problems()
        assert "wants the value TOKEN, which this run does not have" in problem


async def test_noise_is_put_up_with(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("logs")]) as stand:
        assert await stand.text(ECHO, text="hello") == "hello"


async def test_a_server_that_died_is_started_again(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("dies once")]) as stand:
        assert "exit code 7" in await stand.error(ECHO, text="one")
        assert await stand.text(ECHO, text="two") == "two"
        assert len(stand.questions) == 1


async def test_a_server_that_dies_and_dies_is_left(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("dies")]) as stand:
        said = [await stand.error(ECHO, text="hello") for _ in range(6)]
        assert "it is not started again in this run" in said[-1]


async def test_listings_are_checked(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("twice"), liar("schemas", name="schemas")]) as stand:
        tools = await stand.tools()
        assert sorted(tools) == [ECHO, "mcp__schemas__echo"], stand.servers.problems()
        assert "Another one" not in tools[ECHO].spec.description
        notes = "\n".join(stand.servers.problems())
        for words in ("is listed twice", "too large", "has no name that can be used"):
            assert words in notes


async def test_an_answer_that_cannot_be_read(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("unreadable")], waits=SOON) as stand:
        assert "(1 lines) is no message that can be read" in await stand.error(ECHO, text="hello")


async def test_a_thousand_tools(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("thousands")]) as stand:
        assert len(await stand.tools()) == 256


async def test_descriptions_are_untrusted(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("whispers")]) as stand:
        description = (await stand.tools())[ECHO].spec.description
        assert description.startswith("[mcp:liar/echo; described by the server itself] Harmless.␛[2J⟨U+202E⟩")
        assert len(description) < LONGEST_DESCRIPTION + 200


async def test_long_answers_are_cut(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("long")]) as stand:
        text = await stand.text(ECHO, text="")
        assert len(text) < LONGEST_TEXT + 100
        assert text.startswith("begin")
        assert text.endswith("end")


async def test_pictures_that_are_none(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("paints")]) as stand:
        result = await stand.call(ECHO, text="")
        assert result.images == ()
        assert (
            result.text
            == "[a picture that is not base64]\n[a picture of the type image/tiff, which models are not shown]"
        )


async def test_progress_is_a_sign_of_life(ground: Ground, walled: Sandbox) -> None:
    """The call takes longer than a silent one may."""
    async with standing(ground, walled, [liar("progresses")], waits=Waits(start=10.0, call=1.0)) as stand:
        assert await stand.text(ECHO, text="done") == "done"
        assert stand.bench.of("tool_call_progress")


async def test_a_call_is_cancelled(ground: Ground, walled: Sandbox) -> None:
    async with standing(ground, walled, [liar("hangs"), liar("honest", name="honest")]) as stand:
        await stand.tools()
        calling = asyncio.create_task(stand.call(ECHO, text="hello"))
        await asyncio.sleep(0.5)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await honest_goes_on(stand)


async def test_secrets_reach_their_server_and_nothing_else(ground: Ground, walled: Sandbox) -> None:
    secret = "correct-horse-battery"
    given = liar("tells")
    assert isinstance(given.reach, Program)
    program = Program("python3", given.reach.arguments, environment={"GIVEN": "{{KEY}}"})
    values = {"KEY": secret, "NOT_GIVEN": "other-value-of-the-run"}
    async with standing(
        ground, walled, [Definition("liar", program)], environment=values, secrets={"KEY": secret}
    ) as stand:
        text = await stand.text(ECHO, text="")
        assert secret not in text
        assert text.endswith(" nothing")
        assert len(text) > len(" nothing")
        assert all(secret not in question.text for question in stand.questions)


async def test_no_secret_stands_in_an_argument(ground: Ground, walled: Sandbox) -> None:
    definition = Definition("keyed", Program("python3", ("--key=${KEY}",)))
    values = {"KEY": "correct-horse-battery"}
    async with standing(ground, walled, [definition], environment=values, secrets=values) as stand:
        assert await stand.tools() == {}
        assert "wants the secret KEY in an argument" in stand.servers.problems()[0]
    own = Definition("keyed", definition.reach, secrets=values)
    async with standing(ground, walled, [own], environment={"KEY": "plain-and-open"}) as stand:
        assert await stand.tools() == {}
        assert "wants the secret KEY in an argument" in stand.servers.problems()[0]


async def test_without_walls(ground: Ground, unwalled: Sandbox) -> None:
    """It works, and the question says what it means."""
    async with standing(ground, unwalled, [liar("honest")]) as stand:
        assert await stand.text(ECHO, text="hello") == "hello"
        assert "without walls" in stand.questions[0].text
