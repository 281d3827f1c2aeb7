"""One execution that this runner holds."""

import asyncio
import importlib
import logging
import platform
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_apis._generated.stigmer.engine.v1.journal_pb2 import JournalRecord
from stigmer_apis._generated.stigmer.event.v1.event_pb2 import CommandIssued, Event
from stigmer_apis._generated.stigmer.runner.v1.link_pb2 import LinkResponse
from stigmer_apis.config import Telemetry
from stigmer_apis.home import Home
from stigmer_apis.logs import about_execution
from stigmer_apis.providers import DAYTONA
from stigmer_runner.durable.chronicle import ExecutionChronicle
from stigmer_runner.durable.messages import SHELL_MODEL, AgentRequest
from stigmer_runner.engine.chronicle import Failed
from stigmer_runner.engine.errors import LeaseLost
from stigmer_runner.errors import RunnerError
from stigmer_runner.hosting.engines import Engines
from stigmer_runner.hosting.providers import Providers
from stigmer_runner.hosting.sandboxes import Sandboxes
from stigmer_runner.hosting.scratch import Scratch
from stigmer_runner.hosting.steering import Steering
from stigmer_runner.hosting.values import checked_values
from stigmer_runner.link.link import Link
from stigmer_runner.link.outbox import Outbox
from stigmer_runner.sandbox import Sandbox, SandboxError
from stigmer_runner.telemetry.telling import Telling
from stigmer_runner.tools.shell.command_line import RunCommandLine, ShellPlace
from stigmer_runner.tools.shell.state import ShellStates
from stigmer_runner.tools.shell.terminals import Terminals

if TYPE_CHECKING:
    from stigmer_runner.engine.port import Engine, Run
    from stigmer_runner.tools.execute.daytona import DaytonaAccount
    from stigmer_runner.tools.session import ToolSession

_logger = logging.getLogger(__name__)

PROGRAMS = "stigmer_runner.acp.running"
"""The module that runs programs as agents."""


def now_micros() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(frozen=True)
class Services:
    """What all executions of a runner share."""

    link: Link
    sandboxes: Sandboxes
    states: ShellStates
    scratch: Scratch
    marker_prefix: str
    home: Home | None = None
    providers: Providers | None = None
    """Whom models are asked of; None where none can be."""
    engines: Engines = field(default_factory=Engines)
    """What drives runs."""
    processes: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(32))
    """Room for the processes of workflows: so many run at once."""
    telling: Telling = field(default_factory=lambda: Telling(Telemetry(), {}))
    """What a collector of telemetry is told; nothing where none is named."""
    sleepy_seconds: float = 15.0
    """A workflow that did nothing for so long, and will not for so long, is not kept in memory."""


