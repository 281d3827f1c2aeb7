"""From the events of a run of a workflow to where a new one goes on: what was done is taken over, the rest is done.

The place is a list of frames, as the interpreter writes them where a long run goes on as a new one: from the outermost list inwards,

    {"at": 2, "data": ...}                     in a list of tasks: the next one, and what it takes
    {"id": "/do/2/each#1", "raw": ...}         a task with others inside of it: it has begun
    {"round": 3, "data": ...}                  in a `for`
    {"attempt": 1} or {"caught": ...}          in a `try`, or in its `catch`
    {"branches": {"0": [...], "1": [...]}}     in a `fork`: the frames of each branch that has begun
    {"done": ...}                              a task that is done, with what it gave

Events hold values up to 64 KiB, numbers as far as a double has them, and no secrets. Where what a task takes is not whole in them, nothing goes on there.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from google.protobuf.struct_pb2 import Value

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import Event, WorkflowTaskFinished, WorkflowTaskStarted
from stigmer_apis.workflow.document_json import Json
from stigmer_apis.workflow.event_values import Inexact, exact

MOST_BYTES = 32 << 20
"""Of what is kept in mind of a run: a document's tasks with what they took and gave, each as it was last."""
MOST_CARRIED = 1 << 20
"""Characters of what is handed to the new run: an engine may take no more at a time."""
_MOST_SHOWN = 8


class CannotGoOn(Exception):
    """A run cannot go on there. `remedy` says what can be done instead."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where a new run begins."""

    carried_json: str
    """For the interpreter: `frames`, `context`, `visits`, as a JSON text."""
    context: Value | None
    """What was exported by then."""
    events: Sequence[Event]
    """Of the tasks that are taken over, in the order of the old run."""
    begins: Sequence[str]
    """The tasks that it begins with, by their place in the document; empty where nothing is left but the end."""
    done: int
    """Tasks that are taken over."""


@dataclass(slots=True, eq=False)
class _Visit:
    """One visit of a task, with what is inside of it."""

    began: int
    """Its place among the events."""
    started: WorkflowTaskStarted
    parent: "_Visit | None"
    ended: int = 0
    finished: WorkflowTaskFinished | None = None
    inside: dict[str, "_Visit"] = field(default_factory=dict[str, "_Visit"])
    """The last visit of each place, in the order of their beginnings."""

    @property
    def kind(self) -> str:
        return self.started.kind.partition(":")[0].lower()

    @property
    def is_done(self) -> bool:
        end = self.finished
        return end is not None and not end.error and not end.cancelled

    @property
    def size(self) -> int:
        return self.started.ByteSize() + (self.finished.ByteSize() if self.finished is not None else 0)


class TaskSearch:
    """Finds the last visit of the task that a person means by its name, its place, or the id of a visit."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._found: dict[str, str] = {}
        self._names: dict[str, None] = {}

    def take(self, event: Event) -> None:
        """The next event of the run."""
        if event.HasField("workflow_task_started"):
            started = event.workflow_task_started
            self._names[started.name] = None
            if self._wanted in (started.task_id, started.path, started.name):
                self._found[started.path] = started.task_id

    def found(self) -> str:
        """The visit's id. Raises `CannotGoOn`."""
        wanted, names = self._wanted[:100], list(self._names)
        if not self._found:
            known = ", ".join(names[:_MOST_SHOWN]) + (", ..." if len(names) > _MOST_SHOWN else "")
            raise CannotGoOn(f"no task `{wanted}` began in it", f"begun had {known or 'none'}")
        if len(self._found) > 1:
            raise CannotGoOn(f"several tasks are called `{wanted}`", f"say its place: {' or '.join(self._found)}")
        return next(iter(self._found.values()))


