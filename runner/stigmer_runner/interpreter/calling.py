"""Tasks that have something done: calls, processes, other workflows, events. Each is an activity."""

import asyncio
import json
from collections.abc import Mapping
from typing import cast

from stigmer_apis.documents.nodes import MapNode, Node
from stigmer_apis.workflow.document_json import Json, to_data
from stigmer_apis.workflow.model import (
    ActivityCall,
    AgentCall,
    Emit,
    FunctionCall,
    GrpcCall,
    HttpCall,
    OpenApiCall,
    RunProcess,
    RunWorkflow,
)
from stigmer_apis.workflow.values import Authentication, Text
from stigmer_runner.durable.steps import AGAIN, ONCE, UNLIMITED, WAIT
from stigmer_runner.durable.workflow_messages import (
    ACTIVITY,
    AGENT,
    ASK,
    CHILD,
    EMIT,
    GRPC,
    HTTP,
    OPENAPI,
    PROCESS,
    WORKFLOW_ERROR,
    CallEnd,
    TaskCall,
    repeatable,
    secret_marker,
)
from stigmer_runner.engine.errors import ACTIVITY_NOT_FOUND, OUTCOME_UNKNOWN
from stigmer_runner.engine.temporalio_names import ActivityError, ApplicationError, CancelledError, workflow
from stigmer_runner.interpreter.failing import TaskFailed, problem_of_json
from stigmer_runner.interpreter.set_and_flow import event_of
from stigmer_runner.interpreter.texts import data_below, filled
from stigmer_runner.interpreter.visit import Done, Lists, Visit

Call = HttpCall | GrpcCall | OpenApiCall | AgentCall | ActivityCall | RunProcess | RunWorkflow | Emit

_HARMLESS = ("GET", "HEAD", "OPTIONS")
_MOST_CALLS = 100
"""Functions that call each other, inside each other."""


async def run_call(visit: Visit, work: Call) -> Done:
    """What the activity answers."""
    match work:
        case HttpCall():
            arguments = _with_uri(visit, _arguments(visit, work.arguments), "endpoint")
            harmless = str(arguments.get("method", "")).upper() in _HARMLESS
            return Done(await call(visit, HTTP, arguments, harmless, _proof(visit, work.authentication, "endpoint")))
        case GrpcCall():
            arguments = _arguments(visit, work.arguments)
            return Done(await call(visit, GRPC, arguments, False, _proof(visit, work.authentication, "service")))
        case OpenApiCall():
            arguments = _arguments(visit, work.arguments)
            document = arguments.get("document")
            if isinstance(document, dict):
                arguments["document"] = _with_uri(visit, document, "endpoint")
            return Done(await call(visit, OPENAPI, arguments, False, _proof(visit, work.authentication, "")))
        case AgentCall():
            arguments = _arguments(visit, work.arguments, verbatim=("schema",))
            return Done(await call(visit, AGENT, arguments, True))
        case ActivityCall():
            # Whoever asks again is given the same token: nothing is done twice.
            again = workflow.patched("activity-again")
            return Done(await call(visit, ACTIVITY, _arguments(visit, work.arguments), again))
        case RunProcess():
            arguments = _arguments(visit, work.settings) | _run_words(visit) | {"kind": work.kind}
            return Done(await call(visit, PROCESS, arguments, False))
        case RunWorkflow():
            return await _run_workflow(visit, work)
        case Emit():
            event = event_of(visit, work)
            await call(visit, EMIT, {"event": event}, True)
            return Done(event)


async def run_function(visit: Visit, work: FunctionCall, lists: Lists) -> Done:
    """What the function of `use.functions` comes to, with what the call gives it as its input."""
    name = work.function.text
    function = next((each for each in visit.stage.document.uses.functions if each.name.text == name), None)
    if function is None:
        what = "catalogs are not read here" if "@" in name or "://" in name else "`use.functions` has none of that name"
        raise visit.fail("configuration", f"there is no function `{name[:100]}`: {what}")
    if visit.around.level >= _MOST_CALLS:
        raise visit.fail("runtime", f"functions call each other more than {_MOST_CALLS} deep")
    given = (
        visit.evaluator.value(work.arguments, visit.input, visit.scope) if work.arguments is not None else visit.input
    )
    done = await lists.task(function, f"/use/functions/{name}", given, visit.inside(), visit.resumed)
    return Done(done.output, done.then if done.ends else None)


async def _run_workflow(visit: Visit, work: RunWorkflow) -> Done:
    evaluator = visit.evaluator
    named = {"namespace": work.namespace, "name": work.name, "version": work.version}
    arguments: dict[str, Json] = {
        key: evaluator.data(text.text, visit.input, visit.scope) for key, text in named.items() if text is not None
    }
    arguments["input"] = (
        evaluator.value(work.input, visit.input, visit.scope) if work.input is not None else visit.input
    )
    arguments["await"] = work.waits
    output = await call(visit, CHILD, arguments, True)
    return Done(output if work.waits else visit.input)


