"""The published messages of a workflow as a document of the language, so that the same checks hold for both.

A task's `task_config` is a `Struct` that holds one of thirteen messages (`tasks.proto`), with lists of tasks inside of some. Each is bound to its
message here, and checked by that message's rules.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, cast

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message
from protovalidate import Validator

from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.tasks import tasks_pb2
from stigmer_apis._generated.ai.stigmer.agentic.workflow.v1.workflow_pb2 import WorkflowSpec, WorkflowTask
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import WorkflowTaskKind
from stigmer_apis.documents.nodes import Entry, ListNode, MapNode, Node, Place, Scalar, ScalarType
from stigmer_apis.documents.problems import Problem
from stigmer_apis.workflow import limits
from stigmer_apis.workflow.checking import Checked, check
from stigmer_apis.workflow.document_json import DocumentBroken
from stigmer_apis.workflow.reading import in_order, read_node

CONFIGS: Mapping[str, type[Message]] = {
    "SET": tasks_pb2.SetTaskConfig,
    "HTTP_CALL": tasks_pb2.HttpCallTaskConfig,
    "GRPC_CALL": tasks_pb2.GrpcCallTaskConfig,
    "CALL_ACTIVITY": tasks_pb2.CallActivityTaskConfig,
    "SWITCH": tasks_pb2.SwitchTaskConfig,
    "FOR": tasks_pb2.ForTaskConfig,
    "FORK": tasks_pb2.ForkTaskConfig,
    "TRY": tasks_pb2.TryTaskConfig,
    "LISTEN": tasks_pb2.ListenTaskConfig,
    "WAIT": tasks_pb2.WaitTaskConfig,
    "RAISE": tasks_pb2.RaiseTaskConfig,
    "RUN": tasks_pb2.RunTaskConfig,
    "AGENT_CALL": tasks_pb2.AgentCallTaskConfig,
}
"""The message of each kind, by the kind's name without its prefix."""

Spot = tuple[Place, str]
"""Where something stands, and its path as the file spells it."""


def check_messages(source: str, spec: WorkflowSpec, find: Callable[[str], Spot]) -> Checked:
    """Everything that is wrong in a published workflow. `find` tells where a path of the spec stands in `source`: `tasks[2].task_config`."""
    reader = _Messages(source, find)
    whole = reader.document(spec)
    checked = check(read_node(source, whole, published=True), secrets_are_declared=False)
    return Checked(
        checked.workflow,
        in_order([*reader.problems, *(reader.spelled(problem) for problem in checked.errors)]),
        in_order([reader.spelled(problem) for problem in checked.warnings]),
    )


def document_of(spec: WorkflowSpec) -> Node:
    """A published workflow as a document of the language, in the dialect that its published runner speaks. Raises `DocumentBroken`."""
    reader = _Messages("the workflow", lambda path: (Place(1, 1), path))
    whole = reader.document(spec)
    if reader.problems:
        raise DocumentBroken("; ".join(f"{problem.what} ({problem.field})" for problem in reader.problems))
    head, *others = whole.entries
    words = {"namespace": "taskQueue", "name": "workflowType"}
    entries = head.value.entries if isinstance(head.value, MapNode) else ()
    told = MapNode(head.place, tuple(Entry(each.place, words.get(each.key, each.key), each.value) for each in entries))
    return MapNode(whole.place, (Entry(head.place, head.key, told), *others))


