"""`run: shell`, `script` and `container`: processes in the sandbox of the run, under the policy of an agent's commands."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Network, Policy
from stigmer_runner.durable.workflow_messages import PROCESS, TaskCall
from stigmer_runner.engine.activities import Unfinished
from stigmer_runner.errors import RunnerError
from stigmer_runner.loop.live_questions import LiveQuestions
from stigmer_runner.policy import rules
from stigmer_runner.policy.commands import ParsedLine, parse
from stigmer_runner.policy.decision import Decision
from stigmer_runner.policy.protected import present
from stigmer_runner.policy.subject import Subject
from stigmer_runner.redaction import RedactingStream
from stigmer_runner.sandbox import ExecutionRequest, ExecutionResult, Outcome, Sandbox, SandboxError
from stigmer_runner.tools.interface import Effect, Question
from stigmer_runner.tools.session import DEFAULT_LIMITS
from stigmer_runner.tools.shell.commands import QUIET
from stigmer_runner.tools.shell.redacted import RedactedOutput
from stigmer_runner.tools.shell.telling import LONG_COMMAND, described
from stigmer_runner.tools.web.addresses import resolve
from stigmer_runner.tools.web.proxy import VARIABLES, HostProxy
from stigmer_runner.workflow.activities import LARGEST_RESULT, Asked
from stigmer_runner.workflow.commands import ProcessWanted, container_of, output_of, script_of, shell_of
from stigmer_runner.workflow.outside import asker
from stigmer_runner.workflow.problems import Kind, TaskProblem
from stigmer_runner.workflow.resources import Resources
from stigmer_runner.workflow.secrets import Secrets, shown

AT_ONCE = 32
"""Processes of all workflows of a runner that run at once; others wait."""
MOST_SHOWN = 4 * 1024 * 1024
"""Bytes of output that become events; the result has more."""
_SAID = 2_000
"""Characters of what it said that an error tells."""
_KINDS = ("shell", "script", "container")

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProcessPlace:
    """Where the processes of one run work."""

    execution_id: str
    workspace: Path
    sandbox: Sandbox
    marker_prefix: str
    """Of the marks by which processes are found again after a crash."""
    environment: Mapping[str, str] = field(repr=False)
    """Values of the execution's context."""
    scratch: Path | None
    policy: Policy
    """What the run was given; empty where nothing was: then what the document says is run without asking."""
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    """Processes that run at once."""

    @property
    def network(self) -> Network.Mode.ValueType:
        """What processes reach. Without walls nothing can be closed."""
        if not self.sandbox.description.walls:
            return Network.MODE_OPEN
        return self.policy.network.mode or Network.MODE_CLOSED


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str
    remark: str = ""
    """Why it was ended, in words; empty where it ended by itself."""
    timed_out: bool = False


Run = Callable[[ProcessPlace, Asked, ProcessWanted, "Showing"], Awaitable[Ended]]
"""Runs one to its end. Raises `SandboxError`."""


