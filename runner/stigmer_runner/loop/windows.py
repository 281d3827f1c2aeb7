"""How much a model can be shown. A model that is not in the table has the default: too little rather than too much."""

from collections.abc import Sequence

DEFAULT_CONTEXT = 128_000
DEFAULT_ANSWER = 8_192
LOCAL_CONTEXT = 32_768
"""Of a model that runs in Ollama, where nothing else is known of it."""

_CONTEXTS: Sequence[tuple[str, int]] = (
    ("anthropic/", 200_000),
    ("openai/gpt-5", 400_000),
    ("openai/gpt-4.1", 1_000_000),
    ("openai/o", 200_000),
    ("ollama/", LOCAL_CONTEXT),
)
"""Tokens, by the beginning of `provider/model`."""


def context_tokens(provider: str, model: str) -> int:
    """Tokens that fit into one call, its answer included."""
    name = f"{provider}/{model}"
    return next((tokens for beginning, tokens in _CONTEXTS if name.startswith(beginning)), DEFAULT_CONTEXT)


def answer_tokens(configured: int, context: int) -> int:
    """Tokens that are kept free for the answer."""
    return min(configured or DEFAULT_ANSWER, context // 4)
