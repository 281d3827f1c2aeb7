"""Short forms that a document may use where the contract has something longer. Each means exactly one thing in the contract's own form."""

from collections.abc import Mapping

from stigmer_tui.manifests.kinds import ENVIRONMENT, MCP_SERVER, SKILL

NAMES_FOR_IDS: Mapping[str, Mapping[str, str]] = {
    "ai.stigmer.agentic.agentinstance.v1.AgentInstanceSpec": {"agent": "agent_id"},
    "ai.stigmer.agentic.session.v1.SessionSpec": {"agentInstance": "agent_instance_id"},
    "ai.stigmer.agentic.workflowinstance.v1.WorkflowInstanceSpec": {"workflow": "workflow_id"},
}
"""By message: keys that take a name where the contract has an id. The server takes either there."""

REFERENCE = "ai.stigmer.commons.apiresource.ApiResourceReference"
"""Where a reference is wanted, its slug alone is enough."""

REFERRED: Mapping[str, int] = {
    "skill_refs": SKILL.number,
    "environment_refs": ENVIRONMENT.number,
    "env_refs": ENVIRONMENT.number,
    "mcp_server_refs": MCP_SERVER.number,
}
"""By field: the kind that its references are to, filled in where a reference has none."""
