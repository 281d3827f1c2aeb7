"""What the activities of one workflow's execution share. Each part is made when it is first needed: most executions only wait."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import RunOptions
from stigmer_runner.durable import workflow_messages as names
from stigmer_runner.durable.messages import TELL
from stigmer_runner.engine.activities import Activities, Activity
from stigmer_runner.hosting.values import RunValues
from stigmer_runner.link.workflow_calls import WorkflowCalls
from stigmer_runner.loop.live_questions import LiveQuestions
from stigmer_runner.loop.telling import Tell
from stigmer_runner.workflow.activities import TaskActivity, Work
from stigmer_runner.workflow.children import CallAgent, Children, RunWorkflow
from stigmer_runner.workflow.containers import Containers
from stigmer_runner.workflow.http import CallHttp
from stigmer_runner.workflow.openapi import CallOpenApi
from stigmer_runner.workflow.outside import AskAboutUnknown, Emit, ExternalActivity
from stigmer_runner.workflow.processes import ProcessPlace, RunProcess
from stigmer_runner.workflow.proof import Proofs
from stigmer_runner.workflow.reach import Reach
from stigmer_runner.workflow.remote_calls import CallGrpc
from stigmer_runner.workflow.resources import ReadResource, Resources
from stigmer_runner.workflow.secrets import Secrets


@dataclass(frozen=True)
class Standing:
    """Where one execution stands."""

    document_json: str
    options: RunOptions
    workspace: Path
    values: RunValues
    hidden: tuple[Path, ...]
    """Directories that no task may look into: Stigmer's own."""
    lend: Callable[[AsyncExitStack], Awaitable[ProcessPlace]]
    """Makes the place of processes; what it takes is given back with the stack."""


class WorkflowActivities(Activities):
    """The activities of one execution, made by name. `close` ends what runs, and gives back what was taken."""

    def __init__(
        self, standing: Standing, calls: WorkflowCalls, questions: LiveQuestions, clock: Callable[[], int]
    ) -> None:
        super().__init__(())
        self._standing = standing
        self._calls = calls
        self._questions = questions
        self._clock = clock
        self._made: dict[str, Activity] = {}
        self._works: dict[str, Work] = {}
        self._place: ProcessPlace | None = None
        self._lent = AsyncExitStack()

    def get(self, name: str) -> Activity | None:
        """See `Activities.get`."""
        found = self._made.get(name)
        if found is None and name == TELL:
            found = self._made[name] = Tell(self._stamped)
        if found is None:
            base, again = name.removesuffix("/repeatable"), name.endswith("/repeatable")
            work = self._works.get(base) or self._work(base)
            if work is None:
                return None
            self._works[base] = work
            found = self._made[name] = TaskActivity(work, self.secrets, self._clock, again=again or base == names.ASK)
        return found

    @cached_property
    def secrets(self) -> Secrets:
        """Put into what is sent, taken out of what is told."""
        values = self._standing.values
        of_servers = {
            f"{name} of {server}": value for server, given in values.of_servers.items() for name, value in given.items()
        }
        return Secrets(values.every, {**values.secrets, **of_servers})

    @property
    def busy(self) -> bool:
        """Whether something runs that nobody waits for."""
        process = self._works.get(names.PROCESS)
        return isinstance(process, RunProcess) and process.busy

    async def close(self) -> None:
        """End what runs and is not waited for."""
        process = self._works.get(names.PROCESS)
        if isinstance(process, RunProcess):
            await process.close()
        await self._lent.aclose()

    def _stamped(self, events: Iterable[Event]) -> Sequence[Event]:
        found = list(events)
        for event in found:
            event.time_unix_micros = event.time_unix_micros or self._clock()
        return found

    def _work(self, name: str) -> Work | None:
        match name:
            case names.HTTP:
                return CallHttp(self._reach, self._proofs)
            case names.GRPC:
                return CallGrpc(self._reach, self._proofs, self._resources)
            case names.OPENAPI:
                return CallOpenApi(self._reach, self._proofs, self._resources)
            case names.PROCESS:
                return RunProcess(self._processes, self.secrets, self._resources, self._questions, Containers().run)
            case names.AGENT:
                return CallAgent(Children(self._calls))
            case names.CHILD:
                return RunWorkflow(Children(self._calls))
            case names.EMIT:
                return Emit(self._calls)
            case names.ACTIVITY:
                return ExternalActivity(self._calls, self._clock)
            case names.RESOURCE:
                return ReadResource(self._resources)
            case names.ASK:
                return AskAboutUnknown(self._questions)
            case _:
                return None

    async def _processes(self) -> ProcessPlace:
        if self._place is None:
            self._place = await self._standing.lend(self._lent)
        return self._place

    @cached_property
    def _reach(self) -> Reach:
        return Reach(self._standing.options.policy, self._standing.document_json)

    @cached_property
    def _proofs(self) -> Proofs:
        return Proofs(self._reach, self.secrets)

    @cached_property
    def _resources(self) -> Resources:
        standing = self._standing
        return Resources(self._reach, self._proofs, standing.workspace, standing.hidden)
