"""What goes wrong around a run: each says what, where and how to mend it, and the session goes on."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import (
    EXECUTION_COMPLETED,
    EXECUTION_FAILED,
)
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionSpec,
)
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import Attachment, RunOptions
from stigmer_apis.errors import FailedPrecondition
from stigmer_runner.models.scripted import Fault, FaultKind, Script, ScriptedCall, Turn
from tests.loop.stage import Stage, Told

ESCAPES = "\x1b[31m" * 51
"""A file name of 255 bytes."""


def call(name: str, **arguments: object) -> ScriptedCall:
    """A tool call."""
    return ScriptedCall(name, arguments)


async def works(stage: Stage, *calls: ScriptedCall) -> Told:
    """One turn with these calls, and a second one in the same session: it goes on whatever came of the first."""
    async with stage.playing(Script.of(Turn("", calls=calls), Turn("Done."), Turn("Here I am."))):
        await stage.agent("worker")
        first = await stage.run("worker", "Work.")
        told = await stage.ended(first.metadata.id)
        second = await stage.client.run("worker", "Are you there?", session_id=first.spec.session_id)
        assert (await stage.ended(second.metadata.id)).phase == EXECUTION_COMPLETED
    assert told.phase == EXECUTION_COMPLETED, told
    return told


async def test_a_model_that_is_not_there_and_the_next_message_goes_on(stage: Stage) -> None:
    unknown = Fault(FaultKind.UNKNOWN_MODEL, times=1)
    async with stage.playing(Script.of(Turn("Here I am.", fault=unknown))):
        await stage.agent("worker")
        first = await stage.run("worker", "Work.")
        told = await stage.ended(first.metadata.id)
        assert told.phase == EXECUTION_FAILED
        assert "stigmer models pull scripted" in told.reason
        second = await stage.client.run("worker", "Now?", session_id=first.spec.session_id)
        assert (await stage.ended(second.metadata.id)).text() == "Here I am."


async def test_a_provider_that_is_not_there_says_how_to_start_it(stage: Stage) -> None:
    await stage.agent("worker")
    execution_id = (await stage.run("worker", "Work.")).metadata.id
    told = await stage.until(execution_id, lambda told: bool(told.of("model_call_failed")))
    failed = told.of("model_call_failed")[0].model_call_failed
    assert "ollama serve" in failed.error
    assert "OLLAMA_BASE_URL" in failed.error
    assert failed.retry_unix_micros, "it is tried again, and says when"
    async with stage.playing(Script.of(Turn("Here I am."))):
        assert (await stage.ended(execution_id)).text() == "Here I am.", "it goes on as soon as it is there"


async def test_a_picture_for_a_model_without_eyes(stage: Stage) -> None:
    picture = Attachment(name="a.png", media_type="image/png", data=b"\x89PNG\r\n\x1a\n")
    spec = AgentExecutionSpec(agent_id="worker", message="Look.", options=RunOptions(attachments=[picture]))
    async with stage.playing(Script.of(Turn("Never.", fault=Fault(FaultKind.BLIND, times=9)))):
        await stage.agent("worker")
        told = await stage.ended(await stage.start(AgentExecution(spec=spec)))
    assert told.phase == EXECUTION_FAILED
    assert "cannot see images" in told.reason
    assert "/model" in told.reason


async def test_an_agent_that_names_what_is_not_there(stage: Stage) -> None:
    text = "kind: McpServer\nmetadata: {name: gone}\nspec: {stdio: {command: cat}}\n"
    page = stage.directory / "gone.yaml"
    page.write_text(f"apiVersion: agentic.stigmer.ai/v1\n{text}")
    await asyncio.to_thread(stage.workstation.run, "apply", "-f", str(page))
    agent = (
        "apiVersion: agentic.stigmer.ai/v1\nkind: Agent\nmetadata: {name: lost}\n"
        "spec: {instructions: Do what you are told., model: ollama/scripted, mcpServerRefs: [{kind: mcp_server, slug: gone}]}\n"
    )
    page.write_text(agent)
    await asyncio.to_thread(stage.workstation.run, "apply", "-f", str(page))
    await asyncio.to_thread(stage.workstation.run, "delete", "mcpserver", "gone", "--force", "--yes")
    ended = await asyncio.to_thread(stage.workstation.run, "run", "lost", "-m", "Work.", code=None)
    words = ended.stderr.decode()
    assert ended.returncode != 0
    assert "'gone'" in words or '"gone"' in words, words
    assert "which is not there" in words
    assert "stigmer apply -f" in words


async def test_an_agent_that_names_a_skill_that_is_not_there(stage: Stage) -> None:
    folder = stage.directory / "tidy"
    folder.mkdir()
    (folder / "SKILL.md").write_text("---\nname: tidy\ndescription: How to tidy up.\n---\nTidy up.\n")
    await asyncio.to_thread(stage.workstation.run, "skill", "push", str(folder))
    page = stage.directory / "untidy.yaml"
    page.write_text(
        "apiVersion: agentic.stigmer.ai/v1\nkind: Agent\nmetadata: {name: untidy}\n"
        "spec: {instructions: Do what you are told., model: ollama/scripted, skillRefs: [{kind: skill, slug: tidy}]}\n"
    )
    await asyncio.to_thread(stage.workstation.run, "apply", "-f", str(page))
    await asyncio.to_thread(stage.workstation.run, "skill", "delete", "tidy", "--force", "--yes")
    line = ("run", "untidy", "-m", "Work.")
    ended = await asyncio.to_thread(stage.workstation.run, *line, code=None)
    words = ended.stderr.decode()
    assert ended.returncode != 0
    assert "tidy" in words
    assert "stigmer skill push" in words
    await asyncio.to_thread(stage.workstation.run, "skill", "push", str(folder))
    async with stage.playing(Script.of(Turn("Here I am."))):
        assert b"Here I am." in (await asyncio.to_thread(stage.workstation.run, *line)).stdout


async def test_an_mcp_server_that_is_not_executable(stage: Stage) -> None:
    program = stage.directory / "server"
    program.write_text("no program")
    spec = AgentSpec()
    spec.mcp_servers.add(name="still").stdio.command = str(program)
    async with stage.playing(Script.of(Turn("Done without it."), Turn("Here I am."))):
        await stage.agent("served", spec)
        execution_id = (await stage.run("served", "Work.")).metadata.id
        await stage.until(execution_id, lambda told: bool(told.questions))
        await stage.client.steering.answer(execution_id, "this session")
        told = await stage.ended(execution_id)
        assert told.phase == EXECUTION_COMPLETED, told
        lines = [each.log_line.text for each in told.of("log_line") if "still" in each.log_line.text]
        assert any("chmod +x" in line and str(program) in line for line in lines), told


async def test_a_key_that_is_not_taken(stage: Stage) -> None:
    wrong = Fault(FaultKind.STATUS, times=1, status=401)
    async with stage.playing(Script.of(Turn("Here I am.", fault=wrong))):
        await stage.agent("worker")
        first = await stage.run("worker", "Work.")
        told = await stage.ended(first.metadata.id)
        assert told.phase == EXECUTION_FAILED
        assert "key" in told.reason
        second = await stage.client.run("worker", "Now?", session_id=first.spec.session_id)
        assert (await stage.ended(second.metadata.id)).text() == "Here I am."


async def test_an_agent_that_is_its_own_sub_agent(stage: Stage) -> None:
    helper = AgentSpec(instructions="Do what you are told, with the tools.")
    helper.sub_agents.add(name="worker", instructions="You are the same again.")
    again = call("delegate", agent="worker", task="Do it again.")
    async with stage.playing(
        Script.of(Turn("", calls=(again,)), Turn("", calls=(again,)), Turn("Done."), Turn("Done."))
    ):
        await stage.agent("worker", helper)
        told = await stage.ended((await stage.run("worker", "Work.")).metadata.id)
    assert told.phase == EXECUTION_COMPLETED, told
    assert any("nobody to delegate to" in each for each in told.results().values()), told.results()


async def test_a_workspace_that_vanishes(stage: Stage) -> None:
    script = Script.of(
        Turn("", calls=(call("ask_person", question="Go on?"),)),
        Turn("", calls=(call("write", path="a", content="x"), call("shell", command="ls"), call("read", path="a"))),
        Turn("Done."),
    )
    async with stage.playing(script):
        await stage.agent("worker")
        first = await stage.run("worker", "Work.")
        await stage.until(first.metadata.id, lambda told: len(told.questions) == 1)
        shutil.rmtree(stage.directory)
        await stage.client.steering.answer(first.metadata.id, "yes")
        told = await stage.ended(first.metadata.id)
        for name in ("call-2", "call-3", "call-4"):
            assert str(stage.directory) in told.results()[name], told.results()
        with pytest.raises(FailedPrecondition, match="put it back"):
            await stage.client.run("worker", "Now?", session_id=first.spec.session_id)
        stage.directory.mkdir()
        second = await stage.client.run("worker", "Now?", session_id=first.spec.session_id)
        assert (await stage.ended(second.metadata.id)).phase == EXECUTION_COMPLETED


@contextmanager
def mounted(directory: Path, *options: str) -> Generator[None]:
    """A small file system of its own at `directory`."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", ",".join(("size=64k", *options)), "tmpfs", str(directory)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"nothing can be mounted here: {made.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


