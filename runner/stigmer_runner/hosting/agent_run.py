"""Makes model-driven runs. Imported on a thread when the first one comes: tools and models are not what a shell waits for."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Limits, Policy
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.config import Settings
from stigmer_apis.home import Home
from stigmer_apis.providers import OLLAMA
from stigmer_runner.durable.agent_loop import AgentLoop
from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.durable.messages import AgentRequest, Allowance
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.plan import ChildParts, RunPlan
from stigmer_runner.engine.port import Engine, Run
from stigmer_runner.errors import RefusedByDaemon
from stigmer_runner.hosting.keys import ExecutionModels, LeasedKeys
from stigmer_runner.link.link import Link
from stigmer_runner.link.outbox import Outbox
from stigmer_runner.loop.family import agent_activities, sub_agent_parts
from stigmer_runner.loop.ground import Ground
from stigmer_runner.loop.live_questions import LiveQuestions
from stigmer_runner.mcp.approvals import Approvals
from stigmer_runner.mcp.definition import definitions_of
from stigmer_runner.mcp.servers import McpServers
from stigmer_runner.models.calling import ProviderModels
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.port import Image, ModelError, ModelErrorCode
from stigmer_runner.models.prices import load_prices
from stigmer_runner.policy.layering import granted, layered, with_approvals
from stigmer_runner.redaction import Redactor
from stigmer_runner.sandbox.errors import SpawnFailed
from stigmer_runner.skills.loading import Skills
from stigmer_runner.skills.shelf import Shelf
from stigmer_runner.tools.handing_over import HandedFile, KeptFile
from stigmer_runner.tools.session import SessionPlace, ToolSession
from stigmer_runner.tools.shell.command_line import ShellPlace
from stigmer_runner.tools.shell.state import ShellStates
from stigmer_runner.tools.shell.terminals import Terminals


def model_config(settings: Settings) -> ModelConfig:
    """What the person set about models."""
    llm = settings.backend.local.llm
    provider = str(llm.provider) if llm.provider is not None else ""
    urls = {OLLAMA: settings.variables.ollama_base_url}
    if provider and llm.base_url:
        urls[provider] = llm.base_url
    return ModelConfig(provider, llm.model, urls, llm.max_tokens or 0, llm.temperature)


@dataclass(frozen=True)
class Models:
    """The providers of a runner."""

    config: ModelConfig
    port: ProviderModels
    shelf: Shelf
    """The unpacked skills of the home."""
    approval_seconds: float = 0.0
    """How long a person may take to decide about a call, where no policy says; 0 for as long as they like."""


def make_models(settings: Settings, home: Path) -> Models:
    """The providers, as the settings say. Blocking: a file of prices is read. Raises `PricesRefused`."""
    config = model_config(settings)
    port = ProviderModels(config, LeasedKeys(), prices=load_prices(home))
    return Models(config, port, Shelf(home / "skills"), float(settings.backend.local.execution.approval_expiry))


def wanted_model(grant: LinkResponse.LeaseGranted) -> str:
    """The model that an execution names, or its agent; empty for the configured one."""
    return grant.execution.spec.execution_config.model_name or grant.agent.spec.model


def agent_request(grant: LinkResponse.LeaseGranted) -> AgentRequest:
    """What a model-driven run is to do."""
    spec, agent = grant.execution.spec, grant.agent.spec
    policy = policy_of(grant)
    pictures = [
        Image.of(each.media_type, each.data, each.name)
        for each in spec.options.attachments
        if each.media_type.startswith("image/")
    ]
    return AgentRequest(
        execution_id=grant.execution_id,
        model=wanted_model(grant),
        limits=_allowance(agent.limits, spec.options.limits),
        policy=base64.b64encode(policy.SerializeToString()).decode(),
        attachments=tuple(json.dumps(asdict(each)) for each in pictures),
        granted=granted(grant.session_approvals),
    )


def policy_of(grant: LinkResponse.LeaseGranted, changed: Policy | None = None) -> Policy:
    """What a run may do: `changed` over what its agent says; the run's own options where nothing was changed."""
    options = grant.execution.spec.options
    of_run = changed or (options.policy if options.HasField("policy") else None)
    return with_approvals(layered(grant.agent.spec.policy, of_run), grant.session_approvals)