class RunProcess:
    """Runs a process. Its output is a terminal's, and its end gives the task's output."""

    name = PROCESS

    def __init__(
        self,
        place: Callable[[], Awaitable[ProcessPlace]],
        secrets: Secrets,
        resources: Resources,
        questions: LiveQuestions,
        run_container: Run,
    ) -> None:
        """`place` makes it when it is first asked: a workflow without processes starts no sandbox."""
        self._place = place
        self._secrets = secrets
        self._resources = resources
        self._questions = questions
        self._run_container = run_container
        self._background: set[asyncio.Task[object]] = set()

    def intent(self, task: TaskCall) -> Sequence[ev.Event]:
        """See `Work.intent`."""
        given = cast("dict[str, object]", json.loads(task.arguments_json))
        requested = ev.ToolCallRequested(call_id=call_of(task), name=str(given.get("kind") or "shell"))
        words = next((str(given[key]) for key in ("command", "code", "image") if given.get(key)), "")
        requested.args.update({"command": shown(words)[:LONG_COMMAND]})
        return (ev.Event(tool_call_requested=requested),)

    def unfinished(self, task: TaskCall, why: Unfinished) -> Sequence[ev.Event]:
        """See `Work.unfinished`."""
        unknown = why is Unfinished.UNKNOWN
        finished = ev.ToolCallFinished(
            call_id=call_of(task),
            outcome=ev.TOOL_OUTCOME_UNKNOWN if unknown else ev.TOOL_OUTCOME_CANCELLED,
            error="The runner stopped while it ran: nobody knows how far it came." if unknown else "",
        )
        return (ev.Event(tool_call_finished=finished),)

    @property
    def busy(self) -> bool:
        """Whether one runs that is not waited for."""
        return bool(self._background)

    async def close(self) -> None:
        """End what runs and is not waited for."""
        for task in self._background:
            task.cancel()
        if self._background:
            await asyncio.wait(self._background)

    async def do(self, asked: Asked) -> object:
        """See `Work.do`."""
        try:
            wanted, run = await self._wanted(asked), self._runs(asked)
            place = await self._place()
            await self._allowed(place, asked, wanted)
        except TaskProblem as problem:
            self._not_started(asked, problem)
            raise
        except (SandboxError, RunnerError) as error:
            problem = TaskProblem(Kind.CONFIGURATION, "no process can be run here", str(error))
            self._not_started(asked, problem)
            raise problem from error
        if wanted.waits:
            return await self._to_its_end(place, asked, wanted, run)
        task = asyncio.create_task(self._unwaited(place, asked, wanted, run))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return None

    async def _wanted(self, asked: Asked) -> ProcessWanted:
        arguments = asked.arguments
        match arguments.get("kind"):
            case "shell":
                return shell_of(arguments)
            case "container":
                return container_of(arguments)
            case "script":
                code = arguments.get("code")
                text = code if isinstance(code, str) else await self._resources.text(asked.mapping("source"))
                return script_of(arguments, text)
            case other:
                known = ", ".join(_KINDS)
                raise TaskProblem(Kind.CONFIGURATION, f"{str(other)[:40]!r} is nothing to run", f"known are {known}")

    def _runs(self, asked: Asked) -> Run:
        return self._run_container if asked.arguments.get("kind") == "container" else self._run

    async def _allowed(self, place: ProcessPlace, asked: Asked, wanted: ProcessWanted) -> None:
        """Raises `TaskProblem` where the policy of the run, or the person whom it has asked, does not allow it."""
        if not place.policy.preset and not place.policy.rules:
            return
        line = self._secrets.cleaned_text(wanted.line)
        parsed = (
            parse(wanted.line) if asked.arguments.get("kind") == "shell" else ParsedLine((), "it is no command line")
        )
        walls = place.sandbox.description.whole
        subject = Subject(line, line=wanted.line, parsed=parsed)
        verdict = rules.decide("shell", Effect.EXECUTE, subject, place.policy, walls=walls, environment={})
        if verdict.decision is Decision.ASK:
            ask = asker(self._questions, asked, f"{asked.task.key}-allow")
            said = await ask(Question(f"The task {asked.task.name!r} wants to run: {line[:4000]}", ("allow", "deny")))
            if said.strip().lower() == "allow":
                return
        if verdict.decision is not Decision.ALLOW:
            raise TaskProblem(Kind.AUTHORIZATION, "this is not run", verdict.reason)

    async def _unwaited(self, place: ProcessPlace, asked: Asked, wanted: ProcessWanted, run: Run) -> object:
        try:
            return await self._to_its_end(place, asked, wanted, run, asked.tell)
        except TaskProblem as problem:
            _logger.info(
                "%s, which is not waited for: %s", asked.task.task_id, self._secrets.cleaned_text(str(problem))
            )
            return None

    async def _to_its_end(
        self,
        place: ProcessPlace,
        asked: Asked,
        wanted: ProcessWanted,
        run: Run,
        last: "Callable[[Sequence[ev.Event]], object] | None" = None,
    ) -> object:
        """`last` takes what is told about the end; by itself that goes with the result."""
        showing = Showing(asked, place, self._secrets.redactor.stream(), last or asked.conclude)
        try:
            async with place.room:
                showing.begins()
                ended = await run(place, asked, wanted, showing)
        except asyncio.CancelledError:
            showing.ends(ev.TOOL_OUTCOME_CANCELLED, None)
            raise
        except SandboxError as error:
            showing.ends(ev.TOOL_OUTCOME_NOT_STARTED, None, str(error))
            raise TaskProblem(Kind.CONFIGURATION, "it cannot be started", str(error)) from error
        outcome = ev.TOOL_OUTCOME_TIMED_OUT if ended.timed_out else ev.TOOL_OUTCOME_ENDED
        showing.ends(outcome, ended.code, ended.remark)
        return _checked(wanted, ended)

    async def _run(self, place: ProcessPlace, asked: Asked, wanted: ProcessWanted, showing: "Showing") -> Ended:
        way = None
        if place.network == Network.MODE_HOSTS:
            way = HostProxy(place.policy.network.hosts, resolve, lambda _: None)
        request = ExecutionRequest(
            wanted.line,
            place.workspace,
            marker_of(place, asked),
            environment={**QUIET, **(VARIABLES if way else {}), **place.environment, **wanted.environment},
            network=place.network == Network.MODE_OPEN,
            scratch=place.scratch,
            input=wanted.stdin,
            output_limit=LARGEST_RESULT,
            on_output=lambda _, data: showing.output(data),
            read_only=present(place.workspace.resolve()),
            limits=DEFAULT_LIMITS,
            listening=way.listening if way else None,
        )
        try:
            result = await place.sandbox.execute(request)
        finally:
            if way is not None:
                await way.close()
        return _ended(result)

    def _not_started(self, asked: Asked, problem: TaskProblem) -> None:
        finished = ev.ToolCallFinished(
            call_id=call_of(asked.task), outcome=ev.TOOL_OUTCOME_NOT_STARTED, error=str(problem)[:_SAID]
        )
        asked.conclude((ev.Event(tool_call_finished=finished),))


