"""What a person can do about a provider, in words. Light: no library."""

from typing import Final

from stigmer_apis.providers import ANTHROPIC, OLLAMA, OPENAI

_NAMES: Final = {ANTHROPIC: "Anthropic", OPENAI: "the OpenAI interface", OLLAMA: "Ollama"}
_VARIABLES: Final = {ANTHROPIC: "ANTHROPIC_API_KEY", OPENAI: "OPENAI_API_KEY"}


def name_of(provider: str) -> str:
    """How a person knows `provider`, inside a sentence."""
    return _NAMES.get(provider, provider)


def at_start(provider: str) -> str:
    """The same, at its start."""
    name = name_of(provider)
    return name[:1].upper() + name[1:]


def how_to_give_a_key(provider: str) -> str:
    """How to give a key."""
    variable = _VARIABLES.get(provider, "STIGMER_LLM_API_KEY")
    return f"Give it one with `stigmer secrets provider set {provider}`, or set {variable} where the server is started."


def not_reachable(provider: str, base_url: str, why: str) -> str:
    """Nobody answers at `base_url`, and what to do."""
    if "certificate" in why:
        remedy = "Where it is yours: set SSL_CERT_FILE to the file of the authority that signed it."
    elif provider == OLLAMA:
        remedy = "Start it with `ollama serve`, or set OLLAMA_BASE_URL to where it runs."
    else:
        remedy = "Check the network and the base URL."
    said = f" ({why})" if why else ""
    return f"{at_start(provider)} is not reachable at {base_url}{said}. {remedy}"
