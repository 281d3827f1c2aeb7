"""What every task has around what it does: condition, shaping of data, time, events. And lists of tasks."""

import asyncio
import json
from collections.abc import Awaitable, Sequence

from stigmer_apis.documents.nodes import MapNode
from stigmer_apis.workflow.document_json import Json
from stigmer_apis.workflow.flow import CONTINUE, END
from stigmer_apis.workflow.model import (
    ActivityCall,
    AgentCall,
    Do,
    Emit,
    For,
    Fork,
    FunctionCall,
    GrpcCall,
    HttpCall,
    Listen,
    OpenApiCall,
    Raise,
    RunProcess,
    RunWorkflow,
    Set,
    Switch,
    Task,
    Try,
    Wait,
)
from stigmer_apis.workflow.values import Shaping, Span, Text
from stigmer_runner.durable.workflow_messages import RESOURCE
from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.interpreter.calling import call, run_call, run_function
from stigmer_runner.interpreter.carrying import Carry, Resumed
from stigmer_runner.interpreter.evaluating import Scope
from stigmer_runner.interpreter.failing import TaskFailed, failed
from stigmer_runner.interpreter.forking import run_fork
from stigmer_runner.interpreter.listening import run_listen
from stigmer_runner.interpreter.loops import run_for
from stigmer_runner.interpreter.set_and_flow import run_raise, run_set, run_switch, run_wait
from stigmer_runner.interpreter.telling import Exported
from stigmer_runner.interpreter.texts import data_below, pointer
from stigmer_runner.interpreter.trying import run_try
from stigmer_runner.interpreter.visit import Around, Done, Visit

FRESH_STACK = 10
"""Levels of tasks inside each other, after which they run as a task of the loop: Python's stack is not for a hundred of them."""


class Tasks:
    """Runs tasks and lists of them."""

    async def list(self, tasks: Sequence[Task], path: str, data: Json, around: Around, resumed: Resumed) -> Done:
        """A list of tasks, one after the other."""
        at = 0
        frame = resumed.take()
        positions = {task.name.text: number for number, task in enumerate(tasks)}
        if frame is not None:
            place, data = frame.get("at"), frame.get("data")
            if place in ("exit", END):
                return Done(data, END if place == END else None)
            at = positions.get(place, 0) if isinstance(place, str) else place if isinstance(place, int) else 0
        while at < len(tasks):
            resuming = frame is not None and bool(resumed.frames)
            frame = None
            if around.carries and not resuming and around.stage.steps and around.stage.is_long:
                carry = Carry()
                carry.inside({"at": at, "data": data})
                raise carry
            task = tasks[at]
            try:
                done = await self.task(task, pointer(path, at, task.name.text), data, around, resumed)
            except Carry as carry:
                carry.inside({"at": at, "data": data})
                raise
            data = done.output
            match done.then:
                case None | "continue":
                    at += 1
                case "exit":
                    return Done(data)
                case "end":
                    return done
                case name:
                    at = positions.get(name, at + 1)
        return Done(data)

    async def task(self, task: Task, path: str, data: Json, around: Around, resumed: Resumed) -> Done:
        """One task."""
        if around.level and around.level % FRESH_STACK == 0:
            inner = asyncio.create_task(self._task(task, path, data, around, resumed))
            try:
                return await inner
            except asyncio.CancelledError:
                await asyncio.gather(inner, return_exceptions=True)
                raise
        return await self._task(task, path, data, around, resumed)

    async def _task(self, task: Task, path: str, data: Json, around: Around, resumed: Resumed) -> Done:
        frame = resumed.take()
        if frame is None:
            await around.stage.step()
        elif "done" in frame:
            then = frame.get("then")
            return Done(frame["done"], then if isinstance(then, str) and then else None)
        visit = _visit(task, path, data, around, resumed, frame)
        teller = visit.stage.teller
        try:
            if frame is None:
                why = await _begin(visit)
                if why:
                    teller.skipped(visit.task_id, why)
                    return Done(data)
            elif "input" not in frame:
                await _take(visit)
            done = await self._in_time(visit)
            done, exported = await _shaped(visit, done)
        except TaskFailed as error:
            visit.announce()
            teller.failed(visit.task_id, error.problem)
            raise
        except asyncio.CancelledError:
            if visit.told:
                teller.cancelled(visit.task_id)
            raise
        except Carry as carry:
            carry.inside(_frame(visit))
            raise
        if visit.told:
            teller.finished(visit.task_id, done.output, done.then or "", exported)
        return done

    async def _in_time(self, visit: Visit) -> Done:
        """Do it within its time, where it has one."""
        seconds = time_of(visit.task.timeout, visit.task.node, visit)
        if seconds is None:
            return await self._do(visit)
        visit.deadline = workflow.time() + seconds
        return await within(seconds, self._do(visit), visit.path)

    async def _do(self, visit: Visit) -> Done:
        match visit.task.work:
            case Set() as work:
                return run_set(visit, work)
            case Switch() as work:
                return run_switch(visit, work)
            case Raise() as work:
                return run_raise(visit, work)
            case Wait() as work:
                return await run_wait(visit, work)
            case Do() as work:
                return await self.list(
                    work.tasks, pointer(visit.path, "do"), visit.input, visit.inside(), visit.resumed
                )
            case For() as work:
                return await run_for(visit, work, self)
            case Fork() as work:
                return await run_fork(visit, work, self)
            case Try() as work:
                return await run_try(visit, work, self)
            case Listen() as work:
                return await run_listen(visit, work, self)
            case FunctionCall() as work:
                return await run_function(visit, work, self)
            case (
                HttpCall()
                | GrpcCall()
                | OpenApiCall()
                | AgentCall()
                | ActivityCall()
                | RunProcess()
                | RunWorkflow()
                | Emit() as work
            ):
                return await run_call(visit, work)
            case None:
                raise visit.fail("configuration", "the task does nothing")