async def test_a_workspace_that_is_full_or_read_only(stage: Stage) -> None:
    with mounted(stage.directory):
        (stage.directory / "a").write_text("before")
        told = await works(stage, call("read", path="a"), call("write", path="a", content="x" * 100_000))
        assert (stage.directory / "a").read_text() == "before"
        words = told.results()["call-2"]
        assert words.startswith("a cannot be written: No space left on device"), words
        assert "make room" in words
        remount = ["mount", "-o", "remount,ro", str(stage.directory)]
        await asyncio.to_thread(subprocess.run, remount, check=True)
        told = await works(stage, call("write", path="b", content="x"))
        assert "b cannot be written: Read-only file system" in told.results()["call-1"]
        assert "make it writable" in told.results()["call-1"]


async def test_an_argument_of_10_mb(stage: Stage) -> None:
    told = await works(stage, call("write", path="big", content="x" * 10_000_000))
    assert "'content' has 10,000,000 characters, and at most 4,194,304 are taken" in told.results()["call-1"]
    (asked,) = told.of("tool_call_requested")
    assert asked.ByteSize() < 200_000, "what is shown of it is cut"


async def test_a_name_of_255_bytes_of_escapes_and_a_file_that_is_not_utf_8(stage: Stage) -> None:
    (stage.directory / ESCAPES).write_text("hello\n")
    (stage.directory / "latin").write_bytes(b"caf\xe9 one\r\ntwo\n")
    told = await works(
        stage,
        call("read", path=ESCAPES),
        call("list", path="."),
        call("read", path="latin"),
        call("edit", path="latin", edits=[{"old": "two", "new": "three"}]),
        call("write", path="n" * 256, content="x"),
    )
    results = told.results()
    assert "hello" in results["call-1"]
    assert "\x1b" not in "".join(results.values())
    assert "\\x1b[31m" in results["call-2"]
    assert "not UTF-8" in results["call-3"]
    assert "File name too long" in results["call-5"]
    assert (stage.directory / "latin").read_bytes() == b"caf\xe9 one\r\nthree\n"
    os.unlink(stage.directory / ESCAPES)
