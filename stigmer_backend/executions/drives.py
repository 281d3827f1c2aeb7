"""What drives the executions that begin, and where it shows them."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from stigmer_apis.config import Temporal

_WORKFLOW_PREFIX: Final = "wex-"


@dataclass(frozen=True, slots=True)
class Drives:
    """What drives executions."""

    engine: str = ""
    """`temporal`; empty: the runner itself."""
    pages: str = ""
    """Address before the id of a cluster's workflow; empty where no pages are known."""

    def page_of(self, execution_id: str) -> str:
        """Where an execution is shown: an address for a browser; empty where none is known."""
        return f"{self.pages}{quote(workflow_id_of(execution_id), safe='')}" if self.pages else ""


def drives_of(temporal: Temporal | None) -> Drives:
    """What the settings say. None: the runner itself drives them."""
    if temporal is None:
        return Drives()
    address = temporal.pages.rstrip("/")
    pages = f"{address}/namespaces/{quote(temporal.namespace, safe='')}/workflows/" if address else ""
    return Drives("temporal", pages)


def workflow_id_of(execution_id: str) -> str:
    """The id of an execution's workflow in a cluster: as runners name it."""
    kind = "workflow-execution" if execution_id.startswith(_WORKFLOW_PREFIX) else "agent-execution"
    return f"stigmer/{kind}/invoke/{execution_id}"
