"""Models for one execution: the keys of their providers come from the daemon, for this execution's lease."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextvars import ContextVar
from typing import TypeAlias

from stigmer_apis.providers import OLLAMA
from stigmer_runner.models.port import ModelEvent, ModelPort, ModelRequest

AskKey: TypeAlias = Callable[[str], Awaitable[bytes]]
"""The key of a provider, for one execution. Raises ModelError where there is none."""

_asks: ContextVar[AskKey | None] = ContextVar("asks", default=None)


class LeasedKeys:
    """The runner's source of keys: whoever asks a model says whose key it is."""

    async def key(self, provider: str) -> bytes:
        """The key of `provider`; empty where it wants none. Kept in memory alone, for the one call."""
        ask = _asks.get()
        return b"" if ask is None or provider == OLLAMA else await ask(provider)


class ExecutionModels:
    """The runner's models, asked for one execution."""

    def __init__(self, models: ModelPort, ask: AskKey) -> None:
        self._models = models
        self._ask = ask

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """As `ModelPort.stream`."""
        _asks.set(self._ask)
        events = self._models.stream(request)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()
