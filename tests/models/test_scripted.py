"""The scripted provider itself: scripts from files, formats without a stream, its command line."""

import asyncio
import json
import sys
from pathlib import Path

import httpx2
import pytest

from stigmer_runner.models.scripted import (
    Conversation,
    Fault,
    FaultKind,
    Script,
    ScriptedCall,
    ScriptedProvider,
    ScriptedUsage,
    ScriptRefused,
    Turn,
    parse_script,
    read_script,
)

TEXT = """
model: small
pullable: [other]
turns:
  - text: I look.
    reasoning: Where is it?
    calls:
      - {name: shell, args: {cmd: ls}}
      - {name: shell, args: "{broken", id: mine}
    usage: {input: 10, cached: 4}
    token_delay: 0.5
    fault: {kind: status, status: 429, retry_after: 3, times: 1}
  - text: Done.
    expect: a.txt
    fault: cut
conversations:
  - when: reviewer
    turns:
      - text: Fine.
"""


def test_a_script_is_read_from_yaml() -> None:
    calls = (ScriptedCall("shell", {"cmd": "ls"}), ScriptedCall("shell", "{broken", "mine"))
    fault = Fault(FaultKind.STATUS, times=1, status=429, retry_after=3)
    usage = ScriptedUsage(input=10, cached=4)
    assert parse_script(TEXT) == Script(
        (
            Conversation((Turn("Fine."),), "reviewer"),
            Conversation(
                (
                    Turn("I look.", "Where is it?", calls=calls, usage=usage, token_delay=0.5, fault=fault),
                    Turn("Done.", expect="a.txt", fault=Fault(FaultKind.CUT)),
                )
            ),
        ),
        "small",
        ("other",),
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("turns: [", "not YAML"),
        ("[]", "no mapping"),
        ("{}", "no turns"),
        ("turns: 5", "a list is wanted"),
        ("turns: [{txt: x}]", "turn 1: `txt` is unknown"),
        ("turns: [{text: 5}]", "`text` cannot be 5"),
        ("turns: [{text: x, repeat: yes}]", "`repeat` cannot be True"),
        ("turns: [{calls: [{args: {}}]}]", "a call"),
        ("turns: [{fault: nap}]", "`nap` is no kind of fault. Known are status"),
        ("turns: [{fault: {kind: cut, after: soon}}]", "`after` cannot be"),
        ("conversations: [{turns: [{text: x}], whenever: y}]", "`whenever` is unknown"),
    ],
)
def test_a_script_that_cannot_be_read_says_where(text: str, where: str, tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(text)
    with pytest.raises(ScriptRefused) as caught:
        read_script(path)
    assert where in str(caught.value)
    assert str(path) in str(caught.value)


def chat(*said: str) -> dict[str, object]:
    """A request's body: the person and the model by turns."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(said)], "stream": False}


async def test_the_conversation_tells_the_turn() -> None:
    script = Script(
        (Conversation((Turn("Fine."),), "reviewer"), Conversation((Turn("One."), Turn("Two."), Turn("Three."))))
    )
    async with ScriptedProvider(script) as provider, httpx2.AsyncClient(base_url=provider.url) as client:

        async def ask(*said: str, system: str = "") -> str:
            body = chat(*said) | ({"system": system} if system else {})
            answer = await client.post("/v1/messages", json=body)
            return str(answer.json()["content"][0]["text"])

        assert await ask("hi", "One.", "more") == "Two."
        assert await ask("hi") == "One."
        assert await ask("hi", "One.", "a", "Two.", "b") == "Three."
        assert await ask("hi", "1", "a", "2", "b", "3", "c", "4", "d") == "Three."
        assert await ask("hi", system="You are a reviewer.") == "Fine."
    assert [request.path for request in provider.requests] == ["/v1/messages"] * 5


async def test_every_format_answers_without_a_stream() -> None:
    script = Script.of(Turn("Text.", reasoning="Hm.", calls=(ScriptedCall("shell", {"cmd": "ls"}),)))
    async with ScriptedProvider(script) as provider, httpx2.AsyncClient(base_url=provider.url) as client:
        anthropic = (await client.post("/v1/messages", json=chat("hi"))).json()
        openai = (await client.post("/v1/chat/completions", json=chat("hi"))).json()
        ollama = (await client.post("/api/chat", json=chat("hi"))).json()
    assert [part["type"] for part in anthropic["content"]] == ["thinking", "text", "tool_use"]
    assert anthropic["stop_reason"] == "tool_use"
    message = openai["choices"][0]["message"]
    assert (message["content"], message["reasoning"]) == ("Text.", "Hm.")
    assert message["tool_calls"][0]["function"] == {"name": "shell", "arguments": '{"cmd": "ls"}'}
    assert ollama["message"]["tool_calls"] == [{"function": {"name": "shell", "arguments": {"cmd": "ls"}}}]
    assert ollama["done"] is True


async def test_ollamas_own_format_streams_lines() -> None:
    script = Script.of(Turn("one two", reasoning="hm", calls=(ScriptedCall("shell", {"cmd": "ls"}),)))
    async with ScriptedProvider(script) as provider, httpx2.AsyncClient(base_url=provider.url) as client:
        answer = await client.post("/api/chat", json={**chat("hi"), "stream": True})
        lines = [json.loads(line) for line in answer.text.splitlines()]
    assert "".join(line["message"]["content"] for line in lines) == "one two"
    assert lines[0]["message"]["thinking"] == "hm"
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]


async def test_what_a_turn_expects_is_checked() -> None:
    script = Script.of(Turn("Done.", expect="a.txt"))
    async with ScriptedProvider(script) as provider, httpx2.AsyncClient(base_url=provider.url) as client:
        refused = await client.post("/v1/messages", json=chat("hi"))
        assert refused.status_code == 400
        assert "`a.txt`" in refused.text
        assert (await client.post("/v1/messages", json=chat("there is a.txt"))).status_code == 200


async def test_what_is_not_served_is_said() -> None:
    async with ScriptedProvider(Script.of(Turn("x"))) as provider, httpx2.AsyncClient(base_url=provider.url) as client:
        assert (await client.get("/v1/nothing")).status_code == 404
        assert (await client.get("/v1/models")).json()["data"][0]["id"] == "scripted"
        assert (await client.post("/v1/messages", json=[1])).status_code == 200


async def test_the_command_line_prints_where_it_serves(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("turns: [{text: Hello.}]")
    command = (sys.executable, "-m", "stigmer_runner.models.scripted")
    process = await asyncio.create_subprocess_exec(*command, str(script), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    try:
        async with httpx2.AsyncClient(base_url=url) as client:
            assert "Hello." in (await client.post("/v1/messages", json=chat("hi"))).text
    finally:
        process.terminate()
        await process.wait()
    for arguments, code in (((), 2), ((str(script), "port"), 2), ((str(tmp_path / "none.yaml"),), 1)):
        failed = await asyncio.create_subprocess_exec(*command, *arguments, stderr=asyncio.subprocess.DEVNULL)
        assert await failed.wait() == code
