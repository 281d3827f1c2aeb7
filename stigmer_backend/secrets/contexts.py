"""The execution context: the variables that one run works with, made when it starts and gone when it ends."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import EnvironmentValue
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_pb2 import (
    ExecutionContext,
    ExecutionContextSpec,
    ExecutionValue,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceReference,
)
from stigmer_apis.errors import FailedPrecondition, NotFound
from stigmer_apis.protocol import API_VERSION
from stigmer_backend.resources.history import forget_versions
from stigmer_backend.resources.kinds import (
    AGENTS,
    ENVIRONMENTS,
    EXECUTION_CONTEXTS,
    EXECUTIONS,
    INSTANCES,
    SESSIONS,
    WORKFLOW_EXECUTIONS,
    WORKFLOW_INSTANCES,
    WORKFLOWS,
)
from stigmer_backend.resources.lookup import find, storable
from stigmer_backend.resources.removal import LIVE
from stigmer_backend.resources.secret_values import SecretValues
from stigmer_backend.resources.stamps import Stamp, Stamps, stamp_created
from stigmer_backend.resources.text import quoted
from stigmer_backend.secrets.errors import MasterKeyWanted
from stigmer_backend.secrets.sealing import Place, is_sealed
from stigmer_backend.secrets.server_secrets import has_server_secrets, open_server_secrets
from stigmer_backend.secrets.vault import Vault
from stigmer_backend.store import StateRead, StateWrite, Store

T = TypeVar("T")

_ROWS = 500


class Contexts:
    """The contexts of all runs."""

    def __init__(self, store: Store, vault: Vault, new_id: Callable[[str], str], stamps: Stamps) -> None:
        self._store = store
        self._vault = vault
        self._values = SecretValues(vault)
        self._new_id = new_id
        self._stamps = stamps

    async def open(self) -> None:
        """Remove what a stop left: contexts whose execution has ended."""

        def leftovers(state: StateRead) -> list[str]:
            rows = state.page(EXECUTION_CONTEXTS.table, limit=_ROWS, newest_first=False)
            found = [
                EXECUTION_CONTEXTS.decode(record.data)
                for row in rows
                if (record := state.get(EXECUTION_CONTEXTS.table, row.id))
            ]
            return [one.spec.execution_id for one in found if state.get(LIVE, one.spec.execution_id) is None]

        for execution_id in await self._store.read_state(leftovers):
            await self._store.write(lambda state, over=execution_id: self.end(state, over))

    async def check(self, execution: AgentExecution, agent_id: str, instance_id: str) -> None:
        """Raise where a run of `execution` could not have its values: an environment that is not there, secrets that are locked."""

        def look(state: StateRead) -> bool:
            merged = _merged(state, execution, agent_id, instance_id)
            return any(is_sealed(value.value) for value, _ in merged.values()) or has_server_secrets(state, agent_id)

        if await self._store.read_state(look):
            await self._vault.prepare()

    async def check_workflow(self, execution: WorkflowExecution) -> None:
        """The same for a run of a workflow."""

        def look(state: StateRead) -> bool:
            return any(is_sealed(value.value) for value, _ in _merged_of_workflow(state, execution).values())

        if await self._store.read_state(look):
            await self._vault.prepare()

    async def of(self, execution_id: str) -> ExecutionContext:
        """The context of a run that has not ended, with its secrets in plain text; made the first time, where there is anything for it.

        Raises `SecretsLocked`, `SecretGone`, `NotFound` where an environment is not there any more, `FailedPrecondition` for a run that ended.
        """
        if not await self._store.read_state(lambda state: self._is_wanted(state, execution_id)):
            return ExecutionContext(spec=ExecutionContextSpec(execution_id=execution_id))
        stamp = self._stamps.now()
        return await self._with_key(lambda state: self._of(state, execution_id, stamp))

    async def of_servers(self, execution_id: str) -> Mapping[str, Mapping[str, str]]:
        """The secrets that stand in the MCP servers of a run's agent, in plain text, by the id of the server and by name.

        Raises `SecretsLocked`, `SecretGone`, `NotFound`.
        """

        if is_workflow_run(execution_id):
            return {}

        def look(state: StateRead) -> Mapping[str, Mapping[str, str]]:
            return open_server_secrets(state, self._vault, find(state, EXECUTIONS, execution_id).spec.agent_id)

        try:
            return await self._store.read_state(look)
        except MasterKeyWanted:
            await self._vault.prepare()
            return await self._store.read_state(look)

    def end(self, state: StateWrite, execution_id: str) -> None:
        """Remove the contexts of a run with all their keys, and the keys of what was given for it alone: in the transaction of its end."""
        for context_id in state.children(EXECUTION_CONTEXTS.table, execution_id):
            self._values.forget(state, context_id)
            forget_versions(state, EXECUTION_CONTEXTS, context_id)
            state.delete(EXECUTION_CONTEXTS.table, context_id)
        self._values.forget(state, execution_id)

    async def _with_key(self, change: Callable[[StateWrite], T]) -> T:
        try:
            return await self._store.write(change)
        except MasterKeyWanted:
            await self._vault.prepare()
            return await self._store.write(change)

    def _is_wanted(self, state: StateRead, execution_id: str) -> bool:
        """Whether there is a context, or something to make one of."""
        if state.by_slug(EXECUTION_CONTEXTS.table, execution_id) is not None:
            return True
        return bool(_variables(state, execution_id))

    def _of(self, state: StateWrite, execution_id: str, stamp: Stamp) -> ExecutionContext:
        known = state.by_slug(EXECUTION_CONTEXTS.table, execution_id)
        record = None if known is None else state.get(EXECUTION_CONTEXTS.table, known)
        context = self._make(state, execution_id, stamp) if record is None else EXECUTION_CONTEXTS.decode(record.data)
        for name, value in context.spec.data.items():
            if is_sealed(value.value):
                place = Place(EXECUTION_CONTEXTS.name, context.metadata.id, name)
                value.value = self._vault.open(state, place, value.value)
        return context

    def _make(self, state: StateWrite, execution_id: str, stamp: Stamp) -> ExecutionContext:
        if state.get(LIVE, execution_id) is None:
            raise FailedPrecondition(f"the execution {execution_id} has ended", remedy="start a new one")
        merged = _variables(state, execution_id)
        values = {
            name: ExecutionValue(
                value=self._vault.open(state, place, value.value) if is_sealed(value.value) else value.value,
                is_secret=value.is_secret,
            )
            for name, (value, place) in merged.items()
        }
        context = ExecutionContext(
            api_version=API_VERSION,
            kind=EXECUTION_CONTEXTS.name,
            metadata=ApiResourceMetadata(
                id=self._new_id(EXECUTION_CONTEXTS.prefix), name=execution_id, slug=execution_id
            ),
            spec=ExecutionContextSpec(execution_id=execution_id, data=values),
        )
        stamp_created(context, stamp)
        self._values.put_away(state, EXECUTION_CONTEXTS, None, context, stamp.at_ns)
        state.put(
            EXECUTION_CONTEXTS.table,
            context.metadata.id,
            context.SerializeToString(),
            slug=execution_id,
            created_ns=stamp.at_ns,
            parents=(execution_id,),
            summary=b"",
            expected_version=0,
        )
        return context


Found = Mapping[str, tuple[EnvironmentValue | ExecutionValue, Place]]
"""Variables by name, each with the place where its value is sealed."""


def missing_values(state: StateRead, agent_id: str, instance_id: str) -> list[tuple[str, EnvironmentValue]]:
    """Variables that an agent says it needs and that nobody gives: names, and how the agent declares them."""
    agent = find(state, AGENTS, agent_id)
    given = _lent(state, instance_id)
    return [
        (name, value)
        for name, value in sorted(agent.spec.env_spec.data.items(), key=lambda pair: pair[0])
        if not value.value and name not in given
    ]


def is_workflow_run(execution_id: str) -> bool:
    """Whether this is the id of a workflow's execution."""
    return execution_id.startswith(f"{WORKFLOW_EXECUTIONS.prefix}-")


