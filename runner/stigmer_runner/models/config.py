"""What a person can set about models. Credentials are no part of it: they come with each call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from stigmer_apis.providers import ANTHROPIC, OLLAMA, OPENAI

DEFAULT_URLS: Final[Mapping[str, str]] = {
    ANTHROPIC: "https://api.anthropic.com",
    OPENAI: "https://api.openai.com/v1",
    OLLAMA: "http://127.0.0.1:11434",
}

MIB: Final = 1024 * 1024


@dataclass(frozen=True)
class ModelConfig:
    """Defaults for calls, by the names of `backend.local.llm` and `STIGMER_LLM_*`."""

    provider: str = ""
    """Where a name says nothing else; empty: by the name, else Ollama."""
    model: str = ""
    """Where an agent names none; empty: there is no default."""
    base_urls: Mapping[str, str] = field(default_factory=dict[str, str])
    """By provider; the provider's own where it is missing."""
    max_tokens: int = 0
    """Most tokens of an answer; 0: the provider's default."""
    temperature: float | None = None
    """None: the provider's default."""

    def base_url(self, provider: str) -> str:
        """Where `provider` is, without a slash at the end."""
        url = (self.base_urls.get(provider) or DEFAULT_URLS.get(provider, "")).rstrip("/")
        return url.removesuffix("/v1") if provider in (ANTHROPIC, OLLAMA) else url


@dataclass(frozen=True)
class CallLimits:
    """How long and how large one call may be. Seconds and bytes."""

    connect: float = 10.0
    """Until the provider takes the connection."""
    first_byte: float = 300.0
    """Until its answer begins: a local model may have to be loaded first, a large one thinks before it speaks."""
    stall: float = 120.0
    """Between two pieces of it."""
    whole: float = 3600.0
    """From the first to the last byte: an answer has an end."""
    largest_event: int = 16 * MIB
    """One line of it."""
    largest_answer: int = 256 * MIB
    """All of it."""
    largest_refusal: int = MIB
    """What a provider says where it does not answer."""