class HostedExecution:
    """An execution from its grant to its end. `live` runs it; the other methods are called meanwhile."""

    def __init__(self, grant: LinkResponse.LeaseGranted, outbox: Outbox, services: Services) -> None:
        self._grant = grant
        self._outbox = outbox
        self._services = services
        self._options = grant.execution.spec.options
        self._chronicle = ExecutionChronicle(now_micros)
        self._terminals = Terminals(self._options.client.columns, self._options.client.rows)
        self._run: Run | None = None
        self._steering: Steering | None = None
        self._tools: ToolSession | None = None
        self._early = deque(delivered.command for delivered in grant.pending)
        self._rejected: set[str] = set()
        self._leaving: str | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a command runs now."""
        return self._terminals.any_open

    async def live(self) -> None:
        """Run to the end; what goes wrong becomes the execution's own failure. What is logged meanwhile names the execution."""
        with about_execution(self._grant.execution_id):
            await self._live()

    async def _live(self) -> None:
        self._task = asyncio.current_task()
        self._outbox.listen(self._terminals.set_paused, self._lost)
        try:
            of_agent, options = self._grant.agent.spec.policy, self._options
            async with self._services.sandboxes.lent(
                options.client, options.policy, of_agent, self._account
            ) as sandbox:
                try:
                    await self._run_in(sandbox)
                finally:
                    await sandbox.forget(f"{self._services.marker_prefix}{self._grant.execution_id}")
        except LeaseLost as error:
            _logger.info("%s: %s", self._grant.execution_id, error)
        except (SandboxError, RunnerError) as error:
            await self._fail(str(error))
        except Exception as error:
            _logger.exception("%s failed", self._grant.execution_id)
            await self._fail(f"Stigmer itself failed in this run: {type(error).__name__}: {error}")
        finally:
            if self._tools is not None:
                await self._tools.close()
            self._services.link.close(self._outbox)

    def command(self, command: CommandIssued) -> None:
        """A person wants something. What was taken before is passed over."""
        run = self._run
        if run is None:
            self._early.append(command)
            return
        self._chronicle.issued(command)
        if self._steering is not None:
            self._steering.take(command)
            return
        match command.WhichOneof("command"):
            case "cancel":
                run.cancel(command.cancel.reason, command_id=command.command_id)
            case "send_message":
                text = command.send_message.text.encode()
                run.signal("send_message", text, command.command_id, command_id=command.command_id)
            case "withdraw_message":
                run.update("withdraw_message", command.withdraw_message.sent_by, command_id=command.command_id)
            case other:
                self._reject(command.command_id, f"the agent `shell` does not know what to do with `{other}`")

    def terminal_input(self, terminal_id: str, keys: bytes) -> None:
        """Keys of an attached person."""
        if not self._terminals.write(terminal_id, keys):
            _logger.info("%s: %d bytes of keys were not taken", self._grant.execution_id, len(keys))

    def terminal_resized(self, terminal_id: str, columns: int, rows: int) -> None:
        """An attached person's terminal has another size."""
        self._terminals.resize(terminal_id, columns, rows)

    def shut_down(self, reason: str) -> None:
        """End as cancelled."""
        self._leaving = reason
        if self._run is not None:
            self._run.cancel(reason)

    async def _run_in(self, sandbox: Sandbox) -> None:
        grant, spec = self._grant, self._grant.execution.spec
        workspace = Path(grant.workspace)
        if not await asyncio.to_thread(workspace.is_dir):
            raise RunnerError(f"the workspace {grant.workspace} is not on the runner's machine ({platform.node()})")
        session_id = spec.session_id or grant.execution_id
        await self._services.states.load(session_id, workspace)
        values = checked_values(await self._services.link.execution_values(self._outbox))
        place = ShellPlace(
            execution_id=grant.execution_id,
            session_id=session_id,
            workspace=workspace,
            sandbox=sandbox,
            marker_prefix=self._services.marker_prefix,
            context=values.every,
            secrets=values.secrets,
            server_secrets=values.of_servers,
            scratch=await self._services.scratch.of_session(session_id),
        )
        history = await self._history()
        engine = await self._services.engines.of(history)
        if grant.agent.spec.model == SHELL_MODEL:
            line = RunCommandLine(place, self._services.states, self._terminals, now_micros)
            run = await self._shell_run(engine, line)
        elif grant.agent.spec.HasField("external"):
            run = await self._program_run(engine, place)
        else:
            run = await self._talking_run(engine, place)
        self._begin(run)
        outcome = await run.execute(history)
        _logger.info("%s ended: %s", grant.execution_id, type(outcome).__name__)

    async def _account(self) -> "DaytonaAccount":
        """The person's account in Daytona. Raises `RefusedByDaemon` where there is no key."""
        from stigmer_apis.config import Variables
        from stigmer_runner.tools.execute.daytona import API_URL, DaytonaAccount

        key = await self._services.link.provider_key(self._outbox, DAYTONA)
        variables = self._services.providers.settings.variables if self._services.providers is not None else Variables()
        return DaytonaAccount(key.decode(), variables.daytona_api_url or API_URL, variables.daytona_target)

    async def _shell_run(self, engine: "Engine", activity: RunCommandLine) -> "Run":
        from stigmer_runner.hosting.engine_run import agent_run

        request = AgentRequest(
            execution_id=self._grant.execution_id,
            model=SHELL_MODEL,
            command_timeout_seconds=self._options.command_timeout.ToTimedelta().total_seconds(),
        )
        return agent_run(
            engine, request, self._grant.execution.spec.message, (activity,), self._outbox, self._chronicle
        )

    async def _talking_run(self, engine: "Engine", place: ShellPlace) -> "Run":
        """A run that a model drives."""
        services = self._services
        if services.providers is None or services.home is None:
            raise RunnerError("this runner asks no models: start it from a daemon")
        models = await services.providers.models()
        from stigmer_runner.hosting.agent_run import changed_policy, mcp_servers, talking_run, tool_session
        from stigmer_runner.loop.live_questions import LiveQuestions
        from stigmer_runner.skills.loading import load_skills

        skills = await load_skills(
            self._grant.skills, models.shelf, lambda digest: services.link.skill_archive(self._outbox, digest)
        )
        session = self._tools = tool_session(
            self._grant, place, services.home, services.states, self._terminals, skills.folders
        )
        servers = mcp_servers(self._grant, place, services.home, session)
        questions = LiveQuestions(now_micros)
        run = talking_run(
            engine,
            self._grant,
            self._outbox,
            services.link,
            models,
            session,
            self._chronicle,
            now_micros,
            skills,
            questions,
            servers,
        )
        self._steering = Steering(
            self._grant.execution_id,
            run,
            self._reject,
            questions.answered,
            self._applied,
            lambda policy: changed_policy(self._grant, policy),
        )
        return run

    async def _program_run(self, engine: "Engine", place: ShellPlace) -> "Run":
        """A run of a program that is an agent of its own."""
        services = self._services
        if services.home is None:
            raise RunnerError("this runner runs no programs as agents: start it from a daemon")
        await asyncio.to_thread(importlib.import_module, PROGRAMS)
        from stigmer_runner.acp.running import Hosting, program_run
        from stigmer_runner.hosting.agent_run import tool_session

        session = self._tools = tool_session(self._grant, place, services.home, services.states, self._terminals, ())
        expiry = 0.0 if services.providers is None else services.providers.approval_seconds
        hosting = Hosting(engine, self._outbox, self._chronicle, now_micros, self._reject, self._applied, expiry)
        run, self._steering = program_run(self._grant, place, services.home, session, hosting)
        return run

    async def _history(self) -> Sequence[JournalRecord]:
        if not self._grant.journal_records:
            return ()
        return await self._services.link.read_journal(self._outbox)

    def _begin(self, run: "Run") -> None:
        """From here on commands go to the run; first those that came before."""
        self._run = run
        while self._early:
            self.command(self._early.popleft())
        if self._leaving is not None:
            run.cancel(self._leaving)

    def _lost(self, reason: str) -> None:
        if self._run is not None:
            self._run.abandon(reason)
        elif self._task is not None:
            self._task.cancel()

    def _reject(self, command_id: str, reason: str) -> None:
        if command_id not in self._rejected:
            self._rejected.add(command_id)
            self._outbox.append((), self._chronicle.rejected(command_id, reason), urgent=True)

    def _applied(self, command_id: str) -> None:
        self._outbox.append((), self._chronicle.applied(command_id), urgent=True)

    async def _fail(self, reason: str) -> None:
        events: Sequence[Event] = self._chronicle.ended(Failed(reason))
        try:
            await self._outbox.append((), events, urgent=True, final=True)
        except LeaseLost as error:
            _logger.info("%s: %s", self._grant.execution_id, error)
