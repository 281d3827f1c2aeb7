"""The policy of every RPC: who may call it. One table; an RPC that is not in it is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stigmer_backend.access.principal import Role


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may call an RPC."""

    roles: frozenset[Role]
    """The roles that may."""
    open: bool = False
    """Whether it may be called without a token, by anybody who reaches the socket."""


READ = Policy(frozenset({Role.VIEWER, Role.OPERATOR}))
"""Looks at what is there."""
WRITE = Policy(frozenset({Role.OPERATOR}))
"""Changes something, or acts on the person's machine."""
RUNNER = Policy(frozenset({Role.RUNNER}))
"""A runner's own work."""
EVERY_ROLE = Policy(frozenset({Role.VIEWER, Role.OPERATOR, Role.RUNNER}))
"""Whoever has a token."""
OPEN = Policy(EVERY_ROLE.roles, open=True)
"""Whoever reaches the socket. It must tell nothing but that somebody is there."""


def _rpcs(service: str, policy: Policy, methods: str) -> dict[str, Policy]:
    """The same policy for `methods`, separated by spaces, of `service`."""
    return {f"/{service}/{method}": policy for method in methods.split()}


_KINDS = "ai.stigmer.agentic"

POLICIES: Mapping[str, Policy] = {
    **_rpcs(f"{_KINDS}.agent.v1.AgentCommandController", WRITE, "apply create update delete"),
    **_rpcs(f"{_KINDS}.agent.v1.AgentQueryController", READ, "get getByReference"),
    **_rpcs(f"{_KINDS}.agentexecution.v1.AgentExecutionCommandController", WRITE, "create update updateStatus delete"),
    **_rpcs(f"{_KINDS}.agentexecution.v1.AgentExecutionQueryController", READ, "get list listBySession subscribe"),
    **_rpcs(f"{_KINDS}.agentinstance.v1.AgentInstanceCommandController", WRITE, "apply create update delete"),
    **_rpcs(f"{_KINDS}.agentinstance.v1.AgentInstanceQueryController", READ, "get getByAgent getByReference"),
    **_rpcs(f"{_KINDS}.environment.v1.EnvironmentCommandController", WRITE, "apply create update delete"),
    **_rpcs(f"{_KINDS}.environment.v1.EnvironmentQueryController", READ, "get getByReference"),
    **_rpcs(f"{_KINDS}.executioncontext.v1.ExecutionContextCommandController", WRITE, "apply create delete"),
    **_rpcs(f"{_KINDS}.executioncontext.v1.ExecutionContextQueryController", READ, "get getByReference"),
    **_rpcs(f"{_KINDS}.mcpserver.v1.McpServerCommandController", WRITE, "apply create update delete"),
    **_rpcs(f"{_KINDS}.mcpserver.v1.McpServerQueryController", READ, "get getByReference"),
    **_rpcs(f"{_KINDS}.session.v1.SessionCommandController", WRITE, "apply create update delete"),
    **_rpcs(f"{_KINDS}.session.v1.SessionQueryController", READ, "get list listByAgent"),
    **_rpcs(f"{_KINDS}.skill.v1.SkillCommandController", WRITE, "push delete"),
    **_rpcs(f"{_KINDS}.skill.v1.SkillQueryController", READ, "get getByReference getArtifact"),
    **_rpcs(f"{_KINDS}.workflow.v1.WorkflowCommandController", WRITE, "apply create update delete"),
    **_rpcs(f"{_KINDS}.workflow.v1.WorkflowQueryController", READ, "get getByReference"),
    **_rpcs(
        f"{_KINDS}.workflowexecution.v1.WorkflowExecutionCommandController", WRITE, "create update updateStatus delete"
    ),
    **_rpcs(
        f"{_KINDS}.workflowexecution.v1.WorkflowExecutionQueryController", READ, "get list listByWorkflow subscribe"
    ),
    **_rpcs(f"{_KINDS}.workflowinstance.v1.WorkflowInstanceCommandController", WRITE, "apply create update delete"),
    **_rpcs(f"{_KINDS}.workflowinstance.v1.WorkflowInstanceQueryController", READ, "get getByWorkflow getByReference"),
    **_rpcs(
        f"{_KINDS}.workflowrunner.v1.WorkflowRunnerServiceController",
        WRITE,
        "executeAsync cancelExecution pauseExecution resumeExecution",
    ),
    **_rpcs(
        "stigmer.execution.v1.ExecutionService",
        READ,
        "ListExecutions GroupExecutions TallyExecutions ListAgents Watch Tail SearchExecution",
    ),
    **_rpcs(
        "stigmer.execution.v1.ExecutionService",
        WRITE,
        "Cancel SendMessage MarkSeen LabelExecutions DeleteExecutions",
    ),
    **_rpcs("stigmer.execution.v1.ArtifactService", READ, "ListArtifacts GetArtifact"),
    **_rpcs("stigmer.terminal.v1.TerminalService", WRITE, "Attach"),
    **_rpcs("stigmer.steering.v1.SteeringService", READ, "ListAttention ListSessionApprovals"),
    **_rpcs(
        "stigmer.steering.v1.SteeringService",
        WRITE,
        "Pause Resume ResolveApproval Answer Interrupt ChangeModel ChangePolicy UndoTurn WithdrawMessage Branch RetryMessage "
        "RevokeSessionApproval Signal Retry Publish Complete",
    ),
    **_rpcs("stigmer.resource.v1.ResourceService", READ, "ListResources GetResource WatchResources ListVersions"),
    **_rpcs("stigmer.resource.v1.ResourceService", WRITE, "ApplyResources DeleteResource RestoreVersion"),
    **_rpcs("stigmer.secret.v1.SecretService", READ, "ListSecrets GetSecretsStatus ListProviderKeys ListMissingKeys"),
    **_rpcs(
        "stigmer.secret.v1.SecretService",
        WRITE,
        "SetSecret DeleteSecret RotateMasterKey UnlockSecrets SetProviderKey DeleteProviderKey",
    ),
    **_rpcs(
        "stigmer.runner.v1.RunnerService",
        RUNNER,
        "Link ReadJournal GetExecutionContext GetProviderKey ReadSessionMemory ReadSkill WriteArtifact "
        "StartChildExecution AwaitExecution CancelChild PublishEvent CreateCallback AwaitCallback KeepValue ReadValue",
    ),
    **_rpcs("stigmer.schedule.v1.ScheduleService", READ, "ListSchedules"),
    **_rpcs("stigmer.schedule.v1.ScheduleService", WRITE, "PauseSchedule ResumeSchedule TriggerSchedule"),
    **_rpcs("stigmer.access.v1.ApiKeyService", WRITE, "CreateApiKey ListApiKeys RevokeApiKey"),
    **_rpcs("stigmer.maintenance.v1.MaintenanceService", WRITE, "Backup Import Pack"),
    **_rpcs("stigmer.maintenance.v1.MaintenanceService", READ, "Usage ReadBelongings"),
    **_rpcs("grpc.reflection.v1alpha.ServerReflection", READ, "ServerReflectionInfo"),
    **_rpcs("stigmer.server.v1.ServerService", EVERY_ROLE, "GetServerInfo"),
    **_rpcs("stigmer.server.v1.ServerService", READ, "GetStatus"),
    **_rpcs("stigmer.server.v1.ServerService", WRITE, "Shutdown DrainRunner"),
    **_rpcs("grpc.health.v1.Health", OPEN, "Check"),
    **_rpcs("grpc.health.v1.Health", EVERY_ROLE, "List Watch"),
}
"""Full method name, with its leading slash, to its policy."""


ARCHIVES = frozenset({f"/{_KINDS}.skill.v1.SkillCommandController/push"})
"""RPCs whose requests carry an archive, and may be as large as one."""


def policy_of(method: str) -> Policy | None:
    """The policy of `method` (`/package.Service/Method`), or None: then nobody may call it."""
    return POLICIES.get(method)


def deed_of(method: str) -> str:
    """What `method` does, in words: `delete an agent`, `send message`."""
    service, _, name = method.rpartition("/")
    controller = service.rpartition(".")[2]
    kind = _CONTROLLER.sub("", controller)
    deed = _words(name)
    if kind == controller:
        return deed
    return f"{deed} of {_a(_words(kind))}" if " " in deed else f"{deed} {_a(_words(kind))}"


_CONTROLLER = re.compile("(Command|Query|Service)Controller$")


def _words(name: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _a(words: str) -> str:
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
