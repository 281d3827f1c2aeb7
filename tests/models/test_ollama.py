"""Ollama's management, against the scripted provider over HTTP, as a library and as commands."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stigmer_apis.errors import InvalidArgument, NotFound, Unavailable
from stigmer_apis.ollama import SUGGESTED, Ollama, suggestions
from stigmer_runner.models.scripted import Script, ScriptedProvider, Turn

SCRIPT = Script((), model="llama3:8b", pullable=("qwen2.5-coder:7b",))


async def test_what_it_has_is_listed() -> None:
    async with ScriptedProvider(SCRIPT) as provider:
        ollama = Ollama(f"{provider.url}/v1/")
        (model,) = await ollama.models()
        assert (model.name, model.size, model.parameters, model.quantization) == (
            "llama3:8b",
            4_700_000_000,
            "7.6B",
            "Q4_K_M",
        )
        assert await ollama.version() == "0.0.0-scripted"


async def test_a_model_is_got_and_then_offered_first() -> None:
    async with ScriptedProvider(SCRIPT) as provider:
        ollama = Ollama(provider.url)
        steps = [step async for step in ollama.pull("qwen2.5-coder:7b")]
        assert [step.status for step in steps][-1] == "success"
        measured = [step for step in steps if step.total]
        assert measured[0].completed == 0
        assert measured[-1].completed == measured[-1].total > 0
        models = await ollama.models()
    assert [model.name for model in models] == ["qwen2.5-coder:7b", "llama3:8b"]
    assert suggestions(models) == SUGGESTED[1:]


async def test_a_model_that_does_not_exist_is_named() -> None:
    async with ScriptedProvider(SCRIPT) as provider:
        with pytest.raises(NotFound, match="no model qwen9"):
            _ = [step async for step in Ollama(provider.url).pull("qwen9")]


@pytest.mark.parametrize("name", ["", " ", "-x", "a\x1b[31m"])
async def test_what_is_no_name_is_not_asked_for(name: str) -> None:
    async with ScriptedProvider(SCRIPT) as provider:
        with pytest.raises(InvalidArgument):
            _ = [step async for step in Ollama(provider.url).pull(name)]
        assert not provider.requests


async def test_nobody_there_says_how_to_start_it() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        ollama = Ollama(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(Unavailable) as caught:
            await ollama.models()
    assert "ollama serve" in caught.value.remedy


async def test_somebody_else_is_not_taken_for_it() -> None:
    async with ScriptedProvider(Script.of(Turn("x"))) as provider:
        with pytest.raises(Unavailable, match="is not Ollama"):
            await Ollama(f"{provider.url}/elsewhere").models()


def stigmer(home: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command line, for that Ollama."""
    environment = {**os.environ, "STIGMER_HOME": str(home), "OLLAMA_BASE_URL": url}
    command = [sys.executable, "-m", "stigmer_tui", "models", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


async def test_the_commands(tmp_path: Path) -> None:
    import asyncio

    async with ScriptedProvider(SCRIPT) as provider:

        async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return await asyncio.to_thread(stigmer, tmp_path, provider.url, *arguments)

        status = await run("status")
        assert status.returncode == 0
        assert "llama3:8b" in status.stdout
        assert "stigmer models pull qwen2.5-coder:7b" in status.stdout
        pulled = await run("pull", "qwen2.5-coder:7b")
        assert pulled.returncode == 0
        assert "50 %" in pulled.stderr
        assert "qwen2.5-coder:7b is here" in pulled.stdout
        listed = await run("list")
        assert listed.stdout.splitlines()[1].startswith("qwen2.5-coder:7b  4.7 GB")
        assert [each["name"] for each in json.loads((await run("list", "-o", "json")).stdout)][1] == "llama3:8b"
        missing = await run("pull", "qwen9")
        assert missing.returncode != 0
        assert "There is no model qwen9" in missing.stderr


def test_without_ollama_the_command_says_how_to_start_it(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        status = stigmer(tmp_path, f"http://127.0.0.1:{unused.getsockname()[1]}", "status")
    assert status.returncode == 69
    assert "ollama serve" in status.stderr
