"""One visit of a task, and what it needs of its run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import WorkflowTaskStarted, WorkflowTaskWaiting
from stigmer_apis.workflow.document_json import Json, to_data
from stigmer_apis.workflow.flow import END
from stigmer_apis.workflow.model import Task, Workflow
from stigmer_runner.durable.workflow_messages import WorkflowRequest
from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.interpreter.carrying import Resumed, is_due
from stigmer_runner.interpreter.durations import seconds_of
from stigmer_runner.interpreter.evaluating import Evaluator, Scope
from stigmer_runner.interpreter.failing import TaskFailed, failed
from stigmer_runner.interpreter.mailbox import Mailbox
from stigmer_runner.interpreter.telling import Teller

STRIDE = 100
"""Tasks in a row that wait for nothing; then the workflow lets others run."""
BREATH_SECONDS = 0.001
TOLD_ROUNDS = 1_000
"""Rounds of loops whose tasks are all told; after so many, tasks that wait for nothing and do not fail are left out."""


@dataclass(slots=True)
class Stage:
    """What all tasks of a run share."""

    request: WorkflowRequest
    document: Workflow
    evaluator: Evaluator
    teller: Teller
    mailbox: Mailbox
    input: Json
    """Of the workflow, after its `input.from`."""
    input_is_of_workflow: bool
    """Whether `$input` is the workflow's everywhere, as in Zigflow's dialect, instead of the task's."""
    use: Json
    """What stands below `use`, as it was written."""
    context: Json = field(default_factory=dict[str, Json])
    visits: dict[str, int] = field(default_factory=dict[str, int])
    """How often each place of the document was visited."""
    schemas: dict[str, Json] = field(default_factory=dict[str, Json])
    """Those that lie elsewhere, by where."""
    steps: int = 0
    """Tasks begun in this run."""
    rounds: int = 0
    """Rounds of loops begun in this execution."""
    paused: bool = False
    _in_a_row: int = 0

    async def step(self) -> None:
        """Before a task: waits while the run is paused, and lets others run now and then."""
        self.steps += 1
        self._in_a_row += 1
        if self.paused:
            await workflow.wait_condition(lambda: not self.paused)
        if self._in_a_row >= STRIDE:
            self._in_a_row = 0
            await workflow.sleep(BREATH_SECONDS)

    def rested(self) -> None:
        """A task has waited for something."""
        self._in_a_row = 0

    @property
    def is_long(self) -> bool:
        """Whether the run should go on as a new one."""
        return is_due(self.steps)


@dataclass(frozen=True, slots=True)
class Around:
    """What a task finds around it."""

    stage: Stage
    scope: Scope
    parent: "Visit | None" = None
    level: int = 0
    attempt: int = 1
    index: int | None = None
    branch: str = ""
    carries: bool = True
    """Whether the run may stop here to go on as a new one: nothing runs beside it, and nothing around it would be lost."""
    quiet: bool = False
    """Whether tasks that wait for nothing are left out of the events."""


@dataclass(slots=True)
class Visit:
    """A task that is being done."""

    around: Around
    task: Task
    path: str
    task_id: str
    raw: Json
    input: Json
    scope: Scope
    began: float
    """Seconds since 1970."""
    resumed: Resumed
    """From where inside of it a run goes on."""
    told: bool = False
    deadline: float = 0.0
    """0: none."""

    @property
    def stage(self) -> Stage:
        """What all tasks share."""
        return self.around.stage

    @property
    def evaluator(self) -> Evaluator:
        """Evaluates expressions."""
        return self.around.stage.evaluator

    def announce(self) -> None:
        """Tell that it began, and what it is inside of, where that was not told."""
        if self.told:
            return
        self.told = True
        parent = self.around.parent
        if parent is not None:
            parent.announce()
        if self.stage.teller.silent:
            return
        begun = WorkflowTaskStarted(
            task_id=self.task_id,
            name=self.task.name.text,
            kind=_kind(self.task),
            path=self.path,
            parent_task_id=parent.task_id if parent is not None else "",
            attempt=self.around.attempt,
            branch=self.around.branch,
        )
        if self.around.index is not None:
            begun.index = self.around.index
        self.stage.teller.started(begun, self.raw)

    def wait(self, told: WorkflowTaskWaiting) -> None:
        """Tell what it waits for."""
        self.announce()
        told.task_id = self.task_id
        self.stage.teller.waiting(told)
        self.stage.rested()

    def fail(self, kind: str, detail: str) -> TaskFailed:
        """An error of one of the language's kinds, here."""
        return failed(kind, detail, self.path)

    def used(self, kind: str, name: str) -> Json:
        """What `use` defines under a name, as it was written. Raises `TaskFailed`."""
        kinds = self.stage.use.get(kind) if isinstance(self.stage.use, dict) else None
        if not isinstance(kinds, dict) or name not in kinds:
            raise self.fail("configuration", f"`use.{kind}` has no `{name[:60]}`")
        return kinds[name]

    def seconds(self, template: Json, what: str) -> float:
        """A length of time that the document says. Raises `TaskFailed`."""
        value = self.evaluator.data(template, self.input, self.scope)
        found = seconds_of(value)
        if found is None:
            raise self.fail("expression", f"the {what} is no length of time: {str(value)[:100]}")
        return found

    def inside(
        self,
        scope: Scope | None = None,
        *,
        carries: bool | None = None,
        attempt: int = 1,
        index: int | None = None,
        branch: str = "",
        quiet: bool = False,
    ) -> Around:
        """What a task inside of this one finds around it."""
        around = self.around
        return Around(
            around.stage,
            scope if scope is not None else self.scope,
            self,
            around.level + 1,
            attempt,
            index if index is not None else around.index,
            branch or around.branch,
            around.carries and not self.deadline if carries is None else carries,
            quiet or around.quiet,
        )

    def described(self) -> Json:
        """What `$task` is."""
        return {
            "name": self.task.name.text,
            "reference": self.path,
            "definition": to_data(self.task.node),
            "input": self.raw,
            "startedAt": moment(self.began),
        }


@dataclass(frozen=True, slots=True)
class Done:
    """What a task, or a list of tasks, came to."""

    output: Json
    then: str | None = None
    """Where the flow goes from here, where that is said: a directive or the name of a task of the same list."""

    @property
    def ends(self) -> bool:
        """Whether the workflow ends here."""
        return self.then == END


class Lists(Protocol):
    """Runs tasks that are inside of others."""

    async def list(self, tasks: Sequence[Task], path: str, data: Json, around: Around, resumed: Resumed) -> Done:
        """A list of tasks, one after the other. `then` of what it came to is `end` or nothing."""
        ...

    async def task(self, task: Task, path: str, data: Json, around: Around, resumed: Resumed) -> Done:
        """One task."""
        ...


def moment(seconds: float) -> Json:
    """A time as expressions see it."""
    iso = datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    return {"iso8601": iso, "epoch": {"seconds": int(seconds), "milliseconds": int(seconds * 1000)}}


def _kind(task: Task) -> str:
    """The first word of the task, with what is called or run behind a colon."""
    words = task.kind.split(" ", 1)
    return ":".join(words)
