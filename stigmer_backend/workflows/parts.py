"""What services need to serve workflows, put together once."""

from dataclasses import dataclass

from stigmer_backend.workflows.beginning import Beginning
from stigmer_backend.workflows.callbacks import Callbacks
from stigmer_backend.workflows.children import Children
from stigmer_backend.workflows.documents import Documents
from stigmer_backend.workflows.retrying import Retrying
from stigmer_backend.workflows.schedules import Schedules
from stigmer_backend.workflows.signals import Signals


@dataclass(frozen=True, slots=True)
class WorkflowParts:
    """The parts of workflows."""

    documents: Documents
    beginning: Beginning
    children: Children
    signals: Signals
    callbacks: Callbacks
    retrying: Retrying
    schedules: Schedules
