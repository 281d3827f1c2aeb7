"""A person's message asked again in its session: what came after it is forgotten, and files are as they were before it."""

import json

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_COMPLETED,
    MESSAGE_HUMAN,
)
from stigmer_apis.errors import FailedPrecondition, InvalidArgument
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from tests.loop.stage import Stage, Told


def written(content: str, *names: str) -> Turn:
    """A turn that reads `a`, which is there, and writes these files."""
    writes = (ScriptedCall("write", {"path": name, "content": content}) for name in names)
    return Turn("", calls=(ScriptedCall("read", {"path": "a"}), *writes))


def asked(told: Told) -> list[str]:
    """The ids of what a person said."""
    return [
        each.message_started.message_id
        for each in told.of("message_started")
        if each.message_started.type == MESSAGE_HUMAN
    ]


async def test_a_message_is_asked_again_in_its_session(stage: Stage) -> None:
    """Three executions of a session; the second one's message is asked again, twice: by its number on the line, and by its id."""
    script = Script.of(
        Turn("Apples are fine."),
        written("two", "a", "b"), Turn("Bananas are written."),
        written("three", "a", "c"), Turn("Cherries are written."),
    )  # fmt: skip
    async with stage.playing(script):
        await stage.agent("grocer")
        (stage.directory / "a").write_text("one")
        first = await stage.run("grocer", "Apples?")
        await stage.ended(first.metadata.id)
        session = first.spec.session_id
        runs = [first.metadata.id]
        for words in ("Bananas?", "Cherries?"):
            runs.append((await stage.client.run("grocer", words, session_id=session)).metadata.id)
            await stage.ended(runs[-1])
        assert (stage.directory / "c").read_text() == "three"
        (stage.directory / "b").write_text("a person's")

        before = len(stage.provider.requests)
        done = stage.workstation.run("retry", runs[1], "--message", "1", "--detach")
        words = done.stderr.decode()
        assert "a is as before" in words
        assert "c is as before" in words
        assert "b is left alone: somebody else changed it since" in words

        again = await stage.ended(done.stdout.decode().strip())
        assert "one" in next(iter(again.results().values())), "what it reads first is as it was"
        assert not (stage.directory / "c").exists()
        assert (stage.directory / "b").read_text() == "a person's"
        said = json.dumps(stage.provider.requests[before].body)
        assert "Apples are fine." in said
        assert said.count("Bananas?") == 1
        assert "Cherries" not in said
        assert "Bananas are written." not in said
        past = again.of("execution_created")[0].execution_created.shared_past
        assert (past.session_id, past.execution_id) == (session, runs[1])
        assert (await stage.client.get_execution(runs[2])).status.phase == EXECUTION_COMPLETED, "it stays, to be read"

        later = await stage.client.run("grocer", "Go on.", session_id=session)
        await stage.ended(later.metadata.id)
        said = json.dumps(stage.provider.requests[-1].body)
        assert said.count("Bananas are written.") == 1
        assert "Cherries?" not in said

        made = await stage.client.steering.retry_message(runs[0], asked(await stage.ended(runs[0]))[0], text="Pears?")
        assert sorted(made.paths) == ["a", "c"]
        await stage.ended(made.execution_id)
        assert (stage.directory / "a").read_text() == "one"
        said = json.dumps(stage.provider.requests[-1].body)
        assert "Pears?" in said
        assert "Apples" not in said


async def test_what_cannot_be_asked_again_is_said(stage: Stage) -> None:
    script = Script.of(
        Turn("One."), Turn("", calls=(ScriptedCall("ask_person", {"question": "Go on?"}),)), Turn("Two.")
    )
    async with stage.playing(script):
        await stage.agent("talker")
        first = await stage.run("talker", "Talk.")
        await stage.ended(first.metadata.id)
        with pytest.raises(InvalidArgument, match="has no message '2' of a person: there is 1"):
            await stage.client.steering.retry_message(first.metadata.id, "2")
        second = await stage.client.run("talker", "More.", session_id=first.spec.session_id)
        await stage.until(second.metadata.id, lambda told: len(told.questions) == 1)
        with pytest.raises(FailedPrecondition, match="has not ended") as refused:
            await stage.client.steering.retry_message(first.metadata.id)
        assert f"stigmer cancel {second.metadata.id}" in refused.value.remedy
        await stage.client.cancel(second.metadata.id)
    line = await stage.client.run("shell", "true", secrets={"TOKEN": "t0ken-of-nine"})
    await stage.ended(line.metadata.id)
    with pytest.raises(FailedPrecondition, match="TOKEN"):
        await stage.client.steering.retry_message(line.metadata.id)