class _Messages:
    def __init__(self, source: str, find: Callable[[str], Spot]) -> None:
        self._source = source
        self._find = find
        self._paths: dict[Place, str] = {}
        self.problems: list[Problem] = []

    def spelled(self, problem: Problem) -> Problem:
        """A problem of the document with the field as the messages' file spells it."""
        field = self._paths.get(Place(problem.line, problem.column), problem.field)
        return Problem(problem.source, problem.line, problem.column, problem.what, field, problem.remedy)

    def document(self, spec: WorkflowSpec) -> MapNode:
        """All of it. The head is checked by the contract's own rules."""
        place, _ = self._find("document")
        head = {
            "dsl": "1.0.0",
            "namespace": spec.document.namespace,
            "name": spec.document.name,
            "version": spec.document.version,
        }
        return MapNode(
            place,
            (
                Entry(place, "document", _node(head, place)),
                Entry(place, "do", self._tasks(spec.tasks, "tasks", place, 1)),
            ),
        )

    def _wrong(self, spot: Spot, what: str, field: str = "", remedy: str = "") -> None:
        place, shown = spot
        path = ".".join(part for part in (shown, field) if part)
        self.problems.append(Problem(self._source, place.line, place.column, what, path, remedy))

    def _tasks(self, tasks: Iterable[WorkflowTask], path: str, above: Place, level: int) -> ListNode:
        """A list of tasks. Those inside of a `task_config` have no place of their own: they stand where the outermost does."""
        items: list[Node] = []
        for at, task in enumerate(tasks):
            here = f"{path}[{at}]"
            spot = self._find(here)
            self._paths.setdefault(spot[0], spot[1])
            work = self._task(task, here, level)
            items.append(MapNode(spot[0], (Entry(spot[0], task.name, _node(work, spot[0])),)))
        return ListNode(above, tuple(items))

    def _task(self, task: WorkflowTask, path: str, level: int) -> dict[str, Any]:
        work: dict[str, Any] = {}
        kind = (
            WorkflowTaskKind.Name(task.kind).removeprefix("WORKFLOW_TASK_KIND_")
            if task.kind in WorkflowTaskKind.values()
            else ""
        )
        config = self._config(task, kind, f"{path}.task_config")
        if config is not None and level <= limits.LEVELS:
            work = self._work(config, path, level)
        elif config is not None:
            self._wrong(
                self._find(path),
                f"tasks are nested more than {limits.LEVELS} deep",
                remedy="make a workflow of its own of them",
            )
        if not work:
            work = {"set": {"unread": True}}
        if task.HasField("export") and getattr(task.export, "as"):
            work["export"] = {"as": getattr(task.export, "as")}
        if task.flow.then:
            work["then"] = task.flow.then
        return work

    def _config(self, task: WorkflowTask, kind: str, path: str) -> Message | None:
        """The config as its message. None, noted, where it is none."""
        made = CONFIGS.get(kind)
        if made is None:
            return None
        spot, config = self._find(path), made()
        try:
            ParseDict(MessageToDict(task.task_config), config, max_recursion_depth=4 * limits.LEVELS)
        except ParseError as error:
            self._wrong(
                spot,
                f"this is no configuration of {kind.lower()}: {error}",
                remedy=_remedy(error),
            )
            return None
        found = _validator().collect_violations(config)
        for violation in found:
            field = (
                ".".join(element.field_name for element in violation.proto.field.elements)
                if violation.proto.field
                else ""
            )
            said = "this is required" if violation.proto.rule_id == "required" else violation.proto.message
            self._wrong(spot, said, field)
        return None if found else config

    def _work(self, config: Message, path: str, level: int) -> dict[str, Any]:
        def tasks(inner: Sequence[WorkflowTask], field: str) -> Node:
            return self._tasks(inner, f"{path}.task_config.{field}", self._find(path)[0], level + 1)

        match config:
            case tasks_pb2.SetTaskConfig():
                return {"set": dict(config.variables)}
            case tasks_pb2.HttpCallTaskConfig():
                return _http(config)
            case tasks_pb2.GrpcCallTaskConfig():
                request = MessageToDict(config.request)
                return {
                    "call": "grpc",
                    "with": {"service": {"name": config.service}, "method": config.method, "arguments": request},
                }
            case tasks_pb2.CallActivityTaskConfig():
                return {
                    "call": "activity",
                    "with": {"name": config.activity, "arguments": [MessageToDict(config.input)]},
                }
            case tasks_pb2.AgentCallTaskConfig():
                return {
                    "call": "agent",
                    "with": {"agent": config.agent, "message": config.message, "env": dict(config.env)},
                }
            case tasks_pb2.SwitchTaskConfig():
                cases = [{case.name: _filled(when=case.when, then=case.then)} for case in config.cases]
                return {"switch": cases}
            case tasks_pb2.ForTaskConfig():
                items: str = getattr(config, "in")
                return {"for": {"each": config.each, "in": items}, "do": tasks(config.do, "do")}
            case tasks_pb2.ForkTaskConfig():
                branches = [
                    {branch.name: {"do": tasks(branch.do, f"branches[{at}].do")}}
                    for at, branch in enumerate(config.branches)
                ]
                return {"fork": {"compete": config.compete, "branches": branches}}
            case tasks_pb2.TryTaskConfig():
                tried: Sequence[WorkflowTask] = getattr(config, "try")
                work: dict[str, Any] = {"try": tasks(tried, "try")}
                if config.HasField("catch"):
                    work["catch"] = _filled(**{"as": getattr(config.catch, "as")}) | {
                        "do": tasks(config.catch.do, "catch.do")
                    }
                return work
            case tasks_pb2.ListenTaskConfig():
                heard = [{"with": {"id": signal.id, "type": signal.type}} for signal in config.to.signals]
                to: dict[str, Any] = {"all": heard} if config.to.mode == "all" else {"any": heard}
                return {"listen": {"to": to if len(heard) > 1 else {"one": heard[0]}}}
            case tasks_pb2.WaitTaskConfig():
                return {"wait": {"seconds": config.seconds}}
            case tasks_pb2.RaiseTaskConfig():
                return {"raise": {"error": {"type": config.error, "status": 500, "detail": config.message}}}
            case tasks_pb2.RunTaskConfig():
                return {"run": {"workflow": {"name": config.workflow, "input": MessageToDict(config.input)}}}
            case _:
                return {}


def _remedy(error: ParseError) -> str:
    wants_text = "expected string" in str(error)
    return "put the value into quotes" if wants_text else "`stigmer new workflow` prints an example"


def _http(config: tasks_pb2.HttpCallTaskConfig) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "method": config.method,
        "endpoint": {"uri": config.endpoint.uri},
        "headers": dict(config.headers),
    }
    if config.HasField("body"):
        asked["body"] = MessageToDict(config.body)
    work: dict[str, Any] = {"call": "http", "with": asked}
    if config.timeout_seconds:
        work["timeout"] = {"after": {"seconds": config.timeout_seconds}}
    return work


def _filled(**fields: str) -> dict[str, Any]:
    """Those fields that are not empty."""
    return {name: value for name, value in fields.items() if value}


@cache
def _validator() -> Validator:
    return Validator()


def _node(value: Any, place: Place) -> Node:
    """Plain data as nodes, all at one place; what is a node already stays as it is."""
    match value:
        case Scalar() | ListNode() | MapNode():
            return value
        case dict():
            pairs = cast("dict[str, Any]", value)
            return MapNode(place, tuple(Entry(place, key, _node(each, place)) for key, each in pairs.items()))
        case list():
            return ListNode(place, tuple(_node(each, place) for each in cast("list[Any]", value)))
        case bool():
            return Scalar(place, ScalarType.BOOLEAN, str(value).lower())
        case int():
            return Scalar(place, ScalarType.INTEGER, str(value))
        case float():
            return Scalar(place, ScalarType.FLOAT, str(value))
        case None:
            return Scalar(place, ScalarType.NULL, "")
        case _:
            return Scalar(place, ScalarType.TEXT, str(value))
