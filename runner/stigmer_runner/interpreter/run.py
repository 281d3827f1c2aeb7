"""A whole document: its input, its tasks, its output, and where a long run goes on."""

import json
from dataclasses import dataclass, replace
from functools import lru_cache

from stigmer_apis._version import __version__
from stigmer_apis.documents.nodes import MapNode
from stigmer_apis.workflow.document_json import DocumentBroken, Json, of_data, workflow_of_json
from stigmer_apis.workflow.model import Do, Task, Workflow
from stigmer_apis.workflow.values import Text
from stigmer_runner.durable.workflow_messages import WorkflowRequest
from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.interpreter.carrying import Carry, Resumed
from stigmer_runner.interpreter.evaluating import Evaluator, Scope
from stigmer_runner.interpreter.failing import TaskFailed, failed
from stigmer_runner.interpreter.mailbox import Mailbox
from stigmer_runner.interpreter.tasks import Tasks, check, time_of, within
from stigmer_runner.interpreter.telling import Teller
from stigmer_runner.interpreter.texts import pointer, unmarked
from stigmer_runner.interpreter.visit import Around, Stage, Visit, moment


class GoesOn(Exception):
    """The run is to go on as a new one, with this request."""

    def __init__(self, request: WorkflowRequest) -> None:
        super().__init__()
        self.request = request


class DocumentRun:
    """One run of a document."""

    def __init__(self, request: WorkflowRequest) -> None:
        self._request = request
        self.mailbox = Mailbox()
        self.teller = Teller()
        self._stage: Stage | None = None
        self._paused = False

    def pause(self, paused: bool) -> None:
        """Begin no further task, or go on."""
        self._paused = paused
        if self._stage is not None:
            self._stage.paused = paused

    def signal(self, name: str, data_json: str, signal_id: str, *, is_event: bool) -> None:
        """A signal or an event came."""
        letter = self.mailbox.put(name, data_json, signal_id, is_event=is_event)
        self.teller.signalled(name, signal_id, letter.event.get("data"))

    async def run(self) -> Json:
        """To the end. Raises `TaskFailed`, and `GoesOn` where the run is long."""
        carried = _map(json.loads(self._request.carried_json)) if self._request.carried_json else {}
        given = unmarked(json.loads(self._request.input_json or "null"))
        root = self._root(given, carried)
        document, stage = root.stage.document, root.stage
        self._stage = stage
        stage.paused = stage.paused or self._paused
        if "input" not in carried:
            if document.input is not None:
                await check(root, document.input, given, "input")
                if document.input.expression is not None:
                    stage.input = stage.evaluator.shaped(document.input.expression, given, root.scope)
            root.input = stage.input
        try:
            output = await self._tasks(root, carried)
        except Carry as carry:
            raise GoesOn(self._carried(root, carry)) from None
        if document.output is not None:
            scope = root.scope.plus(output=output)
            if document.output.expression is not None:
                output = stage.evaluator.shaped(document.output.expression, output, scope)
            await check(root, document.output, output, "output")
        self.teller.output(output)
        return output

    async def _tasks(self, root: Visit, carried: dict[str, Json]) -> Json:
        stage = root.stage
        tasks, path = _chosen(stage.document, self._request.workflow_type, is_dialect=stage.input_is_of_workflow)
        seconds = time_of(stage.document.timeout, root.task.node, root)
        around = Around(stage, root.scope)
        frames = carried.get("frames")
        resumed = Resumed(list(frames) if isinstance(frames, list) else [])
        work = Tasks().list(tasks, path, stage.input, around, resumed)
        if seconds is None:
            return (await work).output
        left = seconds - max(workflow.time() - root.began, 0.0)
        try:
            return (await within(max(left, 0.001), work, "")).output
        except TaskFailed as error:
            if error.problem.type.endswith("/timeout") and not error.problem.instance:
                raise failed("timeout", f"the workflow took longer than {seconds:g} s", "/") from error
            raise

    def _root(self, given: Json, carried: dict[str, Json]) -> Visit:
        """The workflow itself as what its outermost tasks are inside of; it is no task, and not told as one."""
        request = self._request
        try:
            read = _read(request.document_json)
        except DocumentBroken as error:
            raise failed("configuration", str(error)[:2000], "/") from error
        document, whole = read.document, read.whole
        raw = _map(whole)
        began = request.started_unix_micros / 1e6 if request.started_unix_micros else workflow.time()
        began = _number(carried.get("began"), began)
        stage: Stage
        evaluator = Evaluator(
            {
                "output": lambda: None,
                "authorization": dict,
                "context": lambda: stage.context,
                "input": lambda: stage.input,
                "env": lambda: _map(json.loads(request.env_json or "{}")),
                "runtime": lambda: (
                    {"name": "Stigmer", "version": __version__, "metadata": {}}
                    | _map(json.loads(request.runtime_json or "{}"))
                ),
                "workflow": lambda: {
                    "id": request.execution_id,
                    "definition": whole,
                    "input": given,
                    "startedAt": moment(began),
                },
            },
            strict=request.strict or document.strict,
        )
        stage = Stage(
            request,
            document,
            evaluator,
            self.teller,
            self.mailbox,
            carried.get("input", given),
            "workflowType" in _map(raw.get("document")),
            raw.get("use"),
        )
        if carried:
            _restore(stage, carried)
        task = Task(Text(read.head.place, "workflow"), read.head, Do(()))
        scope = Scope(instance="/")
        around = Around(stage, scope)
        return Visit(around, task, "/", "/", given, stage.input, scope, began, Resumed([]), told=True)

    def _carried(self, root: Visit, carry: Carry) -> WorkflowRequest:
        stage = root.stage
        data: Json = {
            "frames": carry.frames,
            "input": stage.input,
            "context": stage.context,
            "visits": dict[str, Json](stage.visits),
            "rounds": stage.rounds,
            "paused": stage.paused,
            "began": root.began,
            "came": stage.mailbox.came,
            "letters": stage.mailbox.data(),
        }
        return replace(self._request, carried_json=json.dumps(data))