class Past:
    """What a run had done, by its events. It goes on at the visit `target`, else at what was not done when it ended."""

    def __init__(self, target: str = "") -> None:
        self._target = target
        self._aim: _Visit | None = None
        self._top: dict[str, _Visit] = {}
        self._known: dict[str, _Visit] = {}
        self._visits: dict[str, int] = {}
        self._context: Value | None = None
        self._bytes = 0
        self._count = 0
        self._begins: list[str] = []
        self._resumed: set[_Visit] = set()

    # What happened

    def take(self, event: Event) -> None:
        """The next event."""
        self._count += 1
        match event.WhichOneof("body"):
            case "execution_created":
                if event.execution_created.HasField("context"):
                    self._context = event.execution_created.context
            case "workflow_task_started":
                self._started(event.workflow_task_started)
            case "workflow_task_finished":
                self._finished(event.workflow_task_finished)
            case _:
                return

    def _started(self, started: WorkflowTaskStarted) -> None:
        parent = self._known.get(started.parent_task_id)
        if (started.parent_task_id and parent is None) or started.task_id in self._known:
            return  # Inside of what is passed over; or told twice.
        if self._aim is not None and not self._runs_beside(parent):
            return
        visit = _Visit(self._count, started, parent)
        around = self._top if parent is None else parent.inside
        if parent is not None and not _is_beside(parent, started):
            turn = _turn(started)
            for path in [path for path, other in around.items() if _turn(other.started) != turn]:
                self._drop(around.pop(path))
        before = around.pop(started.path, None)
        if before is not None:
            self._drop(before)
        around[started.path] = self._known[started.task_id] = visit
        path, _, number = started.task_id.rpartition("#")
        if number.isdecimal():
            self._visits[path] = max(self._visits.get(path, 0), int(number))
        self._weigh(visit.size)
        if started.task_id == self._target:
            self._aim = visit

    def _finished(self, finished: WorkflowTaskFinished) -> None:
        visit = self._known.get(finished.task_id)
        if visit is None:
            return
        aim = self._aim
        while aim is not None:
            if aim is visit:
                return  # It is done again, or goes on.
            aim = aim.parent
        visit.ended, visit.finished = self._count, finished
        if finished.HasField("exported") and visit.is_done:
            self._context = finished.exported
        self._weigh(finished.ByteSize())

    def _runs_beside(self, parent: _Visit | None) -> bool:
        """Whether what begins inside of `parent` belongs to another branch than the task that is aimed at."""
        around: set[int] = set()
        above = self._aim.parent if self._aim is not None else None
        while above is not None:
            around.add(id(above))
            above = above.parent
        while parent is not None:
            if parent is self._aim:
                return False
            if id(parent) in around:
                return parent.kind == "fork"
            parent = parent.parent
        return False

    def _drop(self, visit: _Visit) -> None:
        self._known.pop(visit.started.task_id, None)
        self._bytes -= visit.size
        for inner in visit.inside.values():
            self._drop(inner)

    def _weigh(self, size: int) -> None:
        self._bytes += size
        if self._bytes > MOST_BYTES:
            raise CannotGoOn(
                f"what its tasks took and gave is more than {MOST_BYTES >> 20} MiB", "run it from its beginning"
            )

    # Where it goes on

    def resumption(self) -> Resumption:
        """Where a new run begins. Raises `CannotGoOn`."""
        if not self._top:
            raise CannotGoOn("no task of it had begun", "run it from its beginning")
        frames = self._list(self._top)
        context: Json = {}
        if self._context is not None:
            context = self._exact(self._context, "what it exported", "")
        carried: dict[str, Json] = {"frames": frames, "context": context, "visits": dict[str, Json](self._visits)}
        told = sorted(self._told(self._top.values()), key=lambda each: each[0])
        done = sum(event.HasField("workflow_task_finished") for _, event in told)
        text = json.dumps(carried, ensure_ascii=False, separators=(",", ":"))
        if len(text) > MOST_CARRIED:
            what = f"what its tasks take from there is more than {MOST_CARRIED >> 20} MiB"
            raise CannotGoOn(what, "choose a task before it, or run it from its beginning")
        return Resumption(text, self._context, [event for _, event in told], self._begins, done)

    def _list(self, inside: dict[str, _Visit]) -> list[Json]:
        """The frames of a list of tasks, from its last task that began."""
        last = self._last(inside)
        place = _place(last.started.path)
        if last.is_done:
            return [{"at": self._behind(last, place), "data": self._output(last)}]
        return [{"at": place, "data": self._input(last)}, *self._task(last)]

    def _last(self, inside: dict[str, _Visit]) -> _Visit:
        """The one that began last; the one that is aimed at, or what is around it, where that is inside."""
        aim = self._aim
        while aim is not None:
            if inside.get(aim.started.path) is aim:
                return aim
            aim = aim.parent
        return next(reversed(inside.values()))

    def _behind(self, visit: _Visit, place: int) -> Json:
        """Where a list goes on behind a task that is done: a place, or the name of a task."""
        then = visit.finished.then if visit.finished is not None else ""
        return then if then and then != "continue" else place + 1

    def _task(self, visit: _Visit) -> list[Json]:
        """The frames inside of a task that is not done; none where it begins anew."""
        if visit is not self._aim and visit.inside:
            inner = self._inner(visit)
            if inner is not None:
                self._resumed.add(visit)
                return [{"id": visit.started.task_id, "raw": self._input(visit), "told": True}, *inner]
        self._begins.append(visit.started.path)
        return []

    def _inner(self, visit: _Visit) -> list[Json] | None:
        match visit.kind:
            case "do":
                return self._list(visit.inside)
            case "for":
                last = self._last(visit.inside)
                return [{"round": last.started.index, "data": None}, *self._list(visit.inside)]
            case "try":
                return self._try(visit)
            case "fork":
                branches: dict[str, Json] = {}
                for branch in visit.inside.values():
                    branches[str(_place(branch.started.path))] = self._one(branch)
                return [{"branches": branches}]
            case "call":
                return self._one(self._last(visit.inside))
            case _:
                return None

    def _one(self, visit: _Visit) -> list[Json]:
        """The frames of a task that stands in no list."""
        if visit.is_done:
            then = visit.finished.then if visit.finished is not None else ""
            return [{"done": self._output(visit), "then": then}]
        return self._task(visit)

    def _try(self, visit: _Visit) -> list[Json]:
        last = self._last(visit.inside)
        caught = f"{visit.started.path}/catch/"
        if not last.started.path.startswith(caught):
            return [{"attempt": 1}, *self._list(visit.inside)]
        failed = [
            each.finished
            for path, each in visit.inside.items()
            if not path.startswith(caught) and each.finished is not None and each.finished.error
        ]
        told = Value(struct_value=failed[-1].error_detail) if failed else Value()
        problem = self._exact(told, "its error", visit.started.path)
        done = {path: each for path, each in visit.inside.items() if path.startswith(caught)}
        return [{"caught": problem}, *self._list(done)]

    def _told(self, visits: Iterable[_Visit]) -> Iterable[tuple[int, Event]]:
        """The events of what is taken over."""
        for visit in visits:
            if visit not in self._resumed and visit.finished is None:
                continue
            if visit.started.path in self._begins and not visit.is_done:
                continue
            yield visit.began, Event(workflow_task_started=visit.started)
            if visit not in self._resumed and visit.finished is not None:
                yield visit.ended, Event(workflow_task_finished=visit.finished)
            yield from self._told(visit.inside.values())

    # Values

    def _input(self, visit: _Visit) -> Json:
        return self._exact(visit.started.input, "what it takes", visit.started.path)

    def _output(self, visit: _Visit) -> Json:
        if visit.finished is None or visit.finished.skipped:
            return self._input(visit)
        return self._exact(visit.finished.output, "what it gave", visit.started.path)

    def _exact(self, value: Value, what: str, path: str) -> Json:
        try:
            return exact(value)
        except Inexact as why:
            where = f"{path}: " if path else ""
            raise CannotGoOn(
                f"{where}{what} is not whole in the events of the run: {why}",
                "choose a task before it, or run it from its beginning",
            ) from why


def _is_beside(parent: _Visit, started: WorkflowTaskStarted) -> bool:
    """Whether a task belongs to what is there already: another branch, or what is done about an error of the last attempt."""
    return parent.kind == "fork" or started.path.startswith(f"{parent.started.path}/catch/")


def _turn(started: WorkflowTaskStarted) -> tuple[int, int]:
    """The round of a loop, and the attempt, that a task belongs to."""
    return (started.index if started.HasField("index") else -1, max(started.attempt, 1))


def _place(path: str) -> int:
    """The number of a task in its list: 2 of `/do/2/fetch`."""
    number = path.rpartition("/")[0].rpartition("/")[2]
    return int(number) if number.isdecimal() else 0
