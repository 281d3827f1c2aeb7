"""One execution of a workflow that this runner holds."""

import asyncio
import logging
import math
import sys
from contextlib import AsyncExitStack
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued
from stigmer_apis._generated.stigmer.execution.v1.options_pb2 import RunOptions
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.logs import about_execution
from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.engine.chronicle import Failed
from stigmer_runner.engine.errors import LeaseLost
from stigmer_runner.errors import RunnerError
from stigmer_runner.hosting.hosted import Services, now_micros
from stigmer_runner.hosting.values import RunValues, checked_values
from stigmer_runner.link.outbox import Outbox
from stigmer_runner.sandbox import SandboxError

if TYPE_CHECKING:
    from stigmer_runner.engine.port import Run
    from stigmer_runner.hosting.workflow_ground import WorkflowActivities
    from stigmer_runner.hosting.workflow_run import WorkflowSteering
    from stigmer_runner.link.workflow_calls import WorkflowCalls
    from stigmer_runner.loop.live_questions import LiveQuestions
    from stigmer_runner.workflow.processes import ProcessPlace

_logger = logging.getLogger(__name__)


class Keeper(Protocol):
    """Who keeps executions that sleep."""

    def wake(self, execution_id: str) -> None:
        """Let it live again."""
        ...

    def forget(self, execution_id: str) -> None:
        """It sleeps no longer, and is not here any more."""
        ...


