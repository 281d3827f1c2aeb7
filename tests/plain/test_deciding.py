"""Decisions and questions, line by line: the whole text, a number that nobody could know before, and nothing by accident."""

import asyncio

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_COMPLETED
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from tests.loop.stage import Stage
from tests.plain.conftest import Talk

HIDDEN = "echo one" + " " * 200 + "; touch two\u202e; touch three"
"""A command that ends out of sight, and turns its text round."""


def wants(*commands: str) -> Script:
    """A model that wants to run these, one after the other."""
    return Script.of(*(Turn("", calls=(ScriptedCall("shell", {"command": each}),)) for each in commands), Turn("Done."))


async def test_only_the_number_of_this_question_allows_and_only_once_all_was_said(stage: Stage, talk: Talk) -> None:
    await stage.agent("asker", preset="ask")

    def person() -> str:
        with talk("-w", str(stage.directory)) as talking:
            talking.say("agent asker")
            talking.until("started with asker")
            talking.say("start Do it.")
            asked = talking.until("Your decision: ")
            assert "⟨200 blanks⟩ ; touch two⟨U+202E⟩; touch three" in asked
            number = asked.partition("once and the number ")[2][:3]
            for wrong in ("", "y", "yes", "once", "1", f"once {int(number) ^ 1}", "session", f"Once{number}"):
                talking.say(wrong)
                talking.until("Nothing was decided")
                talking.until("Your decision: ")
            assert not (stage.directory / "two").exists()
            talking.say(f"once {number}")
            talking.until("Allowed.")
            second = talking.number()
            talking.say("deny not that")
            talking.until("Denied.")
            third = talking.number()
            assert len({number, second, third}) > 1
            talking.say(f"edit {third}")
            talking.until("What shall run instead: ")
            talking.say("touch edited")
            confirm = talking.until(": ")
            talking.say("once " + confirm.rpartition("once ")[2].removesuffix(": "))
            talking.until("Allowed, as you changed it.")
            talking.until("The run is completed.")
            talking.until("stigmer> ")
            talking.leave()
            return talking.shown

    async with stage.playing(wants(HIDDEN, "touch denied", "touch original")):
        shown = await asyncio.to_thread(person)
    assert "asker: Done." in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert {path.name for path in stage.directory.iterdir() if path.suffix == ""} >= {"edited"}
    assert not (stage.directory / "denied").exists()
    assert not (stage.directory / "original").exists()


async def test_what_was_typed_before_or_pasted_decides_nothing(stage: Stage, talk: Talk) -> None:
    await stage.agent("paster", preset="ask")

    def person() -> None:
        with talk("-w", str(stage.directory)) as talking:
            talking.say("agent paster")
            talking.until("started with paster")
            guesses = "".join(f"once {number}\n" for number in range(100, 300))
            talking.dialogue.say("start Do it.\n" + guesses)
            number = talking.number()
            talking.dialogue.say(f"once {number}\nonce {number}\n")
            talking.until("More than one line came at once")
            talking.until("Your decision: ")
            talking.say("later")
            talking.until("Left for later.")
            talking.dialogue.say("\x03")
            talking.until("Not followed any more. The run goes on")
            talking.until("stigmer> ")
            assert not (stage.directory / "allowed").exists()
            talking.say("waiting")
            talking.until("1. paster wants a decision: ")
            talking.until("stigmer> ")
            talking.say("decide 1")
            talking.say(f"once {talking.number()}")
            talking.until("Allowed.")
            talking.until("stigmer> ")
            talking.leave()

    async with stage.playing(wants("touch allowed")):
        await asyncio.to_thread(person)
        runs = await stage.client.list_executions(page_size=1)
        told = await stage.ended(runs.executions[0].execution_id)
    assert told.phase == EXECUTION_COMPLETED
    assert (stage.directory / "allowed").exists()


async def test_a_question_is_answered_by_the_number_of_an_option(stage: Stage, talk: Talk) -> None:
    question = ScriptedCall("ask_person", {"question": "Which colour?", "options": ["red", "blue"]})
    await stage.agent("curious", preset="auto")

    def person() -> None:
        with talk() as talking:
            talking.say("agent curious")
            talking.until("started with curious")
            talking.say("start Paint.")
            assert "  2. blue" in talking.until("Your answer: ")
            talking.say("2")
            talking.until("Answered.")
            talking.until("curious: It is blue then.")
            talking.until("The run is completed.")

    async with stage.playing(Script.of(Turn("", calls=(question,)), Turn("It is blue then.", expect="blue"))):
        await asyncio.to_thread(person)


async def test_somebody_who_looks_on_is_asked_nothing_and_can_change_nothing(stage: Stage, talk: Talk) -> None:
    await stage.agent("watched", preset="ask")
    async with stage.playing(wants("touch watched")):
        run = (await stage.run("watched", "Do it.")).metadata.id
        await stage.until(run, lambda told: bool(told.approvals))

        def person() -> None:
            with talk("--read-only", "--attach", run) as talking:
                assert "It waits for you" in talking.shown
                for line in ("decide", "start x", "stop", "send x", "pause", "delete agent watched", "apply -f x"):
                    talking.say(line)
                    talking.until("looking on")
                    talking.until("stigmer> ")
                talking.say("describe agent watched")
                talking.until("Kind:     Agent")
                talking.until("stigmer> ")
                talking.leave()

        await asyncio.to_thread(person)
        waiting = (await stage.client.steering.list_attention()).waiting
        assert [each.execution.execution_id for each in waiting] == [run]
        await stage.client.cancel(run, wait=30)
