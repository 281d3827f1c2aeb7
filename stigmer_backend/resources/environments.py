"""Environments, and the execution contexts that are made of them."""

from collections.abc import Sequence

from stigmer_apis._generated.ai.stigmer.agentic.environment.v1.environment_pb2 import Environment
from stigmer_apis._generated.ai.stigmer.agentic.executioncontext.v1.execution_context_pb2 import ExecutionContext
from stigmer_backend.resources.catalogue import Catalogue, Means
from stigmer_backend.resources.kinds import ENVIRONMENTS, EXECUTION_CONTEXTS, EXECUTIONS, WORKFLOW_EXECUTIONS
from stigmer_backend.resources.references import Owner
from stigmer_backend.resources.rules import check_variables, needs_spec, refuse
from stigmer_backend.store import StateRead


class Environments(Catalogue[Environment]):
    """Environments: variables and secrets, kept once and lent out."""

    def __init__(self, means: Means) -> None:
        super().__init__(ENVIRONMENTS, means)

    def check(self, state: StateRead, fresh: Environment) -> None:
        """The names have to be names of variables."""
        refuse("environment", fresh.metadata, list(check_variables("spec.data", fresh.spec.data)))


class ExecutionContexts(Catalogue[ExecutionContext]):
    """Execution contexts: what one execution is given, for as long as it runs."""

    def __init__(self, means: Means) -> None:
        super().__init__(EXECUTION_CONTEXTS, means)

    def owners(self, fresh: ExecutionContext) -> Sequence[Owner]:
        """Its execution, of an agent or of a workflow."""
        execution_id = fresh.spec.execution_id
        of_workflow = execution_id.startswith(f"{WORKFLOW_EXECUTIONS.prefix}-")
        return (Owner("execution_id", WORKFLOW_EXECUTIONS if of_workflow else EXECUTIONS, execution_id),)

    def check(self, state: StateRead, fresh: ExecutionContext) -> None:
        """The names have to be names of variables."""
        needs_spec(fresh, "execution context", "name the execution in spec.execution_id")
        refuse("execution context", fresh.metadata, list(check_variables("spec.data", fresh.spec.data)))
