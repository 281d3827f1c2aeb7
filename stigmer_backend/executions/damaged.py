"""Executions of which a damaged disk has lost something: what is said of them wherever they are shown."""

from collections.abc import Callable

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceMetadata
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.protocol import DAMAGE_ANNOTATION
from stigmer_backend.store import RecoveryReport

EVENTS_LOST = "events of it are lost to a damaged disk: what is left can be read, and takes nothing more"
RECORD_LOST = "its record is lost to a damaged disk: its events can be read"


class Damaged:
    """What the store's report says, by execution."""

    def __init__(self, report: Callable[[], RecoveryReport]) -> None:
        self._report = report

    def of(self, execution_id: str) -> str:
        """What is lost of an execution, in words; empty where it is whole, as far as is known."""
        report = self._report()
        if not report.damage:
            return ""
        if execution_id in report.damaged_executions:
            return EVENTS_LOST
        return RECORD_LOST if any(name == execution_id for _, name in report.damaged_records) else ""

    def shown(self, row: ExecutionSummary) -> ExecutionSummary:
        """A row that says so; itself, or a copy."""
        words = self.of(row.execution_id)
        if not words:
            return row
        told = ExecutionSummary()
        told.CopyFrom(row)
        told.damage = words
        return told

    def note(self, metadata: ApiResourceMetadata) -> None:
        """Say so in the metadata of an execution that is about to be answered."""
        words = self.of(metadata.id)
        if words:
            metadata.annotations[DAMAGE_ANNOTATION] = words