def _restore(stage: Stage, carried: dict[str, Json]) -> None:
    """As an earlier run left it: a long one that goes on, or one that failed, whose input is shaped again."""
    stage.context = carried.get("context")
    for path, count in _map(carried.get("visits")).items():
        stage.visits[path] = round(_number(count, 0))
    stage.rounds = round(_number(carried.get("rounds"), 0))
    stage.paused = carried.get("paused") is True
    stage.mailbox.restore(round(_number(carried.get("came"), 0)), carried.get("letters"))


def _chosen(document: Workflow, wanted: str, *, is_dialect: bool) -> tuple[tuple[Task, ...], str]:
    """The tasks to run, and where they stand: of several workflows in one file, as Zigflow's dialect has them, the one that is wanted, or the first."""
    if not document.are_several or not (is_dialect or wanted):
        return document.tasks, "/do"
    for number, task in enumerate(document.tasks):
        if isinstance(task.work, Do) and (task.name.text == wanted or not wanted):
            return task.work.tasks, pointer("/do", number, task.name.text, "do")
    names = ", ".join(task.name.text for task in document.tasks)
    raise failed("configuration", f"there is no workflow `{wanted[:60]}` in this document: it has {names}", "/")


@dataclass(frozen=True, slots=True)
class _Read:
    """A document, which all runs of it share: nobody changes it."""

    document: Workflow
    whole: Json
    head: MapNode
    """Without its tasks."""


@lru_cache(maxsize=64)
def _read(text: str) -> _Read:
    """Raises `DocumentBroken`."""
    document = workflow_of_json(text, published=True)
    whole: Json = json.loads(text)
    parts = _map(whole).items()
    head = of_data({key: value for key, value in parts if key != "do"})
    if not isinstance(head, MapNode):
        raise DocumentBroken("the document is no mapping")
    return _Read(document, whole, head)


def _map(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _number(value: Json, otherwise: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