def _variables(state: StateRead, execution_id: str) -> Found:
    """What a run works with. Raises `NotFound`."""
    if is_workflow_run(execution_id):
        return _merged_of_workflow(state, find(state, WORKFLOW_EXECUTIONS, execution_id))
    execution = find(state, EXECUTIONS, execution_id)
    session = find(state, SESSIONS, execution.spec.session_id)
    return _merged(state, execution, execution.spec.agent_id, session.spec.agent_instance_id)


def _merged_of_workflow(state: StateRead, execution: WorkflowExecution) -> Found:
    """What a run of a workflow works with: the workflow's, then its instance's environments in order, then the run's own."""
    spec = execution.spec
    merged: dict[str, tuple[EnvironmentValue | ExecutionValue, Place]] = {}
    if spec.workflow_id:
        workflow = find(state, WORKFLOWS, spec.workflow_id)
        merged.update(_placed(WORKFLOWS.name, spec.workflow_id, workflow.spec.env_spec.data.items()))
    if spec.workflow_instance_id:
        merged.update(_of_environments(state, find(state, WORKFLOW_INSTANCES, spec.workflow_instance_id).spec.env_refs))
    merged.update(_placed(WORKFLOW_EXECUTIONS.name, execution.metadata.id, spec.runtime_env.items()))
    return merged


