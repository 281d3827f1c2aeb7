"""What a run runs, and what its child workflows are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.chronicle import Chronicle


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What to run."""

    definition: type[object]
    """A class with `@workflow.defn`."""
    workflow_id: str
    arguments: Sequence[object] = ()
    """For a run that begins; one that is replayed has its own in its journal."""
    lane: str = ""
    """Which of a journal's records are the run's own: those whose `child_run_id` it is. Those of its children begin with it."""


@dataclass(frozen=True, slots=True)
class ChildParts:
    """What a child workflow is made of."""

    definition: type[object]
    activities: Activities
    chronicle: Chronicle
    mark: Callable[[Event], None] = lambda _: None
    """Says on each event of the child whose it is."""


ChildKinds: TypeAlias = Callable[[str, str], ChildParts | None]
"""From a workflow's type and id to what a child of it is made of; None for a type that is not known."""


def childless(workflow_type: str, workflow_id: str) -> ChildParts | None:
    """No child is known."""
    return None
