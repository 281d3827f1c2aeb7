"""The providers of a runner: loaded ahead, off the path of whoever waits."""

import asyncio
import importlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_apis.config import Settings

if TYPE_CHECKING:
    from stigmer_runner.hosting.agent_run import Models

AGENTS = "stigmer_runner.hosting.agent_run"
"""The module that brings tools and models in."""

_logger = logging.getLogger(__name__)


class Providers:
    """Made once, when somebody first wants them."""

    def __init__(self, settings: Settings, home: Path) -> None:
        self._settings = settings
        self._home = home
        self._making: asyncio.Task[Models] | None = None

    @property
    def settings(self) -> Settings:
        """What the person set."""
        return self._settings

    @property
    def approval_seconds(self) -> float:
        """How long a person may take to decide about a call, where no policy says; 0 for as long as they like."""
        return float(self._settings.backend.local.execution.approval_expiry)

    @property
    def likely(self) -> bool:
        """Whether a model is configured: then it is loaded before anybody asks."""
        llm = self._settings.backend.local.llm
        return llm.provider is not None or bool(llm.model)

    async def models(self) -> "Models":
        """The providers. Raises what reading the person's prices raises; then it is tried again."""
        if self._making is None or (self._making.done() and self._making.exception() is not None):
            self._making = asyncio.create_task(self._make())
        return await asyncio.shield(self._making)

    async def prewarm(self, model: str = "") -> None:
        """Load what a call of `model` needs, of the configured one where none is named. What fails here is told by the call itself."""
        try:
            models = await self.models()
            from stigmer_runner.models.choosing import choose

            await models.port.prewarm(choose(model, models.config).provider)
        except Exception as error:
            _logger.info("the model %r is not loaded ahead: %s", model, error, exc_info=True)

    async def close(self) -> None:
        """Close connections."""
        if self._making is None:
            return
        await asyncio.wait((self._making,))
        if not self._making.cancelled() and self._making.exception() is None:
            await self._making.result().port.aclose()

    async def _make(self) -> "Models":
        await asyncio.to_thread(importlib.import_module, AGENTS)
        from stigmer_runner.hosting.agent_run import make_models

        return await asyncio.to_thread(make_models, self._settings, self._home)
