"""Makes runs of programs. Imported on a thread when the first one comes: few runs need it."""

import base64
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse, ReadSessionMemoryResponse
from stigmer_apis.home import Home
from stigmer_runner.acp.activities import ProgramGround, Prompt, program_activities
from stigmer_runner.acp.approvals import LiveApprovals
from stigmer_runner.acp.permissions import Gate
from stigmer_runner.acp.steering import ProgramSteering
from stigmer_runner.durable.agent_loop import AgentLoop
from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.engine.activities import Activities
from stigmer_runner.engine.plan import RunPlan
from stigmer_runner.engine.port import Engine, Run
from stigmer_runner.hosting.agent_run import agent_request, mcp_servers, with_texts
from stigmer_runner.link.outbox import Outbox
from stigmer_runner.loop.ground import Ground
from stigmer_runner.loop.live_questions import LiveQuestions
from stigmer_runner.models.config import ModelConfig
from stigmer_runner.models.port import ModelError, ModelErrorCode, ModelEvent, ModelRequest
from stigmer_runner.policy.granting import expiry_of
from stigmer_runner.tools.session import ToolSession
from stigmer_runner.tools.shell.command_line import ShellPlace


@dataclass(frozen=True)
class Hosting:
    """What hosting gives to a run: where it writes, and how commands are answered (`reject` with a reason, or `applied`)."""

    engine: Engine
    outbox: Outbox
    chronicle: ExecutionChronicle
    clock: Callable[[], int]
    reject: Callable[[str, str], None]
    applied: Callable[[str], None]
    approval_seconds: float = 0.0
    """How long a person may take to decide, where no policy says; 0 for as long as they like."""


class NoModels:
    """A program asks its model itself; none of ours is."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Never."""
        raise ModelError(ModelErrorCode.INVALID, "a program asks its model itself")
        yield


def program_run(
    grant: LinkResponse.LeaseGranted, place: ShellPlace, home: Home, session: ToolSession, hosting: Hosting
) -> tuple[Run, ProgramSteering]:
    """A run of the program that the agent names, and what takes commands for it. The program ends with `session`."""
    request = agent_request(grant)
    ground = Ground(
        execution_id=grant.execution_id,
        agent=grant.agent,
        session=session,
        models=NoModels(),
        config=ModelConfig(),
        clock=hosting.clock,
        read_memory=_nothing,
        questions=LiveQuestions(hosting.clock),
        servers=mcp_servers(grant, place, home, session),
    )
    policy = Policy.FromString(base64.b64decode(request.policy))
    approvals = LiveApprovals(
        (bytes.fromhex(each) for each in request.granted), expiry_of(policy, hosting.approval_seconds), hosting.clock
    )
    program = ProgramGround(ground, Gate(session, policy, approvals))
    prompt = Prompt(program)
    session.companions.append(prompt.close)
    plan = RunPlan(AgentLoop, grant.execution_id, (request, with_texts(grant).encode()))
    run = hosting.engine.run(plan, Activities(program_activities(program, prompt)), hosting.outbox, hosting.chronicle)
    return run, ProgramSteering(grant.execution_id, run, hosting.reject, hosting.applied, approvals)


async def _nothing() -> Sequence[ReadSessionMemoryResponse]:
    """What was said before in the session is not told to a program."""
    return ()