def _merged(state: StateRead, execution: AgentExecution, agent_id: str, instance_id: str) -> Found:
    """What a run works with: the agent's, then its instance's environments in order, then the run's own, the later over the earlier."""
    agent = find(state, AGENTS, agent_id)
    merged = dict(_placed(AGENTS.name, agent_id, agent.spec.env_spec.data.items()))
    merged.update(_lent(state, instance_id))
    merged.update(_placed(EXECUTIONS.name, execution.metadata.id, execution.spec.runtime_env.items()))
    return merged


def _lent(state: StateRead, instance_id: str) -> dict[str, tuple[EnvironmentValue | ExecutionValue, Place]]:
    """The variables of an agent instance's environments. Raises `NotFound`."""
    return _of_environments(state, find(state, INSTANCES, instance_id).spec.environment_refs)


def _of_environments(
    state: StateRead, references: Iterable[ApiResourceReference]
) -> dict[str, tuple[EnvironmentValue | ExecutionValue, Place]]:
    lent: dict[str, tuple[EnvironmentValue | ExecutionValue, Place]] = {}
    for reference in references:
        environment_id = _environment(state, reference)
        environment = find(state, ENVIRONMENTS, environment_id)
        lent.update(_placed(ENVIRONMENTS.name, environment_id, environment.spec.data.items()))
    return lent


def _placed(
    kind: str, resource_id: str, values: Iterable[tuple[str, EnvironmentValue | ExecutionValue]]
) -> Iterable[tuple[str, tuple[EnvironmentValue | ExecutionValue, Place]]]:
    return ((name, (value, Place(kind, resource_id, name))) for name, value in values if value.value)


def _environment(state: StateRead, reference: ApiResourceReference) -> str:
    """The environment that is meant. Published clients write the kind of a reference as 52, which is another; the slug decides."""
    found = state.by_slug(ENVIRONMENTS.table, reference.slug) if storable(reference.slug) else None
    if found is None:
        raise NotFound(
            f"there is no environment named {quoted(reference.slug)}, which the instance wants",
            remedy="make it (stigmer secrets set NAME --environment ...), or take it out of the instance's environment_refs",
        )
    return found
