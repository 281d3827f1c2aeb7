"""The model of an agent that names none, where none is configured: one of a provider that is there."""

from collections.abc import Awaitable, Callable
from typing import Final

from stigmer_apis.errors import StigmerError
from stigmer_apis.ollama import Ollama
from stigmer_apis.providers import ANTHROPIC, OLLAMA, OPENAI
from stigmer_runner.models.choosing import ModelName
from stigmer_runner.models.config import ModelConfig

BY_KEY: Final = {ANTHROPIC: "claude-sonnet-5-5", OPENAI: "gpt-6.1-sol"}
"""What is taken where there is a key of the provider, in this order; as of 2026-11."""

NOTHING: Final = (
    "No model can be asked: none is named or configured, there is no key of a provider, and Ollama does not answer. Do one of these: "
    "`stigmer secrets provider set anthropic` (or openai); `ollama serve`, then `stigmer models pull qwen2.5-coder:7b`; or "
    "`stigmer config set backend.local.llm.model NAME`. `stigmer demo` shows Stigmer at work without a model."
)


async def default_model(config: ModelConfig, has_key: Callable[[str], Awaitable[bool]]) -> ModelName | None:
    """The configured provider's, else that of the first provider with a key, else the first one that Ollama has; None where there is none."""
    for provider, model in BY_KEY.items():
        if config.provider in ("", provider) and await has_key(provider):
            return ModelName(provider, model)
    if config.provider not in ("", OLLAMA):
        return None
    try:
        models = await Ollama(config.base_url(OLLAMA)).models()
    except StigmerError:
        return None
    return ModelName(OLLAMA, models[0].name) if models else None
