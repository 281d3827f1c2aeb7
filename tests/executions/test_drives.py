"""What drives executions, and the address of its page."""

import pytest

from stigmer_apis.config import Temporal
from stigmer_backend.executions.drives import Drives, drives_of, workflow_id_of
from stigmer_runner.temporal import naming

EXECUTIONS = ("wex-01jd00000000000000000000000", "aex-01jd00000000000000000000000")


@pytest.mark.parametrize("execution_id", EXECUTIONS)
def test_both_sides_name_a_workflow_alike(execution_id: str) -> None:
    assert workflow_id_of(execution_id) == naming.workflow_id_of(execution_id)


def test_a_page_is_known_where_its_address_is_set() -> None:
    assert drives_of(None) == Drives()
    assert drives_of(None).page_of(EXECUTIONS[0]) == ""
    assert drives_of(Temporal()) == Drives("temporal")
    drives = drives_of(Temporal(namespace="my space", pages="http://localhost:8233/"))
    assert drives.page_of(EXECUTIONS[0]) == (
        f"http://localhost:8233/namespaces/my%20space/workflows/stigmer%2Fworkflow-execution%2Finvoke%2F{EXECUTIONS[0]}"
    )
