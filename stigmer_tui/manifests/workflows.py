"""What a described workflow means, beyond the form of its messages."""

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import WorkflowSpec
from stigmer_apis.documents.nodes import Place
from stigmer_apis.workflow.checking import Checked
from stigmer_apis.workflow.messages import check_messages
from stigmer_tui.manifests.binding import Spots


def check_spec(source: str, spec: WorkflowSpec, spots: Spots) -> Checked:
    """Its tasks, as the workflow language has them. What is inside of a `taskConfig` is told by the place of its task."""

    def find(path: str) -> tuple[Place, str]:
        spot, _ = spots.find(f"spec.{path}")
        return spot.place, spot.shown

    return check_messages(source, spec, find)
