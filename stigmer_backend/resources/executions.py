"""Agent executions as resources: what of one may be changed after it began."""

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_backend.resources.catalogue import Catalogue, NewId
from stigmer_backend.resources.kinds import EXECUTIONS
from stigmer_backend.resources.rules import secrets_come_later
from stigmer_backend.store import StateRead, StateWrite


class Executions(Catalogue[AgentExecution]):
    """Agent executions. They are created elsewhere: with their first events."""

    def __init__(self, new_id: NewId) -> None:
        super().__init__(EXECUTIONS, new_id)

    def keep(self, state: StateRead, stored: AgentExecution, fresh: AgentExecution) -> None:
        """What was asked stays as it was asked. Raises `InvalidArgument` for an update that says otherwise."""
        before, after = stored.spec, fresh.spec
        after.session_id = after.session_id or before.session_id
        after.agent_id = after.agent_id or before.agent_id
        if not after.HasField("options") and before.HasField("options"):
            after.options.CopyFrom(before.options)
        for field, same in (
            ("session_id", after.session_id == before.session_id),
            ("agent_id", after.agent_id == before.agent_id),
            ("message", after.message == before.message),
            ("options", after.options == before.options),
        ):
            if not same:
                raise InvalidArgument(
                    f"spec.{field} of the execution {stored.metadata.id} cannot be changed: it has begun",
                    remedy="start a new execution",
                    violations=[FieldViolation(f"spec.{field}", "stigmer.execution.immutable", "must stay as it is")],
                )

    def check(self, state: StateRead, fresh: AgentExecution) -> None:
        """Secret values are not kept yet."""
        if any(value.is_secret for value in fresh.spec.runtime_env.values()):
            raise secrets_come_later("spec.runtime_env")

    def parents(self, state: StateRead, fresh: AgentExecution) -> tuple[str, ...]:
        """Its session and its agent."""
        return (fresh.spec.session_id, fresh.spec.agent_id)

    def put(self, state: StateWrite, fresh: AgentExecution, created_ns: int, expected_version: int | None) -> None:
        """Store `fresh`; its row stays as it is."""
        state.put(
            self.kind.table,
            fresh.metadata.id,
            fresh.SerializeToString(),
            slug=fresh.metadata.slug,
            created_ns=created_ns,
            parents=self.parents(state, fresh),
            summary=self._row(state, fresh),
            expected_version=expected_version,
        )

    def _row(self, state: StateRead, fresh: AgentExecution) -> bytes:
        """The row that lists have of an execution; its session's list is the shortest."""
        after: bytes | None = None
        while rows := state.page(self.kind.table, fresh.spec.session_id, after):
            for row in rows:
                if row.id == fresh.metadata.id:
                    return row.summary
            after = rows[-1].key
        return b""
