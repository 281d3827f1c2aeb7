"""Agents that are run and executions that are followed, against a real daemon and a scripted model."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from stigmer_apis.client import Stigmer, SyncStigmer
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_apis.home import Home
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from tests.chaos.daemon import home_of
from tests.loop.stage import Stage


def connected(stage: Stage) -> Home:
    """The home of the stage."""
    return home_of(stage.workstation)


async def asked(ask: Callable[[], Awaitable[Sequence[object]]], words: str) -> None:
    """Wait until something waits that has these words."""
    async with asyncio.timeout(60):
        while True:
            if any(words in str(each) for each in await ask()):
                return
            await asyncio.sleep(0.05)


async def test_a_command_line_is_run_and_its_result_is_had(stage: Stage) -> None:
    async with Stigmer(connected(stage)) as stigmer:
        execution = await stigmer.agents["shell"].run("echo $((6*7)); exit 3", workspace=str(stage.directory))
        assert "".join([piece async for piece in execution.text()]).strip() == "42"
        result = await execution.result(timeout=60)
        assert (result.phase, result.text.strip(), result.exit_code, result.ok) == ("completed", "42", 3, False)
        kinds = [event.WhichOneof("body") async for event in execution.events()]
        assert (kinds[0], kinds[-1]) == ("execution_created", "phase_changed")
        rows = [row.execution_id async for row in stigmer.agents["shell"].executions()]
        assert execution.id in rows
        session = stigmer.session((await execution.get()).spec.session_id)
        again = await session.run("echo again")
        assert (await again.result(60)).text.strip() == "again"
        assert [row.execution_id async for row in session.executions()] == [again.id, execution.id]
        assert "shell" in [agent.metadata.slug for agent in await stigmer.agents.list()]


async def test_a_model_asks_and_is_answered(stage: Stage) -> None:
    script = Script.of(
        Turn("I write.", calls=(ScriptedCall("write", {"path": "a.txt", "content": "one\n"}),)),
        Turn("And again.", calls=(ScriptedCall("write", {"path": "b.txt", "content": "two\n"}),)),
        Turn("", calls=(ScriptedCall("ask_person", {"question": "Enough?"}),), expect="not that one"),
        Turn("All is well."),
    )
    async with stage.playing(script), Stigmer(connected(stage)) as stigmer:
        await stage.agent("asking", preset="ask")
        execution = await stigmer.agents["asking"].run("Write.", workspace=str(stage.directory))
        with pytest.raises(NotFound, match="no tool call"):
            await stigmer.execution("aex-01m7z6qg7qqm41ste9mnh503tv").approve()
        await asked(execution.approvals, "a.txt")
        await execution.approve()
        await asked(execution.approvals, "b.txt")
        await execution.deny(reason="not that one")
        await asked(execution.questions, "Enough?")
        await execution.answer("yes")
        result = await execution.result(60)
        assert (result.phase, result.text) == ("completed", "All is well.")
        assert (stage.directory / "a.txt").exists()
        assert not (stage.directory / "b.txt").exists()


async def test_what_runs_is_stopped_and_takes_no_more(stage: Stage) -> None:
    async with Stigmer(connected(stage)) as stigmer:
        execution = await stigmer.agents["shell"].run("cat")
        with pytest.raises(TimeoutError):
            await execution.result(timeout=0.2)
        await execution.cancel("enough")
        assert (await execution.result(60)).phase == "cancelled"
        with pytest.raises(FailedPrecondition):
            await execution.send("more")
        with pytest.raises(NotFound):
            await stigmer.agents["nobody"].run("hello")


async def test_without_an_event_loop(stage: Stage) -> None:
    home = connected(stage)

    def script() -> list[str]:
        with SyncStigmer(home) as stigmer:
            execution = stigmer.agents["shell"].run("echo $((6*7))")
            said = ["".join(execution.text()).strip(), execution.result(60).phase]
            first = next(iter(stigmer.executions()))
            assert first.execution_id == execution.id
            assert any(event.HasField("terminal_output") for event in stigmer.execution(execution.id).events())
            held = stigmer.agents["shell"].run("cat")
            held.cancel()
            return [*said, held.result(60).phase]

    assert await asyncio.to_thread(script) == ["42", "completed", "cancelled"]
    with pytest.raises(RuntimeError, match="not connected"):
        _ = SyncStigmer(home).agents
