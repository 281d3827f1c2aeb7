"""Agent executions as resources: what of one may be changed after it began."""

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.execution.v1.summary_pb2 import ExecutionSummary
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_backend.resources.catalogue import Catalogue, Means
from stigmer_backend.resources.kinds import EXECUTIONS, Kind, R, Resource
from stigmer_backend.resources.listing_keys import lists_of, unseen_of
from stigmer_backend.store import StateRead, StateWrite

SHOWN_LABELS = 16
"""Labels that a row of a list shows."""
_LABEL_CHARACTERS = 64


class Executions(Catalogue[AgentExecution]):
    """Agent executions. They are created elsewhere: with their first events."""

    def __init__(self, means: Means) -> None:
        super().__init__(EXECUTIONS, means)

    def keep(self, state: StateRead, stored: AgentExecution, fresh: AgentExecution) -> None:
        """What was asked stays as it was asked. Raises `InvalidArgument` for an update that says otherwise."""
        before, after = stored.spec, fresh.spec
        after.session_id = after.session_id or before.session_id
        after.agent_id = after.agent_id or before.agent_id
        if not after.HasField("options") and before.HasField("options"):
            after.options.CopyFrom(before.options)
        after.parent_execution_id = after.parent_execution_id or before.parent_execution_id
        for field, same in (
            ("session_id", after.session_id == before.session_id),
            ("agent_id", after.agent_id == before.agent_id),
            ("message", after.message == before.message),
            ("options", after.options == before.options),
            ("parent_execution_id", after.parent_execution_id == before.parent_execution_id),
        ):
            if not same:
                raise InvalidArgument(
                    f"spec.{field} of the execution {stored.metadata.id} cannot be changed: it has begun",
                    remedy="start a new execution",
                    violations=[FieldViolation(f"spec.{field}", "stigmer.execution.immutable", "must stay as it is")],
                )

    def parents(self, state: StateRead, fresh: AgentExecution) -> tuple[str, ...]:
        """Its session and its agent, and the workflow execution that started it."""
        return parents_of_run(fresh)

    def put(self, state: StateWrite, fresh: AgentExecution, created_ns: int, expected_version: int | None) -> None:
        """Store `fresh`; its row shows its labels, and stays as it is in all else."""
        put_execution(state, self.kind, fresh, self.parents(state, fresh), created_ns, expected_version)


def parents_of_run(execution: AgentExecution) -> tuple[str, ...]:
    """In whose lists an execution stands."""
    spec = execution.spec
    return tuple(name for name in (spec.session_id, spec.agent_id, spec.parent_execution_id) if name)


def put_execution(
    state: StateWrite,
    kind: Kind[R],
    fresh: R,
    parents: tuple[str, ...],
    created_ns: int,
    expected_version: int | None,
) -> None:
    """Store an execution of either kind below `parents`; its row shows its labels, and stays as it is in all else."""
    known = state.get(kind.table, fresh.metadata.id)
    row = ExecutionSummary.FromString(state.summary(kind.table, fresh.metadata.id) or b"")
    show_labels(row, fresh)
    state.put(
        kind.table,
        fresh.metadata.id,
        fresh.SerializeToString(),
        slug=fresh.metadata.slug,
        created_ns=created_ns,
        parents=(*parents, *lists_of(fresh), *(() if known is None else unseen_of(known.parents))),
        summary=row.SerializeToString(),
        expected_version=expected_version,
    )


def show_labels(row: ExecutionSummary, execution: Resource) -> None:
    """Put the labels of an execution into its row."""
    row.labels.clear()
    for key in sorted(execution.metadata.labels)[:SHOWN_LABELS]:
        row.labels[key] = execution.metadata.labels[key][:_LABEL_CHARACTERS]
