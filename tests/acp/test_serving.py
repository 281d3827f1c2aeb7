"""`stigmer acp`: our agents in an editor."""

import asyncio
import json
import subprocess

import pytest
from acp import RequestError, text_block
from acp.schema import AgentPlanUpdate, EmbeddedResourceContentBlock, TextResourceContents, ToolCallStart

from stigmer_runner.models.scripted import Fault, FaultKind, Script, ScriptedCall, Turn
from tests.acp.editor import NEVER, editing, say
from tests.loop.stage import Stage


def write(path: str, content: str) -> ScriptedCall:
    """A call that writes a file."""
    return ScriptedCall("write", {"path": path, "content": content})


async def test_a_command_of_the_shell(stage: Stage) -> None:
    async with editing(stage, "shell") as (editor, agent):
        made = await agent.new_session(str(stage.directory))
        assert made.modes is None
        done = await say(agent, made.session_id, "pwd; echo $((6*7))")
        assert done.stop_reason == "end_turn"
        (call,) = editor.of(ToolCallStart)
        assert (call.title, call.kind) == ("pwd; echo $((6*7))", "execute")
        assert editor.statuses(call.tool_call_id) == ["pending", "in_progress", "completed"]
        assert editor.content(call.tool_call_id) == f"{stage.directory}\n42\n"
        failed = await say(agent, made.session_id, "false")
        assert failed.stop_reason == "end_turn"
        assert editor.statuses(editor.of(ToolCallStart)[1].tool_call_id)[-1] == "failed"
        block = EmbeddedResourceContentBlock(
            type="resource", resource=TextResourceContents(uri="file:///x", text="rm -rf ~")
        )
        with pytest.raises(RequestError, match="cannot be sent a resource"):
            await agent.prompt(made.session_id, [text_block("ls"), block])


async def test_words_thoughts_a_plan_and_a_diff(stage: Stage) -> None:
    (stage.directory / "a.txt").write_text("one\ntwo\n")
    todos = ScriptedCall("todos", {"items": [{"id": "1", "content": "Count", "status": "in_progress"}]})
    edit = ScriptedCall("edit", {"path": "a.txt", "edits": [{"old": "two", "new": "three"}]})
    read = ScriptedCall("read", {"path": "a.txt"})
    script = Script.of(Turn("Let me see.", calls=(todos, read)), Turn("", calls=(edit,)), Turn("Mended."))
    async with stage.playing(script):
        await stage.agent("counter")
        async with editing(stage, "counter") as (editor, agent):
            made = await agent.new_session(str(stage.directory))
            assert made.modes is not None
            assert made.modes.current_mode_id == "agent"
            done = await say(agent, made.session_id, "Mend it.")
            assert done.stop_reason == "end_turn"
            assert done.usage is not None
            assert done.usage.total_tokens > 0
            assert editor.text() == "Let me see.Mended."
            (plan,) = editor.of(AgentPlanUpdate)
            assert [(entry.content, entry.status) for entry in plan.entries] == [("Count", "in_progress")]
            calls = {call.kind: call for call in editor.of(ToolCallStart)}
            assert {"read", "edit", "think"} == calls.keys()
            locations = calls["edit"].locations or []
            assert [each.path for each in locations] == [str(stage.directory / "a.txt")]
            (diff,) = editor.diffs()
            assert diff.path == str(stage.directory / "a.txt")
            assert (diff.old_text, diff.new_text) == ("one\ntwo\n", "one\nthree\n")
            assert editor.words_of_person() == []
            assert editor.asked == []


async def test_a_person_allows_and_denies(stage: Stage) -> None:
    script = Script.of(
        Turn("", calls=(write("a.txt", "one\n"),)),
        Turn("", calls=(write("b.txt", "two\n"),)),
        Turn("", calls=(write("c.txt", "three\n"),)),
        Turn("Done."),
    )
    async with stage.playing(script):
        await stage.agent("writer", preset="ask")
        async with editing(stage, "writer", "once", "deny", "cancelled") as (editor, agent):
            made = await agent.new_session(str(stage.directory))
            done = await say(agent, made.session_id, "Write.")
            assert done.stop_reason == "end_turn"
            assert (stage.directory / "a.txt").read_text() == "one\n"
            assert not (stage.directory / "b.txt").exists()
            assert not (stage.directory / "c.txt").exists()
            assert len(editor.asked) == 3
            question, options = editor.asked[0]
            assert question.tool_call_id == editor.of(ToolCallStart)[0].tool_call_id
            assert {option.option_id for option in options} >= {"once", "session", "deny"}
            assert "a.txt" in json.dumps([part.model_dump(mode="json") for part in question.content or []])
            ends = [editor.statuses(call.tool_call_id)[-1] for call in editor.of(ToolCallStart)]
            assert ends == ["completed", "failed", "failed"]


async def test_the_mode_is_the_policy(stage: Stage) -> None:
    script = Script.of(Turn("", calls=(write("a.txt", "one\n"),)), Turn("Done."))
    async with stage.playing(script):
        await stage.agent("careful", preset="ask")
        async with editing(stage, "careful") as (editor, agent):
            made = await agent.new_session(str(stage.directory))
            await agent.set_session_mode(made.session_id, "read-only")
            done = await say(agent, made.session_id, "Write.")
            assert done.stop_reason == "end_turn"
            assert editor.asked == []
            assert not (stage.directory / "a.txt").exists()
            with pytest.raises(RequestError, match="no mode"):
                await agent.set_session_mode(made.session_id, "reckless")


