"""Names in a cluster: of workflows, and of the queues that their tasks wait in. Those of the published product are kept where the thing is the same."""

import re

CLUSTER = "temporal"
"""Stands in the first record of a run that a cluster drives."""

AGENT_RUNS = "agent_execution_stigmer"
"""The queue of agents' workflow tasks: any runner takes them."""
WORKFLOW_RUNS = "workflow_execution_stigmer"
"""The queue of workflows' workflow tasks."""
AGENT_WORK = "agent_execution_runner"
WORKFLOW_WORK = "workflow_execution_runner"
"""What the queues of activities begin with. Each execution has its own, `<this>/<execution>`, which whoever holds its lease serves: there the workspace lives."""
_EXECUTION = re.compile(r"(?:aex|wex)-[0-9a-z]{26}(?![0-9a-z])")
_WORKFLOW_PREFIX = "wex-"


def workflow_id_of(execution_id: str) -> str:
    """The id of an execution's workflow."""
    return f"stigmer/{kind_of(execution_id)}-execution/invoke/{execution_id}"


def kind_of(execution_id: str) -> str:
    """What it is an execution of: `agent` or `workflow`."""
    return "workflow" if execution_id.startswith(_WORKFLOW_PREFIX) else "agent"


def execution_of(workflow_id: str) -> str:
    """The execution whose workflow this is, or whose workflow's child. Raises `ValueError` for any other."""
    found = _EXECUTION.search(workflow_id)
    if found is None:
        raise ValueError(f"the workflow {workflow_id[:100]!r} is none of Stigmer's")
    return found.group()


def run_queue_of(execution_id: str) -> str:
    """Where the workflow tasks of an execution wait."""
    return WORKFLOW_RUNS if execution_id.startswith(_WORKFLOW_PREFIX) else AGENT_RUNS


def work_queue_of(execution_id: str) -> str:
    """Where the activities of an execution wait."""
    kind = WORKFLOW_WORK if execution_id.startswith(_WORKFLOW_PREFIX) else AGENT_WORK
    return f"{kind}/{execution_id}"