class HostedWorkflow:
    """An execution from its grant to its end, as `HostedExecution` is one of an agent's.

    One that only waits, for long enough, sleeps: `live` returns, and of its run nothing stays in memory. It is woken by a command, or
    shortly before the next of its timers goes off, and then goes on from its journal as after a crash.
    """

    __slots__ = (
        "_begun",
        "_chronicle",
        "_document",
        "_early",
        "_grant",
        "_keeper",
        "_leaving",
        "_options",
        "_outbox",
        "_rejected",
        "_run",
        "_services",
        "_steering",
        "_task",
        "_timer",
        "_workspace",
        "asleep",
    )

    def __init__(
        self, grant: LinkResponse.LeaseGranted, outbox: Outbox, services: Services, keeper: Keeper | None = None
    ) -> None:
        """Without a `keeper` it never sleeps."""
        self._grant: LinkResponse.LeaseGranted | None = grant
        self._document = sys.intern(grant.document_json)
        self._options = _shared(grant.workflow_execution.spec.options)
        self._workspace = grant.workspace
        self._begun = bool(grant.journal_records)
        self._outbox = outbox
        self._services = services
        self._keeper = keeper
        self._chronicle: ExecutionChronicle | None = None
        self._run: Run | None = None
        self._steering: WorkflowSteering | None = None
        self._early = [delivered.command for delivered in grant.pending]
        self._rejected: set[str] | None = None
        self._leaving: str | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.asleep = False
        """Whether it sleeps, or is about to."""

    @property
    def busy(self) -> bool:
        """Whether a command runs now: none that a person typed."""
        return False

    @property
    def wanted(self) -> bool:
        """Whether something came for it while it fell asleep."""
        return bool(self._early) or self._outbox.lost is not None

    @property
    def _execution_id(self) -> str:
        return self._outbox.execution_id

    async def live(self) -> None:
        """Run to the end, or until it sleeps; what goes wrong becomes the execution's own failure. What is logged meanwhile names
        the execution."""
        with about_execution(self._execution_id):
            await self._live()

    async def _live(self) -> None:
        self.asleep = False
        if self._timer is not None:
            self._timer.cancel()
        self._task = asyncio.current_task()
        self._chronicle = ExecutionChronicle(now_micros)
        self._outbox.listen(lambda _: None, self._lost)
        try:
            await self._run_it()
        except LeaseLost as error:
            self.asleep = False
            _logger.info("%s: %s", self._execution_id, error)
        except (SandboxError, RunnerError) as error:
            self.asleep = False
            await self._fail(str(error))
        except Exception as error:
            self.asleep = False
            _logger.exception("%s failed", self._execution_id)
            await self._fail(f"Stigmer itself failed in this run: {type(error).__name__}: {error}")
        finally:
            self._task = self._run = self._steering = self._chronicle = None
            if not self.asleep:
                if self._timer is not None:
                    self._timer.cancel()
                self._services.link.close(self._outbox)

    def command(self, command: CommandIssued) -> None:
        """A person wants something. What was taken before is passed over."""
        if self._steering is None or self._chronicle is None:
            self._early.append(command)
            if self.asleep and self._keeper is not None:
                self._keeper.wake(self._execution_id)
        else:
            self._chronicle.issued(command)
            self._steering.take(command)

    def terminal_input(self, terminal_id: str, keys: bytes) -> None:
        """Keys of an attached person: the processes of a workflow have no terminal that reads."""
        _logger.info("%s: %d bytes of keys were not taken", self._execution_id, len(keys))

    def terminal_resized(self, terminal_id: str, columns: int, rows: int) -> None:
        """An attached person's terminal has another size: nothing here asks for it."""

    def shut_down(self, reason: str) -> None:
        """Let the next runner go on with it: a workflow may take days, and is not over because a runner leaves."""
        self._services.link.give_back(self._outbox, reason)

    async def _run_it(self) -> None:
        services = self._services
        values = checked_values(await services.link.execution_values(self._outbox))
        history = await services.link.read_journal(self._outbox) if self._begun else ()
        engine = await services.engines.of(history)
        from stigmer_runner.engine.chronicle import Abandoned
        from stigmer_runner.hosting.workflow_run import WorkflowSteering, workflow_run
        from stigmer_runner.link.workflow_calls import WorkflowCalls
        from stigmer_runner.loop.live_questions import LiveQuestions

        grant, self._grant, self._begun = self._grant, None, True
        chronicle = self._chronicle
        assert chronicle is not None
        questions = LiveQuestions(now_micros)
        activities = self._activities(values, WorkflowCalls(services.link, self._outbox), questions)
        # What began is in its journal: only the first run takes anything from its grant.
        given = grant or LinkResponse.LeaseGranted(execution_id=self._execution_id)
        run = workflow_run(engine, given, values, activities, self._outbox, chronicle, now_micros)
        del grant, given
        self._begin(run, WorkflowSteering(run, questions, self._reject, self._applied))
        looking = asyncio.create_task(self._fall_asleep(activities))
        try:
            outcome = await run.execute(history)
        finally:
            looking.cancel()
            await activities.close()
        self.asleep = self.asleep and isinstance(outcome, Abandoned) and self._outbox.lost is None
        if not self.asleep:
            _logger.info("%s ended: %s", self._execution_id, type(outcome).__name__)

    async def _fall_asleep(self, activities: "WorkflowActivities") -> None:
        """Sleep once nothing is under way, and nothing will be for a while."""
        from stigmer_runner.engine.embedded import EmbeddedRun

        run, services = self._run, self._services
        while isinstance(run, EmbeddedRun) and self._keeper is not None:
            await asyncio.sleep(services.sleepy_seconds)
            due = run.rests_until()
            if due is None or self._outbox.held_bytes or activities.busy:
                continue
            left = (due - now_micros()) / 1e6 - services.sleepy_seconds
            if left > services.sleepy_seconds:
                self.asleep, self._steering = True, None
                if not math.isinf(left):
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(left, self._keeper.wake, self._execution_id)
                run.abandon("it sleeps")
                return

    def _activities(
        self, values: RunValues, calls: "WorkflowCalls", questions: "LiveQuestions"
    ) -> "WorkflowActivities":
        from stigmer_runner.hosting.workflow_ground import Standing, WorkflowActivities

        home, options, workspace = self._services.home, self._options, Path(self._workspace)

        async def lend(stack: AsyncExitStack) -> "ProcessPlace":
            return await self._place(stack, options, workspace, values)

        hidden = () if home is None else (home.root, home.run)
        standing = Standing(self._document, options, workspace, values, hidden, lend)
        return WorkflowActivities(standing, calls, questions, now_micros)

    async def _place(
        self, stack: AsyncExitStack, options: RunOptions, workspace: Path, values: RunValues
    ) -> "ProcessPlace":
        from stigmer_runner.workflow.processes import ProcessPlace

        services = self._services
        sandbox = await stack.enter_async_context(services.sandboxes.lent(options.client, options.policy))
        return ProcessPlace(
            execution_id=self._execution_id,
            workspace=workspace,
            sandbox=sandbox,
            marker_prefix=services.marker_prefix,
            environment=values.every,
            scratch=await services.scratch.of_session(self._execution_id),
            policy=options.policy,
            room=services.processes,
        )

    def _begin(self, run: "Run", steering: "WorkflowSteering") -> None:
        """From here on commands go to the run; first those that came before."""
        self._run, self._steering = run, steering
        early, self._early = self._early, []
        for command in early:
            self.command(command)

    def _lost(self, reason: str) -> None:
        if self._run is not None:
            self._run.abandon(reason)
        elif self._task is not None:
            self._task.cancel()
        elif self.asleep:
            self.asleep = False
            if self._timer is not None:
                self._timer.cancel()
            if self._keeper is not None:
                self._keeper.forget(self._execution_id)

    def _reject(self, command_id: str, reason: str) -> None:
        self._rejected = self._rejected or set()
        if command_id not in self._rejected and self._chronicle is not None:
            self._rejected.add(command_id)
            self._outbox.append((), self._chronicle.rejected(command_id, reason), urgent=True)

    def _applied(self, command_id: str) -> None:
        if self._chronicle is not None:
            self._outbox.append((), self._chronicle.applied(command_id), urgent=True)

    async def _fail(self, reason: str) -> None:
        try:
            ended = ExecutionChronicle(now_micros).ended(Failed(reason))
            await self._outbox.append((), ended, urgent=True, final=True)
        except LeaseLost as error:
            _logger.info("%s: %s", self._execution_id, error)


def _shared(options: RunOptions) -> RunOptions:
    """`options` without their workspace, which a grant names: one for all executions that were started the same way."""
    own = RunOptions()
    own.CopyFrom(options)
    own.ClearField("workspace")
    return _options(own.SerializeToString(deterministic=True))


@lru_cache(maxsize=1000)
def _options(encoded: bytes) -> RunOptions:
    return RunOptions.FromString(encoded)