async def test_a_turn_is_cancelled_and_the_session_goes_on(stage: Stage) -> None:
    script = Script.of(Turn("Now.", calls=(write("a.txt", "one\n"),)), Turn("Something else, then."))
    async with stage.playing(script):
        await stage.agent("slow", preset="ask")
        async with editing(stage, "slow", NEVER) as (editor, agent):
            made = await agent.new_session(str(stage.directory))
            turn = asyncio.create_task(say(agent, made.session_id, "Write."))
            await editor.until(lambda: len(editor.asked) == 1)
            await agent.cancel(made.session_id)
            assert (await turn).stop_reason == "cancelled"
            assert not (stage.directory / "a.txt").exists()
            done = await say(agent, made.session_id, "Leave it.")
            assert done.stop_reason == "end_turn"
            assert editor.text() == "Now.Something else, then."


async def test_a_command_is_cancelled(stage: Stage) -> None:
    async with editing(stage, "shell") as (editor, agent):
        made = await agent.new_session(str(stage.directory))
        turn = asyncio.create_task(say(agent, made.session_id, "echo begun; sleep 600"))
        await editor.until(lambda: any("begun" in editor.content(c.tool_call_id) for c in editor.of(ToolCallStart)))
        await agent.cancel(made.session_id)
        assert (await turn).stop_reason == "cancelled"


async def test_a_question_ends_the_turn_and_the_next_prompt_answers(stage: Stage) -> None:
    ask = ScriptedCall("ask_person", {"question": "Which colour?", "options": ["red", "blue"]})
    script = Script.of(Turn("", calls=(ask,)), Turn("Blue it is.", expect="blue"))
    async with stage.playing(script):
        await stage.agent("painter")
        async with editing(stage, "painter") as (editor, agent):
            made = await agent.new_session(str(stage.directory))
            assert (await say(agent, made.session_id, "Paint.")).stop_reason == "end_turn"
            assert "Which colour?\n- red\n- blue\n" in editor.text()
            assert (await say(agent, made.session_id, "blue")).stop_reason == "end_turn"
            assert editor.text().endswith("Blue it is.")


async def test_a_session_is_loaded_with_its_past_and_what_waits(stage: Stage) -> None:
    script = Script.of(
        Turn("First.", calls=(write("a.txt", "one\n"),)),
        Turn("Done."),
        Turn("", calls=(write("b.txt", "two\n"),)),
        Turn("Both."),
    )
    async with stage.playing(script):
        await stage.agent("keeper", preset="ask")
        async with editing(stage, "keeper", "once", NEVER) as (editor, agent):
            made = await agent.new_session(str(stage.directory))
            assert (await say(agent, made.session_id, "Write a.")).stop_reason == "end_turn"
            waiting = asyncio.create_task(say(agent, made.session_id, "Write b."))
            await editor.until(lambda: len(editor.asked) == 2)
            waiting.cancel()
            calls = [call.tool_call_id for call in editor.of(ToolCallStart)]
        async with editing(stage, "keeper", "once") as (editor, agent):
            listed = await agent.list_sessions(str(stage.directory))
            assert [(each.session_id, each.title) for each in listed.sessions] == [(made.session_id, "Write a.")]
            await agent.load_session(str(stage.directory), made.session_id)
            assert editor.words_of_person() == ["Write a.", "Write b."]
            assert editor.text().startswith("First.Done.")
            assert [call.tool_call_id for call in editor.of(ToolCallStart)] == calls
            await editor.until(lambda: "Both." in editor.text())
            assert (stage.directory / "b.txt").read_text() == "two\n"


async def test_what_is_wrong_is_said(stage: Stage) -> None:
    done = await asyncio.to_thread(stage.workstation.run, "acp", "--agent", "nobody", code=None)
    assert done.returncode != 0
    assert done.stdout == b""
    assert b"no agent named" in done.stderr
    async with editing(stage, "shell") as (_, agent):
        for directory, words in (("relative", "absolute"), ("/nowhere/at/all", "no directory")):
            with pytest.raises(RequestError, match=words):
                await agent.new_session(directory)
        with pytest.raises(RequestError, match="no session"):
            await agent.prompt("ses-unknown", [text_block("ls")])
        with pytest.raises(RequestError, match="ses-01jd"):
            await agent.load_session(str(stage.directory), "ses-01jd0000000000000000000000")
    async with stage.playing(Script.of(Turn(fault=Fault(FaultKind.UNKNOWN_MODEL)))):
        await stage.agent("mute")
        async with editing(stage, "mute") as (_, agent):
            made = await agent.new_session(str(stage.directory))
            with pytest.raises(RequestError, match="stigmer logs"):
                await say(agent, made.session_id, "Hello?")


async def test_nothing_but_the_protocol_leaves_by_standard_output(stage: Stage) -> None:
    """Lines that are no protocol are passed over, and answers are one JSON object a line."""
    process = await asyncio.create_subprocess_exec(
        *stage.workstation.command("acp"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=stage.workstation.environ(),
    )
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": 1}}
    strange = {"jsonrpc": "2.0", "id": 2, "method": "session/dance", "params": {"a": 1}}
    text = "\n".join(["this is no JSON", json.dumps(hello), json.dumps(strange), ""])
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(text.encode())
    async with asyncio.timeout(60):
        lines = [json.loads(await process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        assert await process.stdout.read() == b""
        assert await process.wait() == 0
    answers = {line["id"]: line for line in lines}
    assert answers[1]["result"]["protocolVersion"] == 1
    assert answers[1]["result"]["agentCapabilities"]["loadSession"] is True
    assert answers[2]["error"]["code"] == -32601
