"""A scripted provider, and models that ask it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from stigmer_runner.models.calling import ProviderModels
from stigmer_runner.models.config import CallLimits, ModelConfig
from stigmer_runner.models.port import Done, Message, ModelEvent, ModelRequest, ModelSettings, ToolSpec, UserMessage
from stigmer_runner.models.prices import Prices
from stigmer_runner.models.scripted import Script, ScriptedProvider

KEY = b"sk-test-0123456789abcdefghijklmnop"

SHELL = ToolSpec(
    "shell",
    "Runs a command line.",
    {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]},
)


@dataclass
class Keys:
    """One key for everybody."""

    value: bytes = KEY
    asked: list[str] = field(default_factory=list[str])

    async def key(self, provider: str) -> bytes:
        """As `KeySource.key`."""
        self.asked.append(provider)
        return self.value


def request(
    provider: str,
    *messages: Message,
    model: str = "",
    system: str = "",
    tools: Sequence[ToolSpec] = (),
    settings: ModelSettings | None = None,
) -> ModelRequest:
    """A request; without messages the person says hello."""
    names = {"anthropic": "claude-sonnet-5", "openai": "gpt-5", "ollama": "qwen2.5-coder"}
    return ModelRequest(
        provider,
        model or names[provider],
        system,
        messages or (UserMessage("hello"),),
        tuple(tools),
        settings or ModelSettings(),
    )


async def collect(models: ProviderModels, asked: ModelRequest) -> tuple[list[ModelEvent], Done]:
    """All pieces, and the end."""
    pieces: list[ModelEvent] = []
    async with aclosing(models.stream(asked)) as events:
        async for event in events:
            pieces.append(event)
    done = pieces.pop()
    assert isinstance(done, Done)
    return pieces, done


@asynccontextmanager
async def asking(
    script: Script,
    *,
    keys: Keys | None = None,
    limits: CallLimits | None = None,
    prices: Prices | None = None,
    config: ModelConfig | None = None,
) -> AsyncGenerator[tuple[ScriptedProvider, ProviderModels]]:
    """A provider that says `script`, and models for which all providers are that one."""
    async with ScriptedProvider(script) as provider:
        urls = {"anthropic": provider.url, "openai": f"{provider.url}/v1", "ollama": provider.url}
        config = config or ModelConfig()
        settled = ModelConfig(config.provider, config.model, urls, config.max_tokens, config.temperature)
        async with ProviderModels(settled, keys or Keys(), limits=limits, prices=prices) as models:
            yield provider, models


@pytest.fixture(params=["anthropic", "openai", "ollama"])
def provider_name(request: pytest.FixtureRequest) -> str:
    """Each provider in turn."""
    return str(request.param)
