"""Which engine drives a run: the one it began with; one that begins, the one that the settings name."""

import asyncio
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis.config import EngineKind, Execution, Temporal
from stigmer_apis.home import Home
from stigmer_runner.engine.port import Engine
from stigmer_runner.link.values import ValueCalls
from stigmer_runner.temporal.naming import CLUSTER

if TYPE_CHECKING:
    from stigmer_runner.temporal.cluster import TemporalEngine

EMBEDDED = "stigmer_runner.engine.embedded_engine"
"""The module that brings the embedded engine in."""
TEMPORAL = "stigmer_runner.temporal.opening"
"""The module that brings Temporal in."""


async def load_engine() -> None:
    """Import the embedded engine on a thread, where that has not been done: the workflow library takes most of a second."""
    await asyncio.to_thread(importlib.import_module, EMBEDDED)


class Engines:
    """The engines of a runner; a cluster is looked for when the first run needs it. Close it by `close`."""

    def __init__(
        self,
        execution: Execution | None = None,
        temporal: Temporal | None = None,
        home: Home | None = None,
        runner_id: str = "",
        values: ValueCalls | None = None,
    ) -> None:
        """Without settings there is the embedded engine alone."""
        self._kind = EngineKind.EMBEDDED if execution is None else execution.engine
        self._temporal = temporal
        self._home = home
        self._runner_id = runner_id
        self._values = values
        self._cluster: TemporalEngine | None = None

    async def of(self, history: Sequence[JournalRecord]) -> Engine:
        """The engine of a run that has these records. Raises `RunnerError` where it cannot be had."""
        await load_engine()
        begun = bool(history)
        by_cluster = history[0].child_run_id == CLUSTER if begun else self._kind is EngineKind.TEMPORAL
        if by_cluster and self._home is not None and self._temporal is not None and self._values is not None:
            await asyncio.to_thread(importlib.import_module, TEMPORAL)
            if self._cluster is None:
                from stigmer_runner.temporal.opening import temporal_engine

                self._cluster = temporal_engine(self._temporal, self._home, self._runner_id, self._values)
            return self._cluster
        from stigmer_runner.engine.embedded_engine import EmbeddedEngine

        return EmbeddedEngine()

    async def close(self) -> None:
        """End what serves a cluster."""
        if self._cluster is not None:
            await self._cluster.close()
