"""Which provider and which model a name means."""

from dataclasses import dataclass

from stigmer_apis.providers import provider_and_model
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.port import ModelError, ModelErrorCode


@dataclass(frozen=True)
class ModelName:
    """A model, and who serves it."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


def choose(name: str, config: ModelConfig) -> ModelName:
    """What `name` means, as `provider_and_model` says; empty for the configured one.

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
    provider, model = provider_and_model(name, config.provider, configured)
    if not model:
        raise ModelError(ModelErrorCode.INVALID, f"`{name}` names a provider and no model.")
    return ModelName(provider, model)
