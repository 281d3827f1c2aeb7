"""The catalogues of all kinds, put together."""

from collections.abc import Mapping
from typing import cast

from stigmer_backend.resources.agents import Agents, Instances
from stigmer_backend.resources.catalogue import Catalogue, Means
from stigmer_backend.resources.environments import Environments, ExecutionContexts
from stigmer_backend.resources.executions import Executions
from stigmer_backend.resources.kinds import AnyKind, Resource
from stigmer_backend.resources.mcp_servers import McpServers
from stigmer_backend.resources.removal import Removal
from stigmer_backend.resources.sessions import Sessions
from stigmer_backend.resources.skills import Skills
from stigmer_backend.resources.workflow_executions import WorkflowExecutions
from stigmer_backend.resources.workflows import WorkflowInstances, Workflows
from stigmer_backend.workflows.documents import Documents


class Catalogues:
    """One of each kind."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self.documents = Documents()
        self.instances = Instances(means)
        self.agents = Agents(means, self.instances)
        self.sessions = Sessions(means)
        self.executions = Executions(means)
        self.workflow_instances = WorkflowInstances(means)
        self.workflows = Workflows(means, self.workflow_instances, self.documents)
        self.workflow_executions = WorkflowExecutions(means)
        self.environments = Environments(means)
        self.execution_contexts = ExecutionContexts(means)
        self.skills = Skills(means)
        self.mcp_servers = McpServers(means)
        self.removal = Removal(means.secrets)
        every = (
            self.agents,
            self.instances,
            self.sessions,
            self.executions,
            self.workflows,
            self.workflow_instances,
            self.workflow_executions,
            self.environments,
            self.execution_contexts,
            self.skills,
            self.mcp_servers,
        )
        self._by_field: Mapping[str, Catalogue[Resource]] = {
            one.kind.field: cast("Catalogue[Resource]", one) for one in every
        }

    def of(self, kind: AnyKind) -> Catalogue[Resource]:
        """The catalogue of a kind of which no more is known: what is given to it has to be of that kind."""
        return self._by_field[kind.field]
