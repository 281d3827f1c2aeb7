"""What a runner is given together with a lease: all that it needs to run an execution."""

from collections.abc import Callable

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_enums_pb2 import ExecutionPhase
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import Workflow
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_enums_pb2 import (
    ExecutionPhase as WorkflowPhase,
)
from stigmer_apis._generated.ai.stigmer.agentic.workflowexecution.v1.workflow_execution_pb2 import WorkflowExecution
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis._generated.stigmer.steering.v1.steering_service_pb2 import SessionApproval
from stigmer_backend.executions.approvals import approvals_of
from stigmer_backend.executions.live import LiveExecution
from stigmer_backend.executions.memory import how_many
from stigmer_backend.executions.needs import Needs, needs_of
from stigmer_backend.executions.run_documents import unpacked
from stigmer_backend.executions.sessions import delivered
from stigmer_backend.executions.workspace import Workspace, Workspaces
from stigmer_backend.resources.kinds import AGENTS, SESSIONS, WORKFLOWS
from stigmer_backend.resources.lookup import find
from stigmer_backend.resources.secret_values import mask_values
from stigmer_backend.resources.sessions import WORKSPACE_KEY
from stigmer_backend.store import Lane, StateRead, Store

Granted = LinkResponse.LeaseGranted


class Granting:
    """Describes executions to the runners that are to run them."""

    def __init__(self, store: Store, workspaces: Workspaces) -> None:
        self.trace_parent: Callable[[str], str] = lambda execution_id: ""
        """What a runner puts its spans below, by execution; set where traces are told."""
        self._store = store
        self._workspaces = workspaces

    async def describe(self, live: LiveExecution, epoch: int) -> Granted:
        """All that a runner needs. Raises `FailedPrecondition`, `NotFound` for what cannot be run: its directory is gone, or what it names."""
        execution = live.execution
        if isinstance(execution, AgentExecution):
            granted, workspace = await self._agent(live, execution)
        else:
            granted, workspace = await self._workflow(live, execution)
        await self._workspaces.make_ready(workspace)
        granted.execution_id, granted.epoch = live.id, epoch
        granted.trace_parent = self.trace_parent(live.id)
        granted.workspace, granted.workspace_is_own = str(workspace.path), workspace.is_own
        granted.journal_records = await self._store.head(live.id, Lane.ENGINE)
        granted.pending.extend(delivered(live.id, issued) for issued in live.ledger.pending())
        granted.fresh = live.phase < ExecutionPhase.EXECUTION_IN_PROGRESS
        return granted

    async def _agent(self, live: LiveExecution, kept: AgentExecution) -> tuple[Granted, Workspace]:
        spec = kept.spec

        def look(state: StateRead) -> tuple[Agent, Needs, str, int, list[SessionApproval]]:
            session = find(state, SESSIONS, spec.session_id)
            path = session.spec.metadata.get(WORKSPACE_KEY, "")
            agent = find(state, AGENTS, spec.agent_id)
            earlier = how_many(state, spec.session_id, live.id)
            return agent, needs_of(state, agent), path, earlier, approvals_of(state, spec.session_id)

        agent, needs, path, earlier, approved = await self._store.read_state(look)
        execution = AgentExecution()
        execution.CopyFrom(kept)
        execution.status.phase = live.phase
        granted = Granted(
            execution=execution,
            agent=agent,
            session_executions=earlier,
            session_approvals=approved,
            mcp_servers=needs.mcp_servers,
            skills=needs.skills,
        )
        return granted, self._workspaces.of_session(spec.session_id, path)

    async def _workflow(self, live: LiveExecution, kept: WorkflowExecution) -> tuple[Granted, Workspace]:
        spec = kept.spec

        def look(state: StateRead) -> tuple[Granted, Workflow | None, list[SessionApproval]]:
            record = state.data(WORKFLOWS.table, spec.workflow_id) if spec.workflow_id else None
            workflow = None if record is None else WORKFLOWS.decode(record)
            return unpacked(state, live.id), workflow, approvals_of(state, live.id)

        granted, workflow, approved = await self._store.read_state(look)
        granted.workflow_execution.CopyFrom(kept)
        granted.workflow_execution.status.phase = WorkflowPhase.ValueType(live.phase)
        mask_values(granted.workflow_execution)
        if workflow is not None:
            mask_values(workflow)
            granted.workflow.CopyFrom(workflow)
        granted.session_approvals.extend(approved)
        return granted, self._workspaces.of_session(live.id, spec.options.workspace)