class Showing:
    """What a process says, as the terminal of its task."""

    def __init__(
        self,
        asked: Asked,
        place: ProcessPlace,
        stream: RedactingStream,
        last: Callable[[Sequence[ev.Event]], object],
    ) -> None:
        self._asked = asked
        self._place = place
        self._last = last
        self._id = call_of(asked.task)
        self._output = RedactedOutput(stream, self._hand_over)
        self._shown = 0
        self._began = asyncio.get_running_loop().time()

    def begins(self) -> None:
        """It is about to run."""
        place = self._place
        network = place.network != Network.MODE_CLOSED
        started = ev.ToolCallStarted(
            call_id=self._id,
            terminal_id=self._id,
            directory=str(place.workspace),
            sandbox=described(place.sandbox.description, network),
            columns=80,
            rows=24,
        )
        _ = self._asked.tell((ev.Event(tool_call_started=started),))

    def output(self, data: bytes) -> None:
        """It said something. What is too much for a terminal is left out."""
        room = MOST_SHOWN - self._shown
        if room > 0:
            self._shown += len(data)
            self._output.take(data[:room].replace(b"\n", b"\r\n"))
            if self._shown >= MOST_SHOWN:
                self._output.take(b"\r\n[the rest is not shown]\r\n")

    def ends(self, outcome: ev.ToolOutcome.ValueType, code: int | None, remark: str = "") -> None:
        """It is over."""
        events = [self._event(piece) for piece in self._output.close()]
        micros = round((asyncio.get_running_loop().time() - self._began) * 1e6)
        finished = ev.ToolCallFinished(
            call_id=self._id, outcome=outcome, error=remark, duration_micros=micros, output_bytes=self._output.total
        )
        if code is not None:
            finished.exit_code = code
        self._last([*events, ev.Event(tool_call_finished=finished)])

    def _hand_over(self, pieces: Sequence[bytes]) -> None:
        _ = self._asked.tell([self._event(piece) for piece in pieces])

    def _event(self, piece: bytes) -> ev.Event:
        return ev.Event(terminal_output=ev.TerminalOutput(terminal_id=self._id, data=piece))


def call_of(task: TaskCall) -> str:
    """The tool call that a process is told as."""
    return task.task_id if task.attempt <= 1 else f"{task.task_id}~{task.attempt}"


def marker_of(place: ProcessPlace, asked: Asked) -> str:
    """By which the process is found again after a crash."""
    name = "".join(each if each.isascii() and (each.isalnum() or each in "_.-") else ":" for each in asked.task.key)
    return f"{place.marker_prefix}{place.execution_id}:{name}"[:200]


def _ended(result: ExecutionResult) -> Ended:
    return Ended(
        code=137 if result.exit_code is None else result.exit_code,
        out=result.stdout.decode("utf-8", "replace"),
        err=result.stderr.decode("utf-8", "replace"),
        remark="; ".join(
            filter(None, (result.limit, "its output was longer than is kept" if result.truncated else ""))
        ),
        timed_out=result.outcome is Outcome.TIMED_OUT,
    )


def _checked(wanted: ProcessWanted, ended: Ended) -> object:
    """The task's output. Raises `TaskProblem` where it failed: a task that asks for the code has that in place of an error."""
    if ended.code == 127 and wanted.program and "not found" in ended.err:
        raise TaskProblem(
            Kind.CONFIGURATION,
            f"`{wanted.program}` is not there",
            f"install it, so that it is on PATH: {ended.err[:_SAID]}",
        )
    if ended.remark or (ended.code and wanted.gives not in ("code", "all")):
        said = (ended.err.strip() or ended.out.strip())[-_SAID:]
        title = f"it ended with the exit code {ended.code}"
        raise TaskProblem(Kind.RUNTIME, ended.remark or title, said)
    return output_of(wanted, ended.code, ended.out, ended.err)
