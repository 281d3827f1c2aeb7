"""Models by their providers' interfaces: what implements `ModelPort`."""

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from stigmer_apis.providers import OLLAMA, PROVIDERS
from stigmer_runner.models.config import CallLimits, ModelConfig
from stigmer_runner.models.port import Done, ModelError, ModelErrorCode, ModelEvent, ModelRequest
from stigmer_runner.models.prices import Prices
from stigmer_runner.models.scrubbing import scrubbed

if TYPE_CHECKING:
    from stigmer_runner.models.library import Route


class KeySource(Protocol):
    """Where keys come from. Asked for each call, so that a key which was changed or taken away is not used any longer."""

    async def key(self, provider: str) -> bytes:
        """The key of `provider`; empty where there is none."""
        ...


class NoKeys:
    """For providers that want none."""

    async def key(self, provider: str) -> bytes:
        """None."""
        del provider
        return b""


class ProviderModels:
    """Asks providers over HTTP. Use as an async context manager, or `aclose` it."""

    def __init__(
        self,
        config: ModelConfig,
        keys: KeySource,
        *,
        prices: Prices | None = None,
        limits: CallLimits | None = None,
    ) -> None:
        self._config = config
        self._keys = keys
        self._prices = prices or Prices({})
        self._limits = limits or CallLimits()
        self._routes: dict[str, Route] = {}
        self._building = threading.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def prewarm(self, provider: str) -> None:
        """Loads what a call of `provider` needs, so that the first one does not wait for it: two to three seconds, on a thread."""
        if provider in PROVIDERS:
            await self._route(provider)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """As `ModelPort.stream`."""
        if request.provider not in PROVIDERS:
            raise ModelError(
                ModelErrorCode.INVALID,
                f"There is no provider {request.provider}. Known are {', '.join(PROVIDERS)}.",
            )
        key = _checked(await self._keys.key(request.provider), request.provider, self._config)
        route = await self._route(request.provider)
        call = route.wire.begin(key)
        caught = _Caught()
        done: Done | None = None
        try:
            with caught:
                async with contextlib.aclosing(route.events(request, self._config, call)) as events:
                    async for event in events:
                        if isinstance(event, Done):
                            done = event
                        else:
                            yield event
        finally:
            route.wire.end(call)
        if call.failure is not None:
            raise scrubbed(call.failure, key)
        if caught.error is not None:
            raise scrubbed(_failure(caught.error, request, route, began=call.began), key)
        if done is not None:
            yield self._prices.priced(request.provider, request.model, done)

    async def aclose(self) -> None:
        """Ends every call under way."""
        routes = list(self._routes.values())
        self._routes.clear()
        for route in routes:
            await route.aclose()

    async def _route(self, provider: str) -> "Route":
        route = self._routes.get(provider)
        return route if route is not None else await asyncio.to_thread(self._build, provider)

    def _build(self, provider: str) -> "Route":
        """On a thread: the library takes seconds to load."""
        from stigmer_runner.models.library import Route
        from stigmer_runner.models.wire import tls_context

        with self._building:
            route = self._routes.get(provider)
            if route is None:
                route = Route(provider, self._config.base_url(provider), self._limits, tls_context())
                self._routes[provider] = route
                # the library's 200,000 objects stay: to look through them now and then for what is over would stop everything for 0.1 s
                gc.freeze()
        return route


class _Caught:
    """Takes an exception out of a block, so that what is raised after it has no trace of a library's request."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self.error = error
            return True
        return False


def _failure(error: Exception, request: ModelRequest, route: "Route", *, began: bool) -> ModelError:
    from stigmer_runner.models.failures import failure

    return failure(error, provider=request.provider, model=request.model, base_url=route.base_url, began=began)


def _checked(key: bytes, provider: str, config: ModelConfig) -> bytes:
    from stigmer_runner.models.advice import how_to_give_a_key

    key = key.strip()
    if any(byte <= 32 or byte >= 127 for byte in key):
        raise ModelError(
            ModelErrorCode.UNAUTHORIZED,
            f"The key of {provider} holds characters that no key has. {how_to_give_a_key(provider)}",
        )
    own_address = config.base_url(provider) != ModelConfig().base_url(provider)
    if not key and provider != OLLAMA and not own_address:
        raise ModelError(ModelErrorCode.UNAUTHORIZED, f"There is no key for {provider}. {how_to_give_a_key(provider)}")
    return key
