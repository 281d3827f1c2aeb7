"""Providers of models, and which of them a model's name means: the one rule for who asks a model and for who keeps its key."""

import re
from difflib import get_close_matches
from typing import Final

from stigmer_apis.errors import FieldViolation, InvalidArgument

ANTHROPIC: Final = "anthropic"
OPENAI: Final = "openai"
OLLAMA: Final = "ollama"
PROVIDERS: Final = (ANTHROPIC, OPENAI, OLLAMA)
"""The wire formats that are spoken; anything that speaks one of them is reached by a base URL of its own."""
DAYTONA: Final = "daytona"
"""No provider of models: its key is kept as theirs are."""
KEYED_PROVIDERS: Final = (ANTHROPIC, OPENAI, DAYTONA)
"""Those that want a key."""

_SHOWN_CHARACTERS: Final = 60
_OPENAI_NAMES: Final = re.compile(r"(gpt-(?!oss)|chatgpt-|codex-|o\d)")
"""Hosted ones: `gpt-oss` has open weights and runs in Ollama."""


def provider_and_model(name: str, configured_provider: str, configured_model: str) -> tuple[str, str]:
    """Who serves the model that `name` means, and what it is called there: `provider/model`, or a model's bare name.

    A bare name is Anthropic's where it begins with `claude`, OpenAI's where it looks like theirs (`gpt-...`, `o3`), else
    the configured provider's, else Ollama's. A slash that follows no provider belongs to the model (`library/qwen3`).
    An empty name is Ollama's, where no provider is configured; an empty model follows a provider with a slash and nothing else.
    """
    provider, slash, model = name.partition("/")
    if slash and provider in PROVIDERS:
        return provider, model
    if configured_provider and (slash or name == configured_model):
        return configured_provider, name
    if name.startswith("claude"):
        return ANTHROPIC, name
    if _OPENAI_NAMES.match(name):
        return OPENAI, name
    return configured_provider or OLLAMA, name


def check_keyed_provider(name: str) -> None:
    """Raise `InvalidArgument` where `name` is no provider that a key could be for; it names those that are, the nearest first."""
    if name in KEYED_PROVIDERS:
        return
    like = get_close_matches(name.lower(), KEYED_PROVIDERS, n=len(KEYED_PROVIDERS), cutoff=0.6)
    known = [*like, *(one for one in KEYED_PROVIDERS if one not in like)]
    what = "wants no key" if name == OLLAMA else "is no provider that is known here"
    raise InvalidArgument(
        f"{name[:_SHOWN_CHARACTERS]!r} {what}",
        remedy=f"name {' or '.join(known)}; a server that speaks the protocol of one of them is reached under its name, by "
        "`stigmer config set backend.local.llm.base_url URL`",
        violations=[FieldViolation("provider", "stigmer.provider.known", f"must be one of {', '.join(known)}")],
    )
