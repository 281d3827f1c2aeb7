"""Which provider and which model a name means."""

import re
from dataclasses import dataclass
from typing import Final

from stigmer_runner.models.config import ANTHROPIC, OLLAMA, OPENAI, PROVIDERS, ModelConfig
from stigmer_runner.models.port import ModelError, ModelErrorCode

_OPENAI_NAMES: Final = re.compile(r"(gpt-(?!oss)|chatgpt-|codex-|o\d)")
"""Hosted ones: `gpt-oss` has open weights and runs in Ollama."""


@dataclass(frozen=True)
class ModelName:
    """A model, and who serves it."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


def choose(name: str, config: ModelConfig) -> ModelName:
    """What `name` means: `provider/model`, or a model's bare name; empty for the configured one.

    A bare name is Anthropic's where it begins with `claude`, OpenAI's where it looks like theirs (`gpt-...`, `o3`), else
    the configured provider's, else Ollama's. A slash that follows no provider belongs to the model (`library/qwen3`).
    Raises ModelError (`invalid`) where nothing is named and nothing configured.
    """
    configured = config.model.strip()
    name = name.strip() or configured
    if not name:
        raise ModelError(
            ModelErrorCode.INVALID,
            "No model is named and none is configured. Name one in the agent (`model`), or for all: "
            "`stigmer config set backend.local.llm.model NAME`, then `stigmer server stop`.",
        )
    provider, slash, model = name.partition("/")
    if slash and provider in PROVIDERS:
        if not model:
            raise ModelError(ModelErrorCode.INVALID, f"`{name}` names a provider and no model.")
        return ModelName(provider, model)
    if config.provider and (slash or name == configured):
        return ModelName(config.provider, name)
    if name.startswith("claude"):
        return ModelName(ANTHROPIC, name)
    if _OPENAI_NAMES.match(name):
        return ModelName(OPENAI, name)
    return ModelName(config.provider or OLLAMA, name)
