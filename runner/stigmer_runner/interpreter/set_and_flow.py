"""Tasks that change or lead: set, switch, raise, wait, and the event of emit."""

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import WorkflowTaskWaiting
from stigmer_apis.workflow.document_json import Json
from stigmer_apis.workflow.model import Emit, Raise, Set, Switch, Wait
from stigmer_apis.workflow.values import Text
from stigmer_runner.engine.temporalio_names import workflow
from stigmer_runner.interpreter.failing import TaskFailed, problem_of
from stigmer_runner.interpreter.texts import data_below
from stigmer_runner.interpreter.visit import Done, Visit


def run_set(visit: Visit, work: Set) -> Done:
    """The data that is set."""
    value = visit.evaluator.value(work.values, visit.input, visit.scope)
    if not isinstance(value, dict):
        raise visit.fail(
            "expression", f"`set` wants names with values, and its expression gives {type(value).__name__}"
        )
    return Done(value)


def run_switch(visit: Visit, work: Switch) -> Done:
    """The way of the first case that holds; the input goes on."""
    for case in work.cases:
        if case.when is None or visit.evaluator.holds(case.when.text, visit.input, visit.scope):
            return Done(visit.input, case.then.text if case.then is not None else None)
    return Done(visit.input)


def run_raise(visit: Visit, work: Raise) -> Done:
    """Never; raises `TaskFailed`."""
    error = work.error
    if isinstance(error, Text) and not error.is_expression:
        template = visit.used("errors", error.text)
    else:
        template = data_below(visit.task.node, "raise", "error")
    raise TaskFailed(problem_of(visit.evaluator.data(template, visit.input, visit.scope), visit.path))


async def run_wait(visit: Visit, work: Wait) -> Done:
    """After a while, the input."""
    seconds = visit.seconds(data_below(visit.task.node, "wait"), "time to wait")
    if seconds > 0:
        until = round((workflow.time() + seconds) * 1e6)
        visit.wait(WorkflowTaskWaiting(timer_until_micros=until))
        await workflow.sleep(max(seconds, 0.001))
    return Done(visit.input)


def event_of(visit: Visit, work: Emit) -> dict[str, Json]:
    """The CloudEvent that is told, with what a document may leave out."""
    given = visit.evaluator.value(work.event, visit.input, visit.scope)
    event = given if isinstance(given, dict) else {}
    if not isinstance(event.get("type"), str):
        raise visit.fail("configuration", "an event needs a `type`, which is a text")
    head = visit.stage.document
    name = "/".join(part.text for part in (head.namespace, head.name) if part is not None)
    usual: dict[str, Json] = {
        "specversion": "1.0",
        "id": str(workflow.uuid4()),
        "source": f"/workflows/{name}",
        "time": workflow.now().isoformat().replace("+00:00", "Z"),
    }
    if "data" in event and not isinstance(event["data"], str):
        usual["datacontenttype"] = "application/json"
    return {**usual, **event}