def changed_policy(grant: LinkResponse.LeaseGranted, changed: Policy) -> Policy:
    """What a run may do once a person has given it another policy. Raises `SpawnFailed` where that wants another sandbox: a run keeps its own."""
    own = grant.execution.spec.options.policy.sandbox or grant.agent.spec.policy.sandbox
    if changed.sandbox and changed.sandbox != own:
        kept = f"`{own}`" if own else "what the settings say"
        raise SpawnFailed(
            f"a run keeps the sandbox that it began with ({kept}): it cannot go on in `{changed.sandbox}`. "
            f"Start the next one with `--sandbox {changed.sandbox}`"
        )
    return policy_of(grant, changed)


def with_texts(grant: LinkResponse.LeaseGranted) -> str:
    """The first message, with the texts that are attached to it."""
    spec = grant.execution.spec
    parts = [spec.message]
    for each in spec.options.attachments:
        if not each.media_type.startswith("image/"):
            parts.append(f"[attached: {each.name}]\n{each.data.decode('utf-8', 'replace')}")
    return "\n\n".join(parts)


def tool_session(
    grant: LinkResponse.LeaseGranted,
    place: ShellPlace,
    home: Home,
    states: ShellStates,
    terminals: Terminals,
    shown: tuple[Path, ...] = (),
) -> ToolSession:
    """What the tool calls of an execution share."""
    return ToolSession(
        SessionPlace(
            execution_id=grant.execution_id,
            session_id=place.session_id,
            workspace=place.workspace,
            sandbox=place.sandbox,
            marker_prefix=place.marker_prefix,
            state_directory=home.root / "sessions" / place.session_id,
            environment=place.context,
            scratch=place.scratch,
            network=policy_of(grant).network,
            hidden=(home.root, home.run),
            shown=shown,
        ),
        states,
        terminals,
        _now_micros,
        Redactor(place.hidden),
    )


def mcp_servers(grant: LinkResponse.LeaseGranted, place: ShellPlace, home: Home, session: ToolSession) -> McpServers:
    """The MCP servers of an agent, none of them started; they end with `session`."""
    approvals = Approvals(home.root / "mcp" / "approved.json", session.place.state_directory / "mcp-approved.json")
    definitions = definitions_of(grant.agent, grant.mcp_servers, place.server_secrets)
    servers = McpServers(definitions, session, approvals, frozenset(place.secrets))
    session.companions.append(servers.close)
    return servers


def talking_run(
    engine: Engine,
    grant: LinkResponse.LeaseGranted,
    outbox: Outbox,
    link: Link,
    models: Models,
    session: ToolSession,
    chronicle: ExecutionChronicle,
    clock: Callable[[], int],
    skills: Skills,
    questions: LiveQuestions,
    servers: McpServers,
) -> Run:
    """A run of an agent that a model drives."""

    async def key(provider: str) -> bytes:
        try:
            return await link.provider_key(outbox, provider)
        except RefusedByDaemon as error:
            raise ModelError(ModelErrorCode.UNAUTHORIZED, str(error)) from error

    async def has_key(provider: str) -> bool:
        try:
            return bool(await key(provider))
        except ModelError:
            return False

    async def hand_over(file: HandedFile) -> KeptFile:
        kept = await link.write_artifact(outbox, file)
        return KeptFile(kept.artifact_id, kept.size)

    session.hand_over = hand_over
    ground = Ground(
        execution_id=grant.execution_id,
        agent=grant.agent,
        session=session,
        models=ExecutionModels(models.port, key),
        config=models.config,
        clock=clock,
        read_memory=lambda: link.session_memory(outbox, grant.session_executions),
        skills=skills,
        questions=questions,
        servers=servers,
        has_key=has_key,
        approval_seconds=models.approval_seconds,
    )

    def child(workflow_type: str, workflow_id: str) -> ChildParts | None:
        return sub_agent_parts(ground, chronicle, workflow_type, workflow_id)

    plan = RunPlan(AgentLoop, grant.execution_id, (agent_request(grant), with_texts(grant).encode()))
    return engine.run(plan, Activities(agent_activities(ground)), outbox, chronicle, child_kinds=child)


def _now_micros() -> int:
    return time.time_ns() // 1000


def _allowance(of_agent: Limits, of_run: Limits) -> Allowance:
    """The run's own limits over the agent's."""
    time = of_run.time if of_run.HasField("time") else of_agent.time
    return Allowance(
        turns=of_run.turns or of_agent.turns,
        tokens=of_run.tokens or of_agent.tokens,
        cost_micro_usd=of_run.cost_micro_usd or of_agent.cost_micro_usd,
        seconds=time.ToTimedelta().total_seconds(),
    )
