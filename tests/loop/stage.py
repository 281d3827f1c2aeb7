"""A daemon, a runner and a scripted provider over real HTTP: the stage on which agents play."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stigmer_apis._generated.ai.stigmer.agentic.agent.v1.agent_pb2 import Agent, AgentSpec
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceMetadata,
    ApiResourceOwnerScope,
)
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import ApprovalRequested, Event, QuestionAsked
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.client import Client, TailBatch
from stigmer_apis.client.calls import call
from stigmer_apis.protocol import API_VERSION
from stigmer_runner.models.scripted import Script, ScriptedProvider
from tests.chaos.daemon import DaemonProcess, answers, client_of, home_of
from tests.chaos.reading import everything
from tests.support.workstation import Workstation, new_workstation

LIVENESS = 120.0


@dataclass
class Stage:
    """One home with everything that runs for it."""

    workstation: Workstation
    client: Client
    directory: Path
    """A project of the person's."""
    provider: ScriptedProvider = field(default_factory=lambda: ScriptedProvider(Script.of()))
    """Whoever plays."""

    @asynccontextmanager
    async def playing(self, script: Script) -> AsyncGenerator[None]:
        """The model says what the script says."""
        port = int(self.workstation.environment["OLLAMA_BASE_URL"].rpartition(":")[2])
        async with ScriptedProvider(script, port=port) as self.provider:
            yield

    async def agent(self, name: str, spec: AgentSpec | None = None, *, preset: str = "auto") -> None:
        """Make an agent that the scripted model drives."""
        given = AgentSpec(instructions="Do what you are told, with the tools.", model="ollama/scripted")
        if spec is not None:
            given.MergeFrom(spec)
        if not given.HasField("policy"):
            given.policy.CopyFrom(Policy(preset=preset))
        scope = ApiResourceOwnerScope.organization
        made = Agent(
            api_version=API_VERSION,
            kind="Agent",
            metadata=ApiResourceMetadata(name=name, owner_scope=scope),
            spec=given,
        )
        await self.client.resources.apply([Resource(agent=made)])

    async def run(self, agent: str, message: str) -> AgentExecution:
        """Start an execution in the project."""
        return await self.client.run(agent, message, workspace=str(self.directory))

    async def start(self, wanted: AgentExecution) -> str:
        """Start an execution as it is given, of the agent that `spec.agent_id` names, in the project; its id."""
        wanted.api_version, wanted.kind = API_VERSION, "AgentExecution"
        wanted.spec.agent_id = (await self.client.get_agent(wanted.spec.agent_id)).metadata.id
        wanted.spec.options.workspace = str(self.directory)
        wanted.metadata.SetInParent()
        made = await call(self.client.connection, lambda wire: wire.execution_commands.create, wanted)
        return made.metadata.id

    async def ended(self, execution_id: str) -> "Told":
        """What happened, once it is over."""
        async with asyncio.timeout(LIVENESS):
            return Told(await everything(self.client, execution_id, follow=True))

    async def until(self, execution_id: str, found: Callable[["Told"], bool]) -> "Told":
        """What has happened, as soon as `found` holds of it."""
        events: list[Event] = []
        async with asyncio.timeout(LIVENESS):
            async for item in self.client.tail(execution_id):
                if isinstance(item, TailBatch):
                    events += item.events
                    if found(Told(events)):
                        return Told(events)
        raise AssertionError(f"it ended without it:\n{Told(events)}")


@dataclass
class Told:
    """The events of an execution, read."""

    events: Sequence[Event]
    phase: int = 0
    reason: str = ""
    approvals: list[ApprovalRequested] = field(default_factory=list[ApprovalRequested])
    questions: list[QuestionAsked] = field(default_factory=list[QuestionAsked])

    def __post_init__(self) -> None:
        for event in self.events:
            if event.HasField("phase_changed"):
                self.phase, self.reason = event.phase_changed.phase, event.phase_changed.reason
            elif event.HasField("approval_requested"):
                self.approvals.append(event.approval_requested)
            elif event.HasField("question_asked"):
                self.questions.append(event.question_asked)

    def of(self, body: str) -> list[Event]:
        """The events of one kind."""
        return [event for event in self.events if event.WhichOneof("body") == body]

    def text(self, message_id: str = "") -> str:
        """What the model said, all of it or one message."""
        deltas = [event.text_delta for event in self.of("text_delta")]
        return "".join(each.text for each in deltas if not message_id or each.message_id == message_id)

    def results(self) -> dict[str, str]:
        """By tool call: its result, or its error."""
        finished = [event.tool_call_finished for event in self.of("tool_call_finished")]
        return {each.call_id: each.error or each.result for each in finished}

    def __str__(self) -> str:
        return "\n".join(f"{number} {' '.join(str(event).split())}" for number, event in enumerate(self.events, 1))


@contextmanager
def opened(**environment: str) -> Generator[Workstation]:
    """A home whose daemon asks a provider on one port of this machine; nobody plays there yet."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with new_workstation(OLLAMA_BASE_URL=url, STIGMER_LLM_PROVIDER="ollama", **environment) as workstation:
        (workstation.home.parent / "projects").mkdir()
        yield workstation


@asynccontextmanager
async def on_stage(workstation: Workstation) -> AsyncGenerator[Stage]:
    """The stage for one test, with a project of its own."""
    directory = Path(tempfile.mkdtemp(dir=workstation.home.parent / "projects"))
    if not await answers(home_of(workstation)):
        await DaemonProcess.start(workstation).answers()
    async with client_of(workstation) as client:
        yield Stage(workstation, client, directory)