def _visit(task: Task, path: str, data: Json, around: Around, resumed: Resumed, frame: dict[str, Json] | None) -> Visit:
    """The visit that begins, or the one that goes on."""
    stage = around.stage
    if frame is None:
        number = stage.visits[path] = stage.visits.get(path, 0) + 1
        visit = Visit(around, task, path, f"{path}#{number}", data, data, around.scope, workflow.time(), resumed)
    else:
        began = frame.get("began")
        visit = Visit(
            around,
            task,
            path,
            str(frame.get("id")),
            frame.get("raw"),
            frame.get("input", frame.get("raw")),
            around.scope,
            float(began) if isinstance(began, int | float) else workflow.time(),
            resumed,
            frame.get("told") is True,
        )
    visit.scope = Scope(_variables(visit), path, visit.described)
    return visit


def _frame(visit: Visit) -> Json:
    return {"id": visit.task_id, "raw": visit.raw, "input": visit.input, "began": visit.began, "told": visit.told}


def _variables(visit: Visit) -> dict[str, Json]:
    variables = dict(visit.around.scope.variables)
    if not visit.stage.input_is_of_workflow:
        variables["input"] = visit.input
    return variables


async def _begin(visit: Visit) -> str:
    """Shape the input, and tell that it begins; why it is skipped, where it is."""
    task, evaluator = visit.task, visit.evaluator
    if not visit.around.quiet:
        visit.announce()
    if task.condition is not None and not evaluator.holds(task.condition.text, visit.raw, visit.scope):
        visit.announce()
        return f"`{task.condition.text[:200]}` does not hold"
    await _take(visit)
    return ""


async def _take(visit: Visit) -> None:
    """Shape the input."""
    shaping = visit.task.input
    if shaping is None:
        return
    if shaping.schema is not None:
        await check(visit, shaping, visit.raw, "input")
    if shaping.expression is not None:
        visit.input = visit.evaluator.shaped(shaping.expression, visit.raw, visit.scope)
        visit.scope = Scope(_variables(visit), visit.path, visit.described)


async def _shaped(visit: Visit, done: Done) -> tuple[Done, Exported | None]:
    """Shape the output, and export from it."""
    task, evaluator, output = visit.task, visit.evaluator, done.output
    if task.output is not None:
        if task.output.expression is not None:
            output = evaluator.shaped(task.output.expression, output, visit.scope.plus(output=output))
        if task.output.schema is not None:
            await check(visit, task.output, output, "output")
    if task.export is not None:
        exported: Json = output
        if task.export.expression is not None:
            exported = evaluator.shaped(task.export.expression, output, visit.scope.plus(output=output))
        if task.export.schema is not None:
            await check(visit, task.export, exported, "export")
        visit.stage.context = exported
    then = done.then if done.then is not None else task.then.text if task.then is not None else None
    ended = Done(output, None if then == CONTINUE else then)
    return ended, Exported(visit.stage.context) if task.export is not None else None


async def check(visit: Visit, shaping: Shaping, data: Json, what: str) -> None:
    """Hold data to the schema of a shaping. Raises `TaskFailed`."""
    schema = shaping.schema
    if schema is None:
        return
    if schema.document is not None:
        document = visit.evaluator.template(schema.document)
    else:
        document = await _fetched(visit, data_below(schema.resource, "endpoint"), what)
    visit.evaluator.check(document, data, visit.scope, what)


async def _fetched(visit: Visit, endpoint: Json, what: str) -> Json:
    """A schema that lies elsewhere, fetched once in a run."""
    where = visit.evaluator.data(endpoint, visit.input, visit.scope)
    key = json.dumps(where, sort_keys=True)
    schemas = visit.stage.schemas
    if key not in schemas:
        text = await call(visit, RESOURCE, {"endpoint": where if isinstance(where, dict) else {"uri": where}}, True)
        try:
            schemas[key] = json.loads(text) if isinstance(text, str) else text
        except ValueError as error:
            raise visit.fail("configuration", f"the schema of the {what} is no JSON: {error}") from error
    return schemas[key]


def time_of(timeout: Span | Text | None, node: MapNode, visit: Visit) -> float | None:
    """Seconds that a task or workflow has; None where it may take any time."""
    if timeout is None:
        return None
    if isinstance(timeout, Span):
        return visit.seconds(data_below(node, "timeout", "after"), "timeout")
    template: Json = visit.evaluator.data(timeout.text, visit.input, visit.scope)
    for _ in range(16):
        if not isinstance(template, str):
            break
        template = visit.used("timeouts", template)
    after = template.get("after") if isinstance(template, dict) else template
    return visit.seconds(after, "timeout")


async def within(seconds: float, work: Awaitable[Done], instance: str) -> Done:
    """What comes of `work`, if it does in time. Raises `TaskFailed`."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise failed("timeout", f"it took longer than {seconds:g} s", instance) from error
