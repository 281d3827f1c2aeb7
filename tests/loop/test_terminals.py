"""Terminals and persons, end to end: a command of a model that waits for a person, and a shell of the session where a model works."""

import asyncio
import contextlib

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_CANCELLED,
    EXECUTION_COMPLETED,
)
from stigmer_apis._generated.stigmer.execution.v1.attention_pb2 import ATTENTION_KIND_PASSWORD
from stigmer_apis._generated.stigmer.execution.v1.execution_service_pb2 import ExecutionFilter
from stigmer_apis.client import Client
from stigmer_apis.protocol import SESSION_SHELL
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from stigmer_tui.terminal.session_shell import start_session_shell
from tests.loop.stage import Stage, Told

SECRET = "correct-horse-battery"


def shown(told: Told) -> bytes:
    """All that its terminals printed."""
    return b"".join(event.terminal_output.data for event in told.of("terminal_output"))


async def typed(client: Client, execution_id: str, *keys: bytes) -> None:
    """A person attaches, types, and lets go."""
    async with client.attach(execution_id, columns=100, rows=30) as session:
        for each in keys:
            await session.write(each)
        await asyncio.sleep(0.3)  # letting go at once would take the keys along


async def test_a_password_is_typed_by_the_person_and_the_model_hears_of_it_and_not_what(stage: Stage) -> None:
    command = "read -s -p 'Password: ' word; echo; echo got ${#word}"
    script = Script.of(
        Turn("I sign in.", calls=(ScriptedCall("shell", {"command": command}),)),
        Turn("Done.", expect="the person typed into its terminal"),
    )
    async with stage.playing(script):
        await stage.agent("signer")
        execution_id = (await stage.run("signer", "Sign in")).metadata.id
        told = await stage.until(execution_id, lambda told: bool(told.of("attention_raised")))
        assert told.of("attention_raised")[0].attention_raised.kind == ATTENTION_KIND_PASSWORD
        await typed(stage.client, execution_id, f"{SECRET}\r".encode())
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert f"got {len(SECRET)}".encode() in shown(told)
        assert {"terminal_attached", "terminal_detached", "attention_cleared"} <= {
            event.WhichOneof("body") for event in told.events
        }
        assert SECRET.encode() not in b"".join(event.SerializeToString() for event in told.events)


async def test_a_shell_of_a_session_where_a_model_works(stage: Stage) -> None:
    first = Script.of(
        Turn(calls=(ScriptedCall("shell", {"command": "mkdir -p deep; cd deep; export STAGE=testing"}),)),
        Turn("It is there."),
    )
    async with stage.playing(first):
        await stage.agent("maker")
        execution = await stage.run("maker", "Make a directory")
        assert (await stage.ended(execution.metadata.id)).phase == EXECUTION_COMPLETED
    session_id = (await stage.client.get_execution(execution.metadata.id)).spec.session_id
    shell_id = await start_session_shell(stage.client, session_id, (100, 30))
    await typed(stage.client, shell_id, b'echo "it is $STAGE" && cd .. && touch by-hand\r')
    await stage.until(shell_id, lambda told: b"it is testing\r\n" in shown(told))
    listed = await stage.client.list_executions(ExecutionFilter(session_id=session_id))
    assert [each.subject for each in listed.executions] == [SESSION_SHELL, "Make a directory"]
    await typed(stage.client, shell_id, b"exit\r")
    ended = await stage.ended(shell_id)
    assert ended.phase == EXECUTION_COMPLETED, ended
    assert len(ended.of("terminal_attached")) == 2
    assert len(ended.of("terminal_detached")) == 2
    assert (stage.directory / "by-hand").exists()

    def remembers(text: str) -> bool:
        return "worked in a shell of the session" in text and "it is testing" in text

    second = Script.of(
        *first.conversations[0].turns,
        Turn(calls=(ScriptedCall("shell", {"command": "pwd; ls"}),)),
        Turn("I see."),
    )
    async with stage.playing(second):
        execution = await stage.client.run("", "Where are we?", session_id=session_id)
        told = await stage.ended(execution.metadata.id)
        assert told.phase == EXECUTION_COMPLETED, told
        assert shown(told).startswith(f"{stage.directory}\r\n".encode())
        assert remembers(str(stage.provider.requests))


async def test_a_shell_of_a_session_ends_with_a_cancel(stage: Stage) -> None:
    execution = await stage.client.run("shell", "true", workspace=str(stage.directory))
    await stage.ended(execution.metadata.id)
    session_id = (await stage.client.get_execution(execution.metadata.id)).spec.session_id
    shell_id = await start_session_shell(stage.client, session_id, (80, 24))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            await stage.client.cancel(shell_id)
    assert (await stage.ended(shell_id)).phase == EXECUTION_CANCELLED
