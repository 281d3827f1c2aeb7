"""The agent `assistant` that is there from the first start: with a model it works and asks, without one it says what to do."""

import asyncio

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import EXECUTION_COMPLETED
from stigmer_runner.loop.default_model import BY_KEY, default_model
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.scripted import Script, ScriptedCall, Turn
from stigmer_tui.frame.first_agent import in_order, model_is_there
from tests.chaos.daemon import home_of
from tests.loop.stage import Stage, opened
from tests.support.require import require_tool


async def test_it_takes_the_model_that_ollama_has_and_asks_before_it_changes_anything(stage: Stage) -> None:
    write = ScriptedCall("write", {"path": "a.txt", "content": "hello\n"})
    async with stage.playing(Script.of(Turn("I write it.", calls=(write,)), Turn("Done."))):
        assert "assistant" in stage.workstation.run("agent", "list").stdout.decode()
        execution_id = (await stage.run("assistant", "Write hello.")).metadata.id
        asked = (await stage.until(execution_id, lambda told: len(told.approvals) == 1)).approvals[0]
        assert not (stage.directory / "a.txt").exists()
        await asyncio.to_thread(stage.workstation.run, "approve", execution_id, asked.call_id)
        told = await stage.ended(execution_id)
    assert told.phase == EXECUTION_COMPLETED, told
    assert next(event.model_call_started.provider for event in told.of("model_call_started")) == "ollama"


def test_it_says_what_to_do_where_no_model_can_be_asked() -> None:
    require_tool("bwrap")
    with opened() as workstation:
        ended = workstation.run("run", "assistant", "-m", "Hello.", code=None)
        words = ended.stderr.decode()
        assert ended.returncode != 0
        assert "ollama serve" in words, words
        assert "stigmer secrets provider set" in words
        refused = workstation.run("agent", "delete", "assistant", "--yes", code=None).stderr.decode()
        assert "built in" in refused


async def test_a_key_decides_whose_model_it_is() -> None:
    async def has(*keys: str) -> str:
        async def one(provider: str) -> bool:
            return provider in keys

        nowhere = {"ollama": "http://127.0.0.1:9"}
        return str(await default_model(ModelConfig(base_urls=nowhere), one))

    assert await has("openai", "anthropic") == f"anthropic/{BY_KEY['anthropic']}"
    assert await has("openai") == f"openai/{BY_KEY['openai']}"
    assert await has() == "None"


async def test_it_is_offered_first_where_a_model_can_be_asked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_BASE_URL", stage.workstation.environment["OLLAMA_BASE_URL"])
    home = home_of(stage.workstation)
    assert not await model_is_there(stage.client, home)
    assert list(in_order(["assistant", "other", "shell"], with_model=False)) == ["shell", "assistant", "other"]
    async with stage.playing(Script.of(Turn("Hello."))):
        assert await model_is_there(stage.client, home)
    assert list(in_order(["shell", "other", "assistant"], with_model=True)) == ["assistant", "shell", "other"]
    await stage.client.secrets.set_provider_key("anthropic", b"no-real-key")
    assert await model_is_there(stage.client, home)
    await stage.client.secrets.delete_provider_key("anthropic")
