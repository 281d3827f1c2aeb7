"""What hosting needs of an engine and of its runs, whichever engine that is."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import Chronicle, RunOutcome
from stigmer_runner.engine.journal import JournalSink
from stigmer_runner.engine.plan import ChildKinds, RunPlan, childless


class Commanded(Protocol):
    """A run, or a child of one, that persons can tell something."""

    def signal(self, name: str, *arguments: object, command_id: str = "") -> None:
        """Send it a signal. One whose command it has already taken is passed over."""
        ...

    def update(self, name: str, *arguments: object, command_id: str = "") -> "asyncio.Future[object]":
        """Send it an update: what its handler returns, once it has; it fails with `UpdateRefused`. It need not be awaited."""
        ...

    def cancel(self, reason: str, *, command_id: str = "") -> None:
        """Ask it to end."""
        ...


class Run(Commanded, Protocol):
    """One run. `execute` lives as long as it does; the other methods may be called meanwhile, on the same loop."""

    async def execute(self, history: Sequence[JournalRecord] = ()) -> RunOutcome:
        """Run to the end, from `history` on where there is one."""
        ...

    def abandon(self, reason: str) -> None:
        """Stop at once and write nothing more: the lease is lost."""
        ...

    def when_live(self, call: Callable[[], None]) -> None:
        """Call once the run has come to where it was, and its children live."""
        ...

    def child(self, workflow_id: str) -> Commanded | None:
        """The child workflow of that id, where one may live."""
        ...


class Engine(Protocol):
    """Makes runs."""

    def run(
        self,
        plan: RunPlan,
        activities: Activities,
        journal: JournalSink,
        chronicle: Chronicle,
        *,
        child_kinds: ChildKinds = childless,
    ) -> Run:
        """A run; nothing happens before its `execute`."""
        ...