async def call(
    visit: Visit, name: str, arguments: Mapping[str, Json], harmless: bool, authentication: Json = None
) -> Json:
    """Have an activity done. Raises `TaskFailed`. A call whose outcome nobody knows is put to the person."""
    harmless = harmless or data_below(visit.task.node, "metadata", "idempotent") is True
    visit.announce()
    tried = 0
    while True:
        tried += 1
        ask = TaskCall(
            execution_id=visit.stage.request.execution_id,
            task_id=visit.task_id,
            name=visit.task.name.text,
            instance=visit.path,
            key=f"{visit.task_id}.{visit.around.attempt}" + (f".{tried}" if tried > 1 else ""),
            arguments_json=json.dumps(arguments),
            authentication_json=json.dumps(authentication) if authentication is not None else "",
            attempt=visit.around.attempt,
            timeout_seconds=max(visit.deadline - workflow.time(), 0.0) if visit.deadline else 0.0,
        )
        try:
            return await _do(visit, repeatable(name) if harmless else name, ask, again=harmless)
        except _Unknown as unknown:
            answer = await _do(visit, ASK, ask, again=True)
            if answer == "done":
                return None
            if answer != "retry":
                detail = "the runner stopped while it ran: nobody knows how far it came"
                raise visit.fail("runtime", detail) from unknown


class _Unknown(Exception):
    """Nobody knows what became of a call."""


async def _do(visit: Visit, name: str, ask: TaskCall, *, again: bool) -> Json:
    stops = _stops()
    try:
        end = await workflow.execute_activity(
            name,
            ask,
            result_type=CallEnd,
            start_to_close_timeout=UNLIMITED,
            retry_policy=AGAIN if again else ONCE,
            cancellation_type=WAIT,
        )
    except ActivityError as error:
        if _was_stopped(stops):
            raise asyncio.CancelledError from error
        raise _meaning(visit, name, error) from error
    finally:
        visit.stage.rested()
    if _was_stopped(stops):
        raise asyncio.CancelledError
    try:
        return cast(Json, json.loads(end.output_json))
    except (ValueError, RecursionError) as error:
        raise visit.fail("runtime", f"what came back cannot be read: {error}") from error


def _stops() -> int:
    """How often what runs was asked to stop."""
    own = asyncio.current_task()
    return 0 if own is None else own.cancelling()


def _was_stopped(before: int) -> bool:
    """Whether what runs was asked to stop while an activity was waited for, which came to its end all the same: the library forgets of it then."""
    return _stops() > before and workflow.patched("stopped-while-it-ended")


def _meaning(visit: Visit, name: str, error: ActivityError) -> BaseException:
    """What a failed activity means to its task."""
    cause = error.cause
    if isinstance(cause, CancelledError):
        return asyncio.CancelledError()
    if not isinstance(cause, ApplicationError):
        return visit.fail(
            "timeout" if "timed out" in str(cause) or "longer than" in str(cause) else "runtime", str(cause)
        )
    match cause.type:
        case type_ if type_ == WORKFLOW_ERROR and cause.details:
            return TaskFailed(problem_of_json(str(cause.details[0]), visit.path))
        case type_ if type_ == OUTCOME_UNKNOWN:
            return _Unknown()
        case type_ if type_ == ACTIVITY_NOT_FOUND:
            return visit.fail("configuration", f"this runner cannot do this: it has no activity `{name}`")
        case _:
            return visit.fail("runtime", cause.message)


def _arguments(visit: Visit, node: MapNode | None, verbatim: tuple[str, ...] = ()) -> dict[str, Json]:
    """What stands below `with`, evaluated; without how to prove who is calling."""
    given = to_data(node) if node is not None else {}
    found: dict[str, Json] = {}
    for key, template in given.items() if isinstance(given, dict) else ():
        if key == "authentication":
            continue
        if isinstance(template, dict) and "authentication" in template and key in ("endpoint", "service"):
            template = {name: each for name, each in template.items() if name != "authentication"}
        found[key] = template if key in verbatim else visit.evaluator.data(template, visit.input, visit.scope)
    return found


def _with_uri(visit: Visit, arguments: dict[str, Json], key: str) -> dict[str, Json]:
    """With an endpoint as a mapping, whose URI is filled in from the input."""
    endpoint = arguments.get(key)
    inner: dict[str, Json] = endpoint if isinstance(endpoint, dict) else {"uri": endpoint}
    uri = inner.get("uri")
    if not isinstance(uri, str):
        raise visit.fail("configuration", f"`{key}` is no URI")
    return {**arguments, key: {**inner, "uri": filled(uri, visit.input)}}


def _run_words(visit: Visit) -> dict[str, Json]:
    run: Node | None = visit.task.node
    waits, returns = data_below(run, "run", "await"), data_below(run, "run", "return")
    return {"await": waits is not False, "return": returns if isinstance(returns, str) else "stdout"}


def _proof(visit: Visit, proof: Text | Authentication | None, where: str) -> Json:
    """How to prove who is calling, with all names resolved; a secret that holds all of it as its marker."""
    if proof is None:
        return None
    if isinstance(proof, Text):
        name = visit.evaluator.data(proof.text, visit.input, visit.scope)
        template = visit.used("authentications", str(name))
    else:
        node = visit.task.node
        template = data_below(node, "with", *([where] if where else []), "authentication")
        template = template if template is not None else data_below(node, "with", "authentication")
    found = visit.evaluator.data(template, visit.input, visit.scope)
    for kind, settings in found.items() if isinstance(found, dict) else ():
        if isinstance(settings, dict) and isinstance(secret := settings.get("use"), str):
            return {kind: {**settings, "use": secret_marker(secret)}}
    return found
